//! What a seed means: who takes part, on what network, and what goes wrong when.

use std::num::NonZeroUsize;
use std::time::Duration;

use ratatosk_protocol::backoff::{Backoff, DEFAULT_STEPS};
use ratatosk_protocol::spare::SparePolicy;

use super::pipe::{Millis, Way};
use super::random::Chance;

/// Everything that is decided before a run begins.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) listeners: Vec<SparePolicy>,
    /// How many connections each connector keeps up side by side.
    pub(super) connectors: Vec<usize>,
    pub(super) backoff: Vec<Duration>,
    /// One way, at least and at most.
    pub(super) latency: (Millis, Millis),
    /// Percent of pieces that a retransmission delays.
    pub(super) spikes: u64,
    /// Bytes that a direction of a TCP connection holds, at least and at most.
    pub(super) window: (u64, u64),
    pub(super) ping_interval: Duration,
    pub(super) spare_wait: Duration,
    /// Messages of one side in a session, and their largest length.
    pub(super) messages: u64,
    pub(super) largest: u64,
    /// From here on nothing goes wrong any more.
    pub(super) healed: Millis,
    pub(super) faults: Vec<(Millis, Fault)>,
}

/// How a program ends without wanting to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Crash {
    /// Its system closes its connections.
    Process,
    /// Its machine is gone, and nobody is told.
    Machine,
}

/// What goes wrong. Victims are drawn when it happens, from those that are there.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    RelayCrash {
        crash: Crash,
        down: Millis,
    },
    ListenerCrash {
        crash: Crash,
        down: Millis,
    },
    ConnectorCrash {
        crash: Crash,
        down: Millis,
    },
    /// A listener stops in good order, and starts again.
    ListenerStop {
        down: Millis,
    },
    /// Nothing gets through between a peer's machine and the relay.
    Partition {
        time: Millis,
    },
    /// The same in one direction.
    OneWay {
        way: Way,
        time: Millis,
    },
    /// A box in the network resets a connection.
    Reset,
    /// A box in the network forgets a connection: nothing gets through any more, and nobody is told.
    HalfOpen,
    /// The next end of a connection is not told to the other side.
    LostClose {
        way: Way,
    },
    /// A peer reads slowly, or not at all.
    SlowReader {
        time: Millis,
        rate: usize,
    },
}

impl Plan {
    pub(super) fn draw(seed: u64) -> Self {
        let mut chance = Chance::new(seed).branch(1);
        let seconds = Duration::from_secs;
        let listeners = (0..chance.between(1, 3)).map(|_| policy(&mut chance)).collect();
        let connectors = (0..chance.between(1, 4)).map(|_| 1 + chance.index(3)).collect();
        let backoff = if chance.percent(75) {
            [500, 1000, 2000, 5000].map(Duration::from_millis).to_vec()
        } else {
            DEFAULT_STEPS.to_vec()
        };
        let near = chance.between(1, 40);
        let latency = (near, near + chance.below(2 * near));
        let spikes = if chance.percent(40) { chance.between(1, 10) } else { 0 };
        let small = chance.percent(30);
        let window = if small { (2048, 8192) } else { (16 * 1024, 128 * 1024) };
        let healed = chance.between(15_000, 70_000);
        let many = match chance.below(10) {
            0 | 1 => 0,
            2..=6 => chance.between(1, 4),
            _ => chance.between(5, 25),
        };
        let mut faults: Vec<_> = (0..many).map(|_| (chance.below(healed), Fault::draw(&mut chance))).collect();
        faults.sort_by_key(|(at, _)| *at);
        let largest = if chance.percent(10) { 200_000 } else { 3000 };
        Self {
            listeners,
            connectors,
            backoff,
            latency,
            spikes,
            window,
            ping_interval: seconds([1, 2, 5, 25][chance.index(4)]),
            spare_wait: seconds([0, 2, 2, 5][chance.index(4)]),
            messages: chance.between(1, 8),
            largest,
            healed,
            faults,
        }
    }

    pub(super) fn new_backoff(&self) -> Backoff {
        Backoff::new(&self.backoff)
    }

    /// The longest pause between two attempts.
    pub(super) fn longest_pause(&self) -> Millis {
        let longest = self.backoff.iter().max().map_or(0, Duration::as_millis);
        Millis::try_from(longest).unwrap_or(Millis::MAX)
    }
}

fn policy(chance: &mut Chance) -> SparePolicy {
    match chance.below(6) {
        0 | 1 => SparePolicy::Sequential,
        spares => SparePolicy::Limit(NonZeroUsize::MIN.saturating_add(usize::try_from(spares).unwrap_or(2) - 2)),
    }
}

impl Fault {
    fn draw(chance: &mut Chance) -> Self {
        let crash = if chance.percent(50) { Crash::Process } else { Crash::Machine };
        let way = if chance.percent(50) { Way::Up } else { Way::Down };
        let down = chance.between(0, 20_000);
        match chance.below(16) {
            0 => Self::RelayCrash { crash, down: down / 2 },
            1 | 2 => Self::ListenerCrash { crash, down },
            3 | 4 => Self::ConnectorCrash { crash, down },
            5 => Self::ListenerStop { down },
            6 | 7 => Self::Partition { time: chance.between(100, 40_000) },
            8 => Self::OneWay { way, time: chance.between(100, 40_000) },
            9 | 10 => Self::Reset,
            11 | 12 => Self::HalfOpen,
            13 => Self::LostClose { way },
            _ => Self::SlowReader { time: chance.between(500, 30_000), rate: chance.index(3) * 500 },
        }
    }
}
