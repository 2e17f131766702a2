//! The pool of spare connections that a listener keeps at a CommServer (`spec/phases.md`, Spare connections).
//!
//! Pure: it says when to open a connection and which to close, and is told what became of each.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use crate::backoff::Backoff;
use crate::entropy::Entropy;
use crate::time::after;

/// How many spares a listener keeps, and when it replaces one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SparePolicy {
    /// At most so many, opened one after another; a spare that is handed over is replaced at once.
    Limit(NonZeroUsize),
    /// One; the next is opened when the hand-over of the one before is complete, so that the listener never registers
    /// while a peer waits for its answer.
    Sequential,
}

impl Default for SparePolicy {
    /// Two, as the reference's connection manager keeps.
    fn default() -> Self {
        Self::Limit(NonZeroUsize::MIN.saturating_add(1))
    }
}

impl SparePolicy {
    /// How many spares there are at most.
    #[must_use]
    pub fn limit(self) -> usize {
        match self {
            Self::Limit(limit) => limit.get(),
            Self::Sequential => 1,
        }
    }
}

/// Names a spare connection of one pool. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpareId(u64);

/// What the pool wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpareAction {
    /// Open a connection and register.
    Open(SpareId),
    /// Close this one; the pool has forgotten it.
    Close(SpareId),
    /// For whoever watches: the next attempt comes after this time.
    RetryIn(Duration),
}

/// How long a spare must live for the next failure to count as the first.
const LASTING: Duration = Duration::from_secs(10);

/// The state of a spare. A closed one is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spare {
    Opening,
    Ready {
        since: Instant,
    },
    /// Only under [`SparePolicy::Sequential`]: handed over, and the peer waits for its answer.
    HandingOver,
}

/// The spare connections of one listener.
///
/// Spares that open or are ready never exceed the limit, and one attempt is in flight at most.
#[derive(Debug)]
pub struct SparePool {
    policy: SparePolicy,
    backoff: Backoff,
    spares: BTreeMap<SpareId, Spare>,
    retry_at: Option<Instant>,
    running: bool,
    next_id: u64,
    actions: VecDeque<SpareAction>,
}

impl SparePool {
    /// A pool that does nothing until it is started.
    #[must_use]
    pub fn new(policy: SparePolicy, backoff: Backoff) -> Self {
        Self {
            policy,
            backoff,
            spares: BTreeMap::new(),
            retry_at: None,
            running: false,
            next_id: 0,
            actions: VecDeque::new(),
        }
    }

    /// Begins to keep spares.
    pub fn start(&mut self) {
        self.running = true;
        self.refill();
    }

    /// The spare is registered at the CommServer.
    pub fn opened(&mut self, now: Instant, id: SpareId) {
        if let Some(spare @ Spare::Opening) = self.spares.get_mut(&id) {
            *spare = Spare::Ready { since: now };
            self.refill();
        }
    }

    /// The CommServer has handed the spare over to a peer.
    pub fn handed_over(&mut self, id: SpareId) {
        if !matches!(self.spares.get(&id), Some(Spare::Ready { .. })) {
            return;
        }
        self.backoff.reset();
        match self.policy {
            SparePolicy::Limit(_) => self.spares.remove(&id),
            SparePolicy::Sequential => self.spares.insert(id, Spare::HandingOver),
        };
        self.refill();
    }

    /// The peer has its answer; the connection is its own from here.
    pub fn handover_complete(&mut self, id: SpareId) {
        if self.spares.get(&id) == Some(&Spare::HandingOver) {
            self.spares.remove(&id);
            self.refill();
        }
    }

    /// The connection failed or was closed. One delayed attempt follows, however many fail together.
    pub fn closed(&mut self, now: Instant, id: SpareId, entropy: &mut dyn Entropy) {
        match self.spares.remove(&id) {
            None => return,
            // The CommServer did its part; this is no reason to wait.
            Some(Spare::HandingOver) => return self.refill(),
            Some(Spare::Ready { since }) if now.saturating_duration_since(since) >= LASTING => self.backoff.reset(),
            Some(Spare::Ready { .. } | Spare::Opening) => {}
        }
        if self.running && self.retry_at.is_none() {
            let delay = self.backoff.next(entropy);
            self.retry_at = Some(after(now, delay));
            self.actions.push_back(SpareAction::RetryIn(delay));
        }
    }

    /// Closes every spare, and opens none any more. Connections that were handed over are not the pool's.
    pub fn stop(&mut self) {
        self.running = false;
        self.retry_at = None;
        self.actions.clear();
        while let Some((id, _)) = self.spares.pop_first() {
            self.actions.push_back(SpareAction::Close(id));
        }
    }

    /// When [`Self::handle_timeout`] is to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.retry_at
    }

    /// The wait after a failure is over.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.retry_at.is_some_and(|at| at <= now) {
            self.retry_at = None;
            self.refill();
        }
    }

    /// The next thing to do.
    pub fn poll_action(&mut self) -> Option<SpareAction> {
        self.actions.pop_front()
    }

    /// Spares that wait for a peer.
    #[must_use]
    pub fn ready(&self) -> usize {
        self.spares.values().filter(|spare| matches!(spare, Spare::Ready { .. })).count()
    }

    /// Spares that open, are ready or are being handed over.
    #[must_use]
    pub fn held(&self) -> usize {
        self.spares.len()
    }

    fn refill(&mut self) {
        let opening = self.spares.values().any(|spare| *spare == Spare::Opening);
        if !self.running || opening || self.retry_at.is_some() || self.spares.len() >= self.policy.limit() {
            return;
        }
        let id = SpareId(self.next_id);
        self.next_id += 1;
        self.spares.insert(id, Spare::Opening);
        self.actions.push_back(SpareAction::Open(id));
    }
}
