//! The plugin stack of a connection (`spec/wire.md §4`).
//!
//! Between the socket and the application stands an ordered list of plugins. Incoming events rise from the socket, outgoing
//! ones sink towards it; each plugin passes an event on, changes it, swallows it, or emits others in either direction. No
//! plugin does IO, reads a clock or owns a timer: time is in the [`Context`], and the stack asks each plugin for its
//! [`Plugin::deadline`].

mod encryption;
mod event;
mod fragmentation;
mod keepalive;
mod order;
mod pingpong;
mod stack;
mod statistics;
#[cfg(test)]
mod testing;

use std::fmt;
use std::time::Instant;

pub use encryption::{Encryption, MAX_NONCE_COUNTER, NonceParity};
pub use event::{Incoming, Origin, Outgoing};
pub use fragmentation::{CHUNK_LEN, Fragmentation, MAX_MESSAGE_LEN};
pub use keepalive::{CLOSE_AFTER_SILENCE, KEEPALIVE, KeepAlive, SEND_AFTER_IDLE};
pub use order::{Layer, OrderError};
pub use pingpong::{Ping, Pong};
pub use stack::{PluginFailure, SendError, Stack};
pub use statistics::{Counters, Statistics};

use crate::entropy::Entropy;

/// One plugin of one connection.
///
/// The methods pass everything on unless they are implemented.
pub trait Plugin: Send {
    /// The name that errors, metrics and timelines show.
    fn name(&self) -> &str;

    /// Where in the stack the plugin may stand.
    fn layer(&self) -> Layer;

    /// Takes an event that rises from the socket.
    ///
    /// # Errors
    ///
    /// The text with which the connection is to be closed.
    fn incoming(&mut self, cx: &mut Context<'_>, event: Incoming) -> Result<(), PluginError> {
        cx.rise(event);
        Ok(())
    }

    /// Takes an event that sinks towards the socket.
    ///
    /// # Errors
    ///
    /// The text with which the connection is to be closed.
    fn outgoing(&mut self, cx: &mut Context<'_>, event: Outgoing) -> Result<(), PluginError> {
        cx.sink(event);
        Ok(())
    }

    /// When [`Self::timer`] is to be called, if at all.
    fn deadline(&self) -> Option<Instant> {
        None
    }

    /// The deadline has passed.
    ///
    /// # Errors
    ///
    /// The text with which the connection is to be closed.
    fn timer(&mut self, _cx: &mut Context<'_>) -> Result<(), PluginError> {
        Ok(())
    }
}

/// Why a plugin gives a connection up: the text goes into the close reason, as the reference's does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PluginError(pub String);

impl PluginError {
    /// An error with this text.
    pub fn new(text: impl fmt::Display) -> Self {
        Self(format!("{text}"))
    }
}

/// What a plugin can use while it handles an event.
pub struct Context<'a> {
    now: Instant,
    entropy: &'a mut dyn Entropy,
    emitted: &'a mut Vec<Emitted>,
}

/// An event that a plugin emitted, in the direction in which it travels.
enum Emitted {
    Rising(Incoming),
    Sinking(Outgoing),
}

impl Context<'_> {
    /// The time of this call.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Unpredictable bytes.
    pub fn entropy(&mut self) -> &mut dyn Entropy {
        self.entropy
    }

    /// Emits an event towards the application.
    pub fn rise(&mut self, event: Incoming) {
        self.emitted.push(Emitted::Rising(event));
    }

    /// Emits an event towards the socket.
    pub fn sink(&mut self, event: Outgoing) {
        self.emitted.push(Emitted::Sinking(event));
    }
}
