//! The invariants of the spare pool under random interleavings (`spec/phases.md`).
#![allow(clippy::unwrap_used, reason = "a failed assumption in a test is a failed test")]
#![allow(missing_docs, unreachable_pub, dead_code, reason = "tests share one support module, each uses a part")]

mod support;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use ratatosk_protocol::backoff::Backoff;
use ratatosk_protocol::spare::{SpareAction, SpareId, SparePolicy, SparePool};
use support::Repeatable;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Opening,
    Ready,
    HandedOver,
    Closed,
}

/// The pool, and an independent record of what became of every spare.
struct World {
    pool: SparePool,
    policy: SparePolicy,
    now: Instant,
    entropy: Repeatable,
    seen: BTreeMap<SpareId, Seen>,
    attempts: u64,
    handovers: u64,
    failures: u64,
    retries: u64,
    /// Until then no attempt may begin: what the pool has announced.
    quiet_until: Option<Instant>,
    starts: u64,
    /// A spare was lost in this step.
    lost: bool,
    stopped: bool,
}

#[derive(Clone, Debug)]
enum Step {
    Opened,
    HandedOver(usize),
    HandoverComplete(usize),
    Closed(usize),
    ClosedAll,
    Advance(u64),
    Stop,
    Start,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => Just(Step::Opened),
        20 => (0_usize..8).prop_map(Step::HandedOver),
        10 => (0_usize..8).prop_map(Step::HandoverComplete),
        10 => (0_usize..8).prop_map(Step::Closed),
        2 => Just(Step::ClosedAll),
        // Sometimes the clock stands still, sometimes it leaps.
        10 => prop_oneof![Just(0_u64), 0_u64..200_000].prop_map(Step::Advance),
        1 => Just(Step::Stop),
        2 => Just(Step::Start),
    ]
}

impl World {
    fn new(policy: SparePolicy) -> Self {
        let mut world = Self {
            pool: SparePool::new(policy, Backoff::default()),
            policy,
            now: Instant::now(),
            entropy: Repeatable(1),
            seen: BTreeMap::new(),
            attempts: 0,
            handovers: 0,
            failures: 0,
            retries: 0,
            quiet_until: None,
            starts: 1,
            lost: false,
            stopped: false,
        };
        world.pool.start();
        world.check();
        world
    }

    fn limit(&self) -> usize {
        match self.policy {
            SparePolicy::Limit(limit) => limit.get(),
            SparePolicy::Sequential => 1,
        }
    }

    fn pick(&self, state: Seen, index: usize) -> Option<SpareId> {
        let all: Vec<SpareId> = self.seen.iter().filter(|(_, seen)| **seen == state).map(|(id, _)| *id).collect();
        all.get(index % all.len().max(1)).copied()
    }

    fn apply(&mut self, step: &Step) {
        match *step {
            Step::Opened => {
                if let Some(id) = self.pick(Seen::Opening, 0) {
                    self.seen.insert(id, Seen::Ready);
                    self.pool.opened(self.now, id);
                }
            }
            Step::HandedOver(index) => {
                if let Some(id) = self.pick(Seen::Ready, index) {
                    self.seen.insert(id, Seen::HandedOver);
                    self.handovers += 1;
                    self.pool.handed_over(id);
                }
            }
            Step::HandoverComplete(index) => {
                if let Some(id) = self.pick(Seen::HandedOver, index) {
                    self.pool.handover_complete(id);
                }
            }
            Step::Closed(index) => {
                let id = [Seen::Ready, Seen::Opening, Seen::HandedOver][index % 3];
                if let Some(id) = self.pick(id, index / 3) {
                    self.close(id);
                }
            }
            Step::ClosedAll => {
                let open: Vec<SpareId> =
                    self.seen.iter().filter(|(_, s)| **s != Seen::Closed).map(|(i, _)| *i).collect();
                open.into_iter().for_each(|id| self.close(id));
            }
            Step::Advance(millis) => {
                self.now += Duration::from_millis(millis);
                self.pool.handle_timeout(self.now);
            }
            Step::Stop => {
                self.stopped = true;
                self.quiet_until = None;
                self.pool.stop();
            }
            Step::Start => {
                self.stopped = false;
                self.starts += 1;
                self.pool.start();
            }
        }
        self.check();
    }

    fn close(&mut self, id: SpareId) {
        if matches!(self.seen.insert(id, Seen::Closed), Some(Seen::Opening | Seen::Ready)) {
            self.failures += 1;
            self.lost = true;
        }
        self.pool.closed(self.now, id, &mut self.entropy);
    }

    fn check(&mut self) {
        while let Some(action) = self.pool.poll_action() {
            match action {
                SpareAction::Open(id) => {
                    self.attempts += 1;
                    assert!(!self.stopped, "a stopped listener opens a spare");
                    assert!(!self.lost, "an attempt right after a failure");
                    assert!(self.quiet_until.is_none_or(|until| until <= self.now), "an attempt before its delay");
                    assert_eq!(self.seen.insert(id, Seen::Opening), None, "{id:?} is used twice");
                }
                SpareAction::Close(id) => {
                    self.seen.insert(id, Seen::Closed);
                }
                SpareAction::RetryIn(delay) => {
                    self.retries += 1;
                    assert!(delay <= Duration::from_secs(120));
                    self.quiet_until = Some(self.now + delay);
                }
            }
        }
        let count = |state| self.seen.values().filter(|seen| **seen == state).count();
        assert!(count(Seen::Opening) <= 1, "two attempts in flight");
        assert!(count(Seen::Opening) + count(Seen::Ready) <= self.limit(), "more spares than the limit");
        assert_eq!(self.pool.ready(), count(Seen::Ready));
        if self.stopped {
            assert_eq!((self.pool.held(), self.pool.poll_timeout()), (0, None));
            assert_eq!(count(Seen::Opening) + count(Seen::Ready), 0, "a stopped listener holds a socket");
        } else {
            let full = self.pool.held() == self.limit();
            let busy = count(Seen::Opening) == 1 || self.pool.poll_timeout().is_some();
            assert!(full || busy, "nothing is on its way although spares are missing");
        }
        // Never a storm: each attempt fills a place that was free from the start, or was handed over, or was lost.
        let places = self.starts * self.limit() as u64;
        assert!(self.attempts <= places + self.handovers + self.failures, "more attempts than places");
        assert!(self.retries <= self.failures, "more retries than failures");
        self.lost = false;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// 300 runs of 400 steps: 120,000 random steps.
    #[test]
    fn invariants_hold(
        limit in 0_usize..5,
        steps in prop::collection::vec(step(), 400),
    ) {
        let policy = NonZeroUsize::new(limit).map_or(SparePolicy::Sequential, SparePolicy::Limit);
        let mut world = World::new(policy);
        for step in &steps {
            world.apply(step);
        }
    }
}

#[test]
fn without_errors_each_handover_costs_one_attempt() {
    for limit in 1..5 {
        let mut world = World::new(SparePolicy::Limit(NonZeroUsize::new(limit).unwrap()));
        (0..limit).for_each(|_| world.apply(&Step::Opened));
        for index in 0..1000 {
            world.apply(&Step::HandedOver(index));
            world.apply(&Step::Opened);
        }
        assert_eq!(world.attempts - limit as u64, world.handovers);
        assert_eq!(world.retries, 0);
    }
}

#[test]
fn all_spares_handed_over_at_once_do_not_exceed_the_limit() {
    let mut world = World::new(SparePolicy::Limit(NonZeroUsize::new(200).unwrap()));
    (0..200).for_each(|_| world.apply(&Step::Opened));
    assert_eq!(world.pool.ready(), 200);
    (0..200).for_each(|_| world.apply(&Step::HandedOver(0)));
    assert_eq!((world.handovers, world.pool.held()), (200, 1));
    (0..400).for_each(|_| world.apply(&Step::Opened));
    assert_eq!((world.pool.ready(), world.attempts), (200, 400));
}

#[test]
fn two_lost_spares_cause_one_delayed_attempt() {
    let mut world = World::new(SparePolicy::default());
    (0..2).for_each(|_| world.apply(&Step::Opened));
    world.apply(&Step::ClosedAll);
    assert_eq!((world.attempts, world.retries), (2, 1));
    world.apply(&Step::Advance(5_000));
    assert_eq!(world.attempts, 3);
    world.apply(&Step::Opened);
    assert_eq!(world.attempts, 4);
}

#[test]
fn a_sequential_listener_waits_for_the_handover_to_complete() {
    let mut world = World::new(SparePolicy::Sequential);
    world.apply(&Step::Opened);
    world.apply(&Step::HandedOver(0));
    assert_eq!((world.attempts, world.pool.ready()), (1, 0));
    world.apply(&Step::HandoverComplete(0));
    assert_eq!(world.attempts, 2);
}
