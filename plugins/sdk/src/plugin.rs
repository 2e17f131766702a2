//! The trait of a plugin, and what it is lent.

use std::fmt;

use crate::abi;
use crate::{Buffer, Direction, Kind};

/// One plugin of one connection. Closing it is dropping it.
pub trait Plugin: Sized + 'static {
    /// The events that the plugin wants to see, bits of [`abi::bit`]. The others pass without a call.
    const SUBSCRIBE: u32 = abi::EVERYTHING;

    /// Starts with the configuration that the user wrote, or that the plugin's own documentation describes. Nothing can be
    /// emitted yet.
    ///
    /// # Errors
    ///
    /// What is wrong with the configuration.
    fn open(host: &mut dyn Host, config: &[u8]) -> Result<Self, Failure>;

    /// Takes an event. What it emits comes before the event itself, if that passes.
    ///
    /// # Errors
    ///
    /// The text with which the connection is to be closed.
    fn on_event(
        &mut self,
        host: &mut dyn Host,
        direction: Direction,
        kind: Kind,
        data: &mut Buffer,
    ) -> Result<Verdict, Failure>;

    /// The time of [`Host::set_timer`] has come; the timer is off until it is set again.
    ///
    /// # Errors
    ///
    /// The text with which the connection is to be closed.
    fn on_timer(&mut self, _host: &mut dyn Host) -> Result<(), Failure> {
        Ok(())
    }
}

/// What a plugin can use during a call.
pub trait Host {
    /// Sends an event on, away from this plugin: to its neighbour in that direction. Messages go both ways, and
    /// [`Kind::Close`] outwards; nothing else can be emitted. See [`Self::note`] for what is no event.
    fn emit(&mut self, direction: Direction, kind: Kind, data: &[u8]);

    /// Says something about the connection: a line for its timeline and the log, which show it with the plugin's name. At most
    /// [`abi::MAX_NOTE_LEN`] bytes, and [`abi::MAX_NOTES`] in one call.
    fn note(&mut self, text: &str) {
        self.emit(Direction::Outgoing, Kind::Note, text.as_bytes());
    }

    /// Fills `out` with unpredictable bytes.
    fn random(&mut self, out: &mut [u8]);

    /// The time in milliseconds since some moment before the plugin was opened. It never runs backwards.
    fn now_ms(&mut self) -> u64;

    /// Asks for [`Plugin::on_timer`] at a time of [`Self::now_ms`], and forgets what was asked for before. A time that is
    /// past means the next millisecond, [`abi::NEVER`] none.
    fn set_timer(&mut self, at_ms: u64);
}

/// What becomes of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes no further. [`Kind::Opened`], [`Kind::Closed`] and [`Kind::Close`] always do.
    Consumed,
    /// It goes on as it came, whatever was done to the buffer.
    Pass,
}

/// Why a plugin gives a connection up: stands in the close reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(pub String);

impl Failure {
    /// A failure with this text.
    pub fn new(text: impl fmt::Display) -> Self {
        Self(text.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}
