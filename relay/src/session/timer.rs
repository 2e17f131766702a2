//! Every timeout of the relay, in one table.

use std::time::Duration;

use ratatosk_protocol::ping::{DEFAULT_PING_INTERVAL, DEFAULT_PONG_TIMEOUT};

use crate::config::SHORTEST;

/// The text after `Terminate called: ` when [`Timer::Handshake`] runs out.
pub const HANDSHAKE_TIMED_OUT: &str = "Handshake: Connection timed out";

/// The same for the other half of a pair when [`Timer::Stall`] or [`Timer::Delivery`] runs out.
pub const NOT_READ: &str = "Relay: The other side does not read";

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// TCP accept to registered or paired: one absolute deadline, so that no sequence of small steps can stretch it.
    Handshake,
    /// Registration or last pong to the next ping. Announced to listeners (`spec/wire.md §2`).
    PingInterval,
    /// A ping to its pong.
    PongTimeout,
    /// The longest time that a requester waits for the next spare of a key that had one a moment ago. 0 turns waiting off.
    SpareWait,
    /// The longest time in which a receiver takes not one byte of what waits for it. Its sender is not read meanwhile.
    Stall,
    /// The longest time that a receiver may take for what is written to it at once, however steadily: what was read
    /// together, some 256 KiB at most, or what is left when the other side has gone. Until then both sides are held.
    Delivery,
    /// Our close frame to the client's.
    Close,
}

impl Timer {
    /// All of them, in the order of the enum.
    pub const ALL: [Self; 7] = [
        Self::Handshake,
        Self::PingInterval,
        Self::PongTimeout,
        Self::SpareWait,
        Self::Stall,
        Self::Delivery,
        Self::Close,
    ];

    /// The name in messages to the operator.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Handshake => "handshake",
            Self::PingInterval => "ping_interval",
            Self::PongTimeout => "pong",
            Self::SpareWait => "spare_wait",
            Self::Stall => "stall",
            Self::Delivery => "delivery",
            Self::Close => "close",
        }
    }

    /// The shortest time that makes sense.
    #[must_use]
    pub(crate) const fn shortest(self) -> Duration {
        match self {
            Self::SpareWait => Duration::ZERO,
            _ => SHORTEST,
        }
    }

    /// How long it runs unless told otherwise.
    #[must_use]
    pub const fn default(self) -> Duration {
        match self {
            Self::Handshake => Duration::from_secs(10),
            Self::PingInterval => DEFAULT_PING_INTERVAL,
            Self::PongTimeout => DEFAULT_PONG_TIMEOUT,
            Self::SpareWait => Duration::from_secs(2),
            Self::Stall => Duration::from_secs(60),
            // Some 150 bytes a second.
            Self::Delivery => Duration::from_secs(30 * 60),
            Self::Close => Duration::from_secs(5),
        }
    }
}

/// How long each [`Timer`] runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    durations: [Duration; Timer::ALL.len()],
}

impl Timeouts {
    /// How long `timer` runs.
    #[must_use]
    pub fn of(&self, timer: Timer) -> Duration {
        self.durations[timer as usize]
    }

    /// The same table with another value for `timer`.
    #[must_use]
    pub fn with(mut self, timer: Timer, duration: Duration) -> Self {
        self.durations[timer as usize] = duration;
        self
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { durations: Timer::ALL.map(Timer::default) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_enum() {
        for (place, timer) in Timer::ALL.into_iter().enumerate() {
            assert_eq!(timer as usize, place);
            assert_eq!(Timeouts::default().of(timer), timer.default());
        }
        let table = Timeouts::default().with(Timer::Stall, Duration::ZERO);
        assert_eq!(table.of(Timer::Stall), Duration::ZERO);
        assert_eq!(table.of(Timer::Close), Timer::Close.default());
    }
}
