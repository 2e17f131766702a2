//! What the tasks of all connections share: the registry behind a lock, and guards that count.
//!
//! A claim goes from a requester's task to the task that owns the spare: the registry gives out the sending end of a
//! channel, the owner answers with the connection itself. Only who holds a socket can give it away, so a claim needs no
//! lock across the two; reserve, then commit.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ratatosk_protocol::entropy::OsEntropy;
use ratatosk_protocol::key::{KeyPair, PublicKey};
use tokio::sync::oneshot;

use crate::Config;
use crate::conn::Conn;
use crate::metrics::{Listener, Metrics, Outcome, Step};
use crate::registry::{Counts, Limit, NoSpare, Registry, SpareId};
use crate::session::{Cause, HandedOver};

/// What the owner of a spare gets: where to send its connection.
pub(crate) type Claim = oneshot::Sender<Answer>;

/// What a requester gets for its [`Claim`]. A claim dropped without an answer means that the spare is gone.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The spare.
    Ready(Box<Claimed>),
    /// The spare owes a pong and comes when it has paid.
    Owing(oneshot::Receiver<Box<Claimed>>),
}

/// A spare on its way to a requester, still reserved in the registry.
#[derive(Debug)]
pub(crate) struct Claimed {
    pub(crate) conn: Box<Conn>,
    pub(crate) entry: Entry,
    pub(crate) state: HandedOver,
}

/// What the tasks share.
#[derive(Debug)]
pub(crate) struct Switchboard {
    config: Config,
    /// New for every process.
    identity: KeyPair,
    metrics: Arc<Metrics>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    registry: Registry<oneshot::Sender<Claim>>,
    counts: Counts,
}

/// How many of everything there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Connections by phase.
    pub connections: Counts,
    /// Keys that have a spare.
    pub keys: usize,
    /// Spares that are held, whether they wait or are about to be handed over.
    pub spares: usize,
    /// Those that are about to be handed over.
    pub reserved: usize,
}

impl Switchboard {
    pub(crate) fn new(config: Config) -> Arc<Self> {
        let state = State { registry: Registry::new(config.limits), counts: Counts::default() };
        Arc::new(Self {
            config,
            identity: KeyPair::generate(&mut OsEntropy),
            metrics: Arc::default(),
            state: Mutex::new(state),
        })
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn identity(&self) -> &KeyPair {
        &self.identity
    }

    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let state = self.state();
        Snapshot {
            connections: state.counts,
            keys: state.registry.keys(),
            spares: state.registry.spares(),
            reserved: state.registry.reserved(),
        }
    }

    /// Counts a new connection in.
    pub(crate) fn admit(self: &Arc<Self>, listener: Listener) -> Result<Seat, Limit> {
        self.metrics.accepted(listener);
        self.limited(self.state().counts.admit(&self.config.limits))?;
        self.metrics.entered(Step::Upgrade);
        Ok(Seat { board: Arc::clone(self), step: Step::Upgrade, since: Instant::now(), completed: false })
    }

    /// Registers a spare. Its owner listens for claims on the receiver.
    pub(crate) fn register(self: &Arc<Self>, key: PublicKey) -> Result<(Entry, oneshot::Receiver<Claim>), Limit> {
        let (sender, claims) = oneshot::channel();
        let (registered, of_key) = {
            let registry = &mut self.state().registry;
            (registry.register(key, sender), registry.spares_of(&key))
        };
        let id = self.limited(registered)?;
        self.metrics.registered(of_key);
        Ok((Entry { board: Arc::clone(self), id, since: Instant::now() }, claims))
    }

    /// Reserves the newest spare of `key` and asks its owner for it.
    pub(crate) fn claim(&self, key: &PublicKey) -> Result<oneshot::Receiver<Answer>, NoSpare> {
        let (_, owner) = self.state().registry.reserve(key, Instant::now())?;
        let (sender, answer) = oneshot::channel();
        // An owner that is about to end cannot be asked; dropping the sender says so.
        let _ = owner.send(sender);
        Ok(answer)
    }

    /// Counts what a limit has refused.
    fn limited<T>(&self, result: Result<T, Limit>) -> Result<T, Limit> {
        result.inspect_err(|limit| self.metrics.limited(*limit))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that panics runs under the lock, and a count that is off is better than a relay that stands.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection among the counts, for as long as this lives. Each step that it enters it leaves once, with one outcome.
#[derive(Debug)]
pub(crate) struct Seat {
    board: Arc<Switchboard>,
    step: Step,
    since: Instant,
    /// The closing handshake came to its end.
    completed: bool,
}

impl Seat {
    /// All is well so far: on to the next step.
    pub(crate) fn enter(&mut self, step: Step) {
        self.go(Outcome::Ok, step);
    }

    /// Back to an earlier step.
    pub(crate) fn fall_back(&mut self, step: Step) {
        self.go(Outcome::Error, step);
    }

    /// The end begins. Only the first cause counts.
    pub(crate) fn close(&mut self, cause: Cause) {
        if !self.step.is_closing() {
            self.board.metrics.closed(self.step, cause);
            self.go(self.step.outcome(cause), self.step.closing());
        }
    }

    /// The end of [`Self::close`], in time or not.
    pub(crate) fn closed(mut self, in_time: bool) {
        self.close(Cause::Dropped);
        self.completed = true;
        self.leave(if in_time { Outcome::Ok } else { Outcome::Timeout });
    }

    /// Where to count what belongs to this connection.
    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        &self.board.metrics
    }

    fn go(&mut self, outcome: Outcome, step: Step) {
        self.leave(outcome);
        self.board.state().counts.shift(self.step.phase(), step.phase());
        self.board.metrics.entered(step);
        (self.step, self.since) = (step, Instant::now());
    }

    fn leave(&self, outcome: Outcome) {
        self.board.metrics.left(self.step, outcome, self.since.elapsed());
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if !self.completed {
            // Nobody said why, and there was no closing handshake.
            self.close(Cause::Dropped);
            self.leave(Outcome::Error);
        }
        self.board.state().counts.leave(self.step.phase());
    }
}

/// One spare in the registry, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Entry {
    board: Arc<Switchboard>,
    id: SpareId,
    since: Instant,
}

impl Entry {
    /// How long ago it was registered.
    pub(crate) fn age(&self) -> Duration {
        self.since.elapsed()
    }

    /// The requester has left: the spare is ready again. Gives where the next claim will come from.
    pub(crate) fn give_back(&self) -> oneshot::Receiver<Claim> {
        let (sender, claims) = oneshot::channel();
        self.board.state().registry.give_back(self.id, sender);
        claims
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.board.state().registry.remove(self.id, Instant::now());
    }
}
