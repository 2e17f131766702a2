//! What an AI says, and when: one [`Runner`] for each AI that is up.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::config::AgentsConfig;
use super::engines::Engines;
use super::hub::Hub;
use crate::api::types::AgentState;
use crate::model::{Agent, Node};
use crate::service::{News, Service};

/// What a runner is given.
pub(crate) struct Seat {
    /// The AI, as it is now.
    pub(crate) agent: Agent,
    /// The node of its owner: names, and priorities of topics.
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
    pub(crate) engines: Arc<Engines>,
    /// The settings.
    pub(crate) config: AgentsConfig,
}

/// An AI at work. Dropping it ends that.
pub(crate) struct Runner {
    task: JoinHandle<()>,
}

impl Runner {
    /// Begins.
    pub(crate) fn start(seat: Seat) -> Self {
        let Seat { mut told, .. } = seat;
        Self { task: tokio::spawn(async move { while told.recv().await.is_some() {} }) }
    }

    /// The AI was changed.
    pub(crate) fn changed(&self, _agent: Agent) {}

    /// How it is.
    pub(crate) fn state(&self) -> AgentState {
        AgentState::Idle
    }

    /// What keeps it from working, if anything.
    pub(crate) fn problem(&self) -> Option<String> {
        None
    }

    /// Ends what it is writing in a topic (the model's id of it), or would. Gives how many answers.
    pub(crate) fn stop_answers(&self, _topic: &str) -> usize {
        0
    }

    /// Ends, and waits until it has.
    pub(crate) async fn stop(&self) {
        self.task.abort();
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.task.abort();
    }
}
