//! What can be set about a relay.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use ratatosk_protocol::message::MAX_CONTROL_LEN;

use crate::registry::Limits;
use crate::session::{Timeouts, Timer};

/// The largest message that is relayed unless told otherwise: 100 MiB (`spec/wire.md §1`).
pub const DEFAULT_MAX_MESSAGE_LEN: usize = 104_857_600;

/// What can be set about a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where to listen. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// How long everything may take.
    pub timeouts: Timeouts,
    /// How much is held.
    pub limits: Limits,
    /// The largest message that is relayed, in bytes.
    ///
    /// Nothing is re-assembled, so the memory of a pair does not depend on this: a direction keeps at most 512 KiB that its
    /// receiver has not taken, and 8 KiB of a frame whose rest is on its way. While the receiver does not read, its sender
    /// is not read either, so this is all, however much is sent; without traffic a pair keeps nothing.
    pub max_message_len: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8000)),
            timeouts: Timeouts::default(),
            limits: Limits::default(),
            max_message_len: DEFAULT_MAX_MESSAGE_LEN,
        }
    }
}

impl Config {
    /// Whether a relay can run with this.
    ///
    /// # Errors
    ///
    /// The first thing that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if let Some(timer) = Timer::ALL.into_iter().find(|timer| self.timeouts.of(*timer) < SHORTEST) {
            return Err(ConfigError::TooShort { timer });
        }
        if let Some(timer) = Timer::ALL.into_iter().find(|timer| self.timeouts.of(*timer) > LONGEST) {
            return Err(ConfigError::TooLong { timer });
        }
        let Limits { spares_per_key, spares, connections, handshaking } = self.limits;
        if [spares_per_key, spares, connections, handshaking].contains(&0) {
            return Err(ConfigError::NoRoom);
        }
        if self.max_message_len < MAX_CONTROL_LEN {
            return Err(ConfigError::SmallMessages);
        }
        Ok(())
    }
}

const SHORTEST: Duration = Duration::from_millis(1);

/// A day. Deadlines are computed from this, and must not overflow.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// What is wrong with a [`Config`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A timeout would always have run out already.
    #[error("the {} timeout must be at least 1 ms", timer.name())]
    TooShort {
        /// Which one.
        timer: Timer,
    },
    /// A timeout that protects from nothing.
    #[error("the {} timeout must be at most 24 h", timer.name())]
    TooLong {
        /// Which one.
        timer: Timer,
    },
    /// A limit is 0.
    #[error("every limit must be at least 1")]
    NoRoom,
    /// Control messages would not fit.
    #[error("the largest message must be at least {MAX_CONTROL_LEN} bytes")]
    SmallMessages,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        assert_eq!(Config::default().validate(), Ok(()));
    }

    #[test]
    fn what_cannot_work_is_refused() {
        let default = Config::default();
        let timeouts = |duration| default.timeouts.with(Timer::Stall, duration);
        let cases = [
            (Config { timeouts: timeouts(Duration::ZERO), ..default }, ConfigError::TooShort { timer: Timer::Stall }),
            (Config { timeouts: timeouts(Duration::MAX), ..default }, ConfigError::TooLong { timer: Timer::Stall }),
            (Config { limits: Limits { spares: 0, ..default.limits }, ..default }, ConfigError::NoRoom),
            (Config { max_message_len: 1000, ..default }, ConfigError::SmallMessages),
        ];
        for (config, error) in cases {
            assert_eq!(config.validate(), Err(error));
        }
    }
}
