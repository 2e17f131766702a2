//! Faults on purpose: which ones, how often, and the pure decision for each frame.
//!
//! A decision depends on the seed, the connection's number, the direction and the frame's number there, and on nothing else:
//! neither on time nor on what is decided for other frames, nor on which other faults are asked for.

mod decide;
mod spec;

use std::fmt;
use std::time::Duration;

pub use decide::{Action, Decision, Shape};
pub use spec::SpecError;

use super::Direction;

/// The longest delay that can be asked for.
pub const MAX_DELAY: Duration = Duration::from_secs(60);

/// What can go wrong with a frame, in the order of precedence: one thing at most happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Both connections are reset instead.
    Drop,
    /// Part of it is written, then both connections are reset.
    Cut,
    /// Both ends get a close frame with code 1001 instead, then the end of TCP.
    Close,
    /// It is not passed on.
    Lose,
    /// It is shorter, and its head says so.
    Truncate,
    /// One bit of its payload is another one.
    Corrupt,
    /// One bit of its head is another one.
    CorruptHeader,
    /// It comes twice. Only whole messages in one frame.
    Duplicate,
    /// It comes behind the next one. Only whole messages in one frame.
    Reorder,
    /// It is written in small pieces over a second.
    Drip,
}

impl Kind {
    /// All of them, in order of precedence.
    pub const ALL: [Self; 10] = [
        Self::Drop,
        Self::Cut,
        Self::Close,
        Self::Lose,
        Self::Truncate,
        Self::Corrupt,
        Self::CorruptHeader,
        Self::Duplicate,
        Self::Reorder,
        Self::Drip,
    ];

    /// The word for it in a specification of faults.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Cut => "cut",
            Self::Close => "close",
            Self::Lose => "lose",
            Self::Truncate => "truncate",
            Self::Corrupt => "corrupt",
            Self::CorruptHeader => "corrupt-header",
            Self::Duplicate => "duplicate",
            Self::Reorder => "reorder",
            Self::Drip => "drip",
        }
    }
}

/// Which faults to inject.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faults {
    source: String,
    /// Every frame is held for a time between these.
    delay: (Duration, Duration),
    /// And for up to this long in addition.
    jitter: Duration,
    /// How often each kind happens.
    chances: Vec<(Kind, f64)>,
    /// The first frames of each direction that nothing happens to.
    after: u64,
    /// Only frames that go this way.
    only: Option<Direction>,
}

impl Faults {
    /// Whether nothing was asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.chances.is_empty() && self.delay.1.is_zero() && self.jitter.is_zero()
    }
}

/// As it was written.
impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}
