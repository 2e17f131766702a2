//! All that there is in a run, and its loop: what is due happens, in the order of the virtual clock.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ratatosk_protocol::connection::Config;
use ratatosk_relay::Snapshot;
use ratatosk_relay::handed::{Handed, Randomness};
use ratatosk_relay::session::Timer;

use super::end::End;
use super::hosts::{Host, Listener, Slot};
use super::meddler::Meddler;
use super::net::Cable;
use super::pipe::{Bell, LinkId, Millis, Way};
use super::plan::Plan;
use super::random::Chance;
use super::record::Record;
use super::stage::Stage;
use super::talk::{EndId, Talk};
use super::tally::Tally;
use super::trace::Trace;
use super::watch::Watch;

/// Something that is due at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    /// Pieces arrive at an end of a connection.
    Arrive(LinkId, bool),
    /// An end has something to do.
    Wake(EndId),
    /// A dialled connection reaches the relay.
    Knock(EndId),
    /// The pool of a listener has waited long enough.
    Pool(usize),
    /// A connector tries (again).
    Slot(usize),
    /// One of the plan's faults.
    Fault(usize),
    /// A crashed peer comes back.
    Return(usize),
    /// The crashed relay comes back.
    RelayReturns,
    /// The operating systems give a connection up that nothing passes.
    GiveUp(LinkId),
    /// A slow reader may read more.
    Drip(EndId),
    /// The next stage of the run.
    Next,
    /// Look at everything.
    Sweep,
}

/// How often everything is looked at.
const SWEEP: Millis = 2_500;

/// More events than any run has: something turns in circles.
const MOST_EVENTS: u64 = 3_000_000;

pub(super) struct World<'a> {
    pub(super) plan: Plan,
    pub(super) chance: Chance,
    pub(super) meddler: &'a mut dyn Meddler,
    pub(super) config: Arc<Config>,
    start: tokio::time::Instant,
    pub(super) now: Millis,
    queue: BinaryHeap<Reverse<(Millis, u64, Event)>>,
    pub(super) relay: Option<Handed>,
    pub(super) relay_counts: Vec<Arc<dyn Fn() -> Snapshot>>,
    pub(super) relay_up_at: Millis,
    pub(super) relay_machine_crashed: bool,
    pub(super) shutdown: Option<tokio::task::JoinHandle<bool>>,
    pub(super) bell: Arc<Bell>,
    pub(super) links: Vec<Option<Cable>>,
    pub(super) watch: Watch,
    pub(super) hosts: Vec<Host>,
    pub(super) listeners: Vec<Listener>,
    pub(super) slots: Vec<Slot>,
    pub(super) ends: Vec<Option<Box<End>>>,
    pub(super) records: Vec<Record>,
    pub(super) talks: Vec<Talk>,
    pub(super) stage: Stage,
    pub(super) tally: Tally,
    pub(super) trace: Trace,
    pub(super) failure: Option<String>,
}

impl<'a> World<'a> {
    /// A world in which nothing has happened. To be made on the runtime on which it runs.
    pub(super) fn new(seed: u64, trace: bool, meddler: &'a mut dyn Meddler) -> Self {
        let plan = Plan::draw(seed);
        let chance = Chance::new(seed).branch(2);
        let (hosts, listeners, slots) = Host::all(&plan, &mut Chance::new(seed).branch(3));
        Self {
            plan,
            chance,
            meddler,
            config: Arc::new(Config::default()),
            start: tokio::time::Instant::now(),
            now: 0,
            queue: BinaryHeap::new(),
            relay: None,
            relay_counts: Vec::new(),
            relay_up_at: 0,
            relay_machine_crashed: false,
            shutdown: None,
            bell: Arc::default(),
            links: Vec::new(),
            watch: Watch::default(),
            hosts,
            listeners,
            slots,
            ends: Vec::new(),
            records: Vec::new(),
            talks: Vec::new(),
            stage: Stage::Trouble,
            tally: Tally::default(),
            trace: Trace::new(trace),
            failure: None,
        }
    }

    /// Runs to the end, or to the first thing that must not happen.
    pub(super) async fn run(&mut self) {
        self.begin();
        let mut events = 0_u64;
        while self.failure.is_none() && self.stage != Stage::Over {
            self.look_at_the_clock();
            for link in self.bell.take() {
                self.carry(link);
            }
            while self.failure.is_none()
                && let Some(event) = self.due()
            {
                events += 1;
                self.happen(event);
            }
            if events > MOST_EVENTS {
                self.fail("the run turns in circles".to_owned());
            }
            let Some(Reverse((next, ..))) = self.queue.peek() else { break };
            let next = self.start + Duration::from_millis(*next);
            tokio::select! {
                biased;
                () = self.bell.heard() => {}
                () = tokio::time::sleep_until(next) => {}
            }
        }
        self.tally.runs = 1;
        self.tally.seconds = self.now / 1000;
    }

    fn begin(&mut self) {
        let plan = format!("{:?}", self.plan);
        self.say(|| plan);
        self.start_relay();
        for listener in 0..self.listeners.len() {
            self.start_listener(listener);
        }
        for slot in 0..self.slots.len() {
            let at = self.chance.below(5000);
            self.at(at, Event::Slot(slot));
        }
        for (number, (at, _)) in self.plan.faults.clone().into_iter().enumerate() {
            self.at(at, Event::Fault(number));
        }
        self.at(self.plan.healed, Event::Next);
        self.at(SWEEP, Event::Sweep);
    }

    /// Something is to happen at a time. What happens at the same time is in no order that anybody could count on.
    pub(super) fn at(&mut self, at: Millis, event: Event) {
        let tie = self.chance.next();
        self.queue.push(Reverse((at.max(self.now), tie, event)));
    }

    pub(super) fn after(&mut self, pause: Millis, event: Event) {
        self.at(self.now + pause, event);
    }

    fn due(&mut self) -> Option<Event> {
        let Reverse((at, ..)) = self.queue.peek()?;
        if *at > self.now {
            return None;
        }
        self.queue.pop().map(|Reverse((.., event))| event)
    }

    fn look_at_the_clock(&mut self) {
        let passed = tokio::time::Instant::now().saturating_duration_since(self.start).as_millis();
        let now = Millis::try_from(passed).unwrap_or(Millis::MAX);
        if now > self.now {
            // What the relay has written in the last instant is looked at with the clock of then.
            for link in self.bell.take() {
                self.carry(link);
            }
            if let Err(problem) = self.watch.instant_is_over(self.now) {
                self.fail(problem);
            }
            self.now = now;
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Arrive(link, up) => self.arrive(link, if up { Way::Up } else { Way::Down }),
            Event::Wake(end) => self.wake(end),
            Event::Knock(end) => self.knock(end),
            Event::Pool(listener) => self.pool_timer(listener),
            Event::Slot(slot) => self.slot_timer(slot),
            Event::Fault(number) => self.fault(number),
            Event::Return(host) => self.host_returns(host),
            Event::RelayReturns => self.start_relay(),
            Event::GiveUp(link) => self.give_up(link),
            Event::Drip(end) => self.drip(end),
            Event::Next => self.next_stage(),
            Event::Sweep => {
                self.sweep();
                self.after(SWEEP, Event::Sweep);
            }
        }
    }

    /// The time as the machines know it.
    pub(super) fn instant(&self) -> Instant {
        self.start.into_std() + Duration::from_millis(self.now)
    }

    /// The first millisecond in which `at` is over.
    pub(super) fn millis(&self, at: Instant) -> Millis {
        let passed = at.saturating_duration_since(self.start.into_std()).as_nanos().div_ceil(1_000_000);
        Millis::try_from(passed).unwrap_or(Millis::MAX)
    }

    /// Something has happened that must not. Only the first one counts.
    pub(super) fn fail(&mut self, problem: String) {
        let now = self.now;
        self.failure.get_or_insert_with(|| format!("at {:.3} s: {problem}", now as f64 / 1000.0));
        self.trace.line(now, move || format!("FAILED: {problem}"));
    }

    pub(super) fn say(&mut self, text: impl FnOnce() -> String) {
        let now = self.now;
        self.trace.line(now, text);
    }

    pub(super) fn start_relay(&mut self) {
        if self.relay.is_some() || self.now < self.relay_up_at {
            return;
        }
        self.say(|| "the relay starts".to_owned());
        let mut config = ratatosk_relay::Config::default();
        let timeouts = config.timeouts;
        config.timeouts =
            timeouts.with(Timer::PingInterval, self.plan.ping_interval).with(Timer::SpareWait, self.plan.spare_wait);
        let seed = self.chance.next();
        // Each asks with the same bytes: then it does not matter in which order they ask.
        let randomness = Randomness::new(move || Box::new(Chance::new(seed)));
        let relay = Handed::start(config, randomness);
        self.relay_counts.push(relay.counts());
        self.relay = Some(relay);
    }
}
