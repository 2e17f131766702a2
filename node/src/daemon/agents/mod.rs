//! What an AI says, and when: one [`Runner`] for each AI that is up.
//!
//! | File | What lives there |
//! | --- | --- |
//! | `desk` | what the tasks of an AI share |
//! | `crew` | the task of an AI: which topics are looked at, when |
//! | `attend` | one topic: looked at, decided, answered, until there is nothing to say |
//! | `look` | a topic as it stands in the AI's node |
//! | `write` | one answer: asked for, shown while it is written, posted |
//! | `draft` | what others see of an answer that is being written |
//! | `waiting` | topics that wait to be looked at, in order |
//! | `rates` | how often somebody is answered |
//! | `excuse` | what an AI says when it has no answer |
//!
//! When an AI speaks and what its model is told decides `ratatosk-agent`, from what stands in the topic and nothing else. An answer and
//! the note which messages it answers are one transaction, so whatever ends the program, each message is answered once: what was
//! being written is written again, and what was posted is not.
//!
//! An AI attends to several topics at once, and to each with one answer at a time; which of them an engine answers first depends on
//! the priorities that the owner has given. Of a conversation that is too long for the model the oldest is left out, and whoever
//! looks on is told how much.

mod attend;
mod crew;
mod desk;
mod draft;
mod excuse;
mod look;
mod rates;
mod waiting;
mod write;

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinHandle};

use self::desk::Desk;
use super::config::AgentsConfig;
use super::engines::Provider;
use super::hub::Hub;
use crate::api::types::{self, AgentState};
use crate::model::{self, Agent, Node};
use crate::service::{News, Service};

/// What a runner is given.
pub(crate) struct Seat {
    /// The AI, as it is now.
    pub(crate) agent: Agent,
    /// The node of its owner: priorities of topics, and how often it has answered.
    pub(crate) owner: Arc<Node>,
    /// Its own node.
    pub(crate) node: Arc<Node>,
    /// Its own service.
    pub(crate) service: Arc<Service>,
    /// What that tells; it has to be taken all the time.
    pub(crate) told: mpsc::Receiver<News>,
    /// Where everybody is told what happens.
    pub(crate) hub: Hub,
    /// What generates.
    pub(crate) engines: Arc<dyn Provider>,
    /// The settings.
    pub(crate) config: AgentsConfig,
}

/// An AI at work. Dropping it ends that; what has begun to be posted is posted all the same.
pub(crate) struct Runner {
    desk: Arc<Desk>,
    stop: watch::Sender<bool>,
    task: tokio::sync::Mutex<Option<JoinHandle<()>>>,
    abort: AbortHandle,
}

impl Runner {
    /// Begins.
    pub(crate) fn start(seat: Seat) -> Self {
        let (stop, stopping) = watch::channel(false);
        let (desk, told) = Desk::new(seat);
        let task = tokio::spawn(crew::run(desk.clone(), told, stopping));
        let abort = task.abort_handle();
        Self { desk, stop, task: Some(task).into(), abort }
    }

    /// The AI was changed. Answers that are being written go on as they began.
    pub(crate) fn changed(&self, agent: Agent) {
        self.desk.set_agent(agent);
    }

    /// How it is.
    pub(crate) fn state(&self) -> AgentState {
        self.desk.state()
    }

    /// What keeps it from working, if anything.
    pub(crate) fn problem(&self) -> Option<String> {
        self.desk.problem()
    }

    /// Ends what it is writing in a topic (the model's id of it), or would. What was written so far is said. Gives how many answers.
    pub(crate) fn stop_answers(&self, topic: &str) -> usize {
        self.desk.cancel(topic)
    }

    /// Ends, and waits until it has: what was being written is written again when it begins anew.
    pub(crate) async fn stop(&self) {
        self.stop.send_replace(true);
        if let Some(task) = self.task.lock().await.take()
            && let Err(error) = task.await
            && error.is_panic()
        {
            tracing::error!("the task of an AI has panicked");
        }
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.abort.abort();
    }
}

/// An AI, as the API shows it.
pub(super) fn shown(agent: &Agent, state: AgentState, online: bool, problem: Option<String>) -> types::Agent {
    let settings = &agent.settings;
    types::Agent {
        slug: agent.slug.clone(),
        name: agent.name.clone(),
        person: agent.person.to_string(),
        email: agent.email.to_string(),
        model: settings.model.clone(),
        personality: settings.personality.clone(),
        preset: match settings.preset {
            model::Preset::Precise => types::Preset::Precise,
            model::Preset::Balanced => types::Preset::Balanced,
            model::Preset::Creative => types::Preset::Creative,
        },
        temperature: settings.temperature,
        max_tokens: settings.max_tokens,
        context: Some(settings.context),
        audience: match settings.audience {
            model::Audience::Contacts => types::Audience::Contacts,
            model::Audience::Owner => types::Audience::Owner,
        },
        active: settings.active,
        state: if settings.active { state } else { AgentState::Off },
        online,
        problem,
    }
}

#[cfg(test)]
mod tests;
