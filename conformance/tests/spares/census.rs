//! What the notices of a listener say about its spares.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use ratatosk_protocol::connection::Event;
use ratatosk_protocol::driver::{Notice, NoticeKind, Subscription};
use ratatosk_protocol::phase::Phase;
use ratatosk_protocol::spare::SparePolicy;
use tokio::sync::watch;

/// How many spares a listener may have.
pub(crate) fn most_spares(policy: SparePolicy) -> usize {
    match policy {
        SparePolicy::Limit(limit) => limit.get(),
        SparePolicy::Sequential => 1,
    }
}

/// The spares as they were told, and the numbers of all that was.
#[derive(Clone, Debug)]
pub(crate) struct Census {
    policy: SparePolicy,
    spares: BTreeMap<u64, Spare>,
    /// Hand-overs that no new spare has followed yet.
    open: VecDeque<Instant>,
    /// From each hand-over to the next registered spare.
    pub(crate) gaps: Vec<Duration>,
    pub(crate) attempts: usize,
    pub(crate) handovers: usize,
    pub(crate) failures: usize,
    pub(crate) most_held: usize,
    most_opening: usize,
    missed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spare {
    Opening,
    Ready,
    HandingOver,
}

impl Census {
    pub(crate) fn new(policy: SparePolicy) -> Self {
        Self {
            policy,
            spares: BTreeMap::new(),
            open: VecDeque::new(),
            gaps: Vec::new(),
            attempts: 0,
            handovers: 0,
            failures: 0,
            most_held: 0,
            most_opening: 0,
            missed: 0,
        }
    }

    fn take(&mut self, now: Instant, notice: &Notice) {
        let id = notice.connection;
        let NoticeKind::Connection(event) = &notice.kind else { return };
        match event {
            Event::PhaseEntered(Phase::Connect) => {
                self.attempts += 1;
                self.spares.insert(id, Spare::Opening);
            }
            Event::SpareOpened => {
                self.spares.insert(id, Spare::Ready);
                self.gaps.extend(self.open.pop_front().map(|since| now - since));
            }
            Event::SpareHandedOver => {
                self.handovers += 1;
                self.open.push_back(now);
                // With one spare after the other, the old one counts until the peer has its answer.
                match self.policy {
                    SparePolicy::Limit(_) => self.spares.remove(&id),
                    SparePolicy::Sequential => self.spares.insert(id, Spare::HandingOver),
                };
            }
            Event::HandoverComplete => {
                self.spares.remove(&id);
            }
            Event::Closed(_) if self.spares.remove(&id).is_some() => self.failures += 1,
            _ => {}
        }
        self.most_held = self.most_held.max(self.spares.len());
        self.most_opening = self.most_opening.max(self.of(Spare::Opening));
    }

    fn of(&self, state: Spare) -> usize {
        self.spares.values().filter(|spare| **spare == state).count()
    }

    pub(crate) fn ready(&self) -> usize {
        self.of(Spare::Ready)
    }

    pub(crate) fn limit(&self) -> usize {
        most_spares(self.policy)
    }

    /// Connection attempts per hand-over, without those for the first spares. To be asked when all are registered again.
    pub(crate) fn attempts_per_handover(&self) -> f64 {
        (self.attempts - self.limit()) as f64 / self.handovers as f64
    }

    /// What must hold whatever happens.
    pub(crate) fn check(&self) {
        assert_eq!(self.missed, 0, "the census is incomplete");
        assert!(self.most_held <= self.limit(), "{} spares, and the limit is {}", self.most_held, self.limit());
        assert!(self.most_opening <= 1, "{} attempts at the same time", self.most_opening);
    }
}

/// Takes the census until nobody asks for it any more.
pub(crate) async fn count(mut events: Subscription, census: watch::Sender<Census>) {
    while !census.is_closed() {
        let notice = events.next().await;
        census.send_modify(|census| {
            census.take(Instant::now(), &notice);
            census.missed = events.missed();
        });
    }
}
