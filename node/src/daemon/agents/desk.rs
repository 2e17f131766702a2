//! What the tasks of an AI share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ratatosk_agent::Rules;
use tokio::sync::{Semaphore, mpsc, watch};

use super::Seat;
use super::rates::Rates;
use crate::api::types::{AgentState, Event, TroubleEvent};
use crate::daemon::engines::Provider;
use crate::daemon::hub::Hub;
use crate::model::{Agent, Node};
use crate::service::{News, Service};

/// Threads of one AI that wait for the disk at a time.
const BLOCKING: u32 = 2;

/// What the tasks of an AI share.
pub(super) struct Desk {
    pub(super) owner: Arc<Node>,
    pub(super) node: Arc<Node>,
    pub(super) service: Arc<Service>,
    pub(super) engines: Arc<dyn Provider>,
    pub(super) hub: Hub,
    pub(super) rates: Mutex<Rates>,
    /// What was said about when AIs speak, longer ago than one looks each time; by topic.
    pub(super) rules: Mutex<BTreeMap<String, Rules>>,
    agent: watch::Sender<Agent>,
    ongoing: Mutex<BTreeMap<String, Ongoing>>,
    problem: Mutex<Option<String>>,
    blocking: Arc<Semaphore>,
}

/// A topic that is attended to.
struct Ongoing {
    step: Step,
    cancel: watch::Sender<bool>,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It is looked at.
    Looking,
    /// An answer waits for its turn, or for the model.
    Waiting,
    /// An answer is being written.
    Answering,
}

/// The place of a topic among those that are attended to. Dropping it gives it back.
pub(super) struct Place {
    desk: Arc<Desk>,
    topic: String,
    /// Whether somebody has stopped it.
    pub(super) cancel: watch::Receiver<bool>,
}

impl Desk {
    pub(super) fn new(seat: Seat) -> (Arc<Self>, mpsc::Receiver<News>) {
        let Seat { agent, owner, node, service, told, hub, engines, config } = seat;
        let desk = Self {
            owner,
            node,
            service,
            engines,
            hub,
            rates: Mutex::new(Rates::new(config.answers_per_minute)),
            rules: Mutex::default(),
            agent: watch::channel(agent).0,
            ongoing: Mutex::default(),
            problem: Mutex::default(),
            blocking: Arc::new(Semaphore::new(BLOCKING as usize)),
        };
        (Arc::new(desk), told)
    }

    /// The AI as it is now.
    pub(super) fn agent(&self) -> Agent {
        self.agent.borrow().clone()
    }

    /// The AI, and each change of it.
    pub(super) fn agents(&self) -> watch::Receiver<Agent> {
        self.agent.subscribe()
    }

    pub(super) fn set_agent(&self, agent: Agent) {
        self.agent.send_replace(agent);
    }

    /// A place for a topic, which has none yet.
    pub(super) fn place(self: &Arc<Self>, topic: &str) -> Place {
        let (cancel, cancelled) = watch::channel(false);
        lock(&self.ongoing).insert(topic.to_owned(), Ongoing { step: Step::Looking, cancel });
        Place { desk: self.clone(), topic: topic.to_owned(), cancel: cancelled }
    }

    /// Ends the answer in a topic. Gives how many there are.
    pub(super) fn cancel(&self, topic: &str) -> usize {
        let ongoing = lock(&self.ongoing);
        let Some(one) = ongoing.get(topic).filter(|one| one.step != Step::Looking) else { return 0 };
        one.cancel.send_replace(true);
        1
    }

    pub(super) fn state(&self) -> AgentState {
        let is = |step| lock(&self.ongoing).values().any(|one| one.step == step);
        if is(Step::Answering) {
            AgentState::Answering
        } else if is(Step::Waiting) {
            AgentState::Waiting
        } else if lock(&self.problem).is_some() {
            AgentState::Failed
        } else {
            AgentState::Idle
        }
    }

    pub(super) fn problem(&self) -> Option<String> {
        lock(&self.problem).clone()
    }

    /// All is well again.
    pub(super) fn works(&self) {
        if lock(&self.problem).take().is_some() {
            self.tell_state();
        }
    }

    /// Tells the owner what is wrong.
    pub(super) fn trouble(&self, place: &str, text: String) {
        let agent = Some(self.agent.borrow().slug.clone());
        tracing::warn!(agent, place, text);
        *lock(&self.problem) = Some(text.clone());
        self.hub.tell(Event::Trouble(TroubleEvent { place: place.to_owned(), text, agent }));
        self.tell_state();
    }

    /// Tells everybody how the AI is.
    pub(super) fn tell_state(&self) {
        let online = *self.service.online().borrow();
        self.hub.tell(Event::Agent(super::shown(&self.agent(), self.state(), online, self.problem())));
    }

    /// Does something on a thread that may wait for the disk. What was begun goes on to its end even if nobody waits for it any more;
    /// `None` if it has panicked, or if everything ends.
    pub(super) async fn on_disk<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Option<T> {
        let permit = self.blocking.clone().acquire_owned().await.ok()?;
        let desk = self.clone();
        let work = tokio::task::spawn_blocking(move || {
            let result = work(&desk);
            drop(permit);
            result
        });
        work.await.inspect_err(|error| tracing::error!(%error, "work at the disk ended early")).ok()
    }
}

impl Desk {
    /// Waits until nothing is under way at the disk.
    pub(super) async fn settle(&self) {
        // The semaphore is never closed.
        let _ = self.blocking.acquire_many(BLOCKING).await;
    }
}

impl Place {
    pub(super) fn topic(&self) -> &str {
        &self.topic
    }

    /// Says how far it is, and makes sure that an earlier wish to stop means nothing for a new answer.
    pub(super) fn step(&self, step: Step) {
        let changed = {
            let mut ongoing = lock(&self.desk.ongoing);
            let Some(one) = ongoing.get_mut(&self.topic) else { return };
            if step == Step::Looking {
                one.cancel.send_replace(false);
            }
            std::mem::replace(&mut one.step, step) != step
        };
        if changed {
            self.desk.tell_state();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.desk.ongoing).remove(&self.topic);
    }
}

/// Whatever panicked under such a lock had nothing half done: each change is one insertion or removal.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
