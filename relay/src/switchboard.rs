//! What the tasks of all connections share: the registry behind a lock, and guards that count.
//!
//! A claim goes from a requester's task to the task that owns the spare: the registry gives out the sending end of a
//! channel, the owner answers with the connection itself. Only who holds a socket can give it away, so a claim needs no
//! lock across the two; reserve, then commit.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use ratatosk_protocol::entropy::OsEntropy;
use ratatosk_protocol::key::{KeyPair, PublicKey};
use tokio::sync::oneshot;

use crate::Config;
use crate::conn::Conn;
use crate::registry::{Counts, Limit, NoSpare, Phase, Registry, SpareId};
use crate::session::HandedOver;

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
    pub(crate) conn: Conn,
    pub(crate) entry: Entry,
    pub(crate) state: HandedOver,
}

/// What the tasks share.
#[derive(Debug)]
pub(crate) struct Switchboard {
    config: Config,
    /// New for every process.
    identity: KeyPair,
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
        Arc::new(Self { config, identity: KeyPair::generate(&mut OsEntropy), state: Mutex::new(state) })
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn identity(&self) -> &KeyPair {
        &self.identity
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
    pub(crate) fn admit(self: &Arc<Self>) -> Result<Seat, Limit> {
        self.state().counts.admit(&self.config.limits)?;
        Ok(Seat { board: Arc::clone(self), phase: Phase::Handshaking })
    }

    /// Registers a spare. Its owner listens for claims on the receiver.
    pub(crate) fn register(self: &Arc<Self>, key: PublicKey) -> Result<(Entry, oneshot::Receiver<Claim>), Limit> {
        let (sender, claims) = oneshot::channel();
        let id = self.state().registry.register(key, sender)?;
        Ok((Entry { board: Arc::clone(self), id }, claims))
    }

    /// Reserves the newest spare of `key` and asks its owner for it.
    pub(crate) fn claim(&self, key: &PublicKey) -> Result<oneshot::Receiver<Answer>, NoSpare> {
        let (_, owner) = self.state().registry.reserve(key, Instant::now())?;
        let (sender, answer) = oneshot::channel();
        // An owner that is about to end cannot be asked; dropping the sender says so.
        let _ = owner.send(sender);
        Ok(answer)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that panics runs under the lock, and a count that is off is better than a relay that stands.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection among the counts, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Seat {
    board: Arc<Switchboard>,
    phase: Phase,
}

impl Seat {
    /// The connection is in another phase now.
    pub(crate) fn enter(&mut self, phase: Phase) {
        self.board.state().counts.shift(self.phase, phase);
        self.phase = phase;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.board.state().counts.leave(self.phase);
    }
}

/// One spare in the registry, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Entry {
    board: Arc<Switchboard>,
    id: SpareId,
}

impl Entry {
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
