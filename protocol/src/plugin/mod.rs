//! The plugin stack of a connection (`spec/wire.md §4`).
//!
//! Between the socket and the application stands an ordered list of plugins. Incoming events rise from the socket, outgoing
//! ones sink towards it; each plugin passes an event on, changes it, swallows it, or emits others in either direction. No
//! plugin does IO, reads a clock or owns a timer: time is in the [`Context`], and the stack asks each plugin for its
//! [`Plugin::deadline`].

pub mod abi;
mod bounds;
mod builtin;
mod clock;
mod event;
mod form;
mod linked;
mod order;
mod pingpong;
mod source;
mod stack;
mod statistics;
#[cfg(test)]
mod testing;

use std::fmt;
use std::time::Instant;

pub use builtin::{Encryption, Fragmentation, KeepAlive};
pub use clock::Clock;
pub use event::{Incoming, Origin, Outgoing};
pub use form::Form;
pub use linked::Linked;
pub use order::{Layer, OrderError, check_order};
pub use pingpong::{Ping, Pong};
pub use ratatosk_plugin_encryption::{MAX_NONCE_COUNTER, NonceExhausted, NonceParity, nonce};
pub use ratatosk_plugin_fragmentation::{CHUNK_LEN, MAX_MESSAGE_LEN};
pub use ratatosk_plugin_keepalive::{CLOSE_AFTER_SILENCE, KEEPALIVE, SEND_AFTER_IDLE, Settings as KeepAliveSettings};
pub use source::{AllLinked, Plugins, Setup};
pub use stack::{PluginFailure, SendError, Stack};
pub use statistics::{Counters, Statistics};

use ratatosk_plugin::Buffer;
use ratatosk_plugin::abi::MAX_NOTES;

use crate::entropy::Entropy;

/// One plugin of one connection.
///
/// The methods pass everything on unless they are implemented.
pub trait Plugin: Send {
    /// The name that errors, metrics and timelines show.
    fn name(&self) -> &str;

    /// Where in the stack the plugin may stand.
    fn layer(&self) -> Layer;

    /// How it runs.
    fn form(&self) -> Form {
        Form::Native
    }

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

/// Why a plugin gives a connection up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct PluginError {
    /// What goes into the close reason, as the reference's texts do, unless the plugin is broken.
    pub text: String,
    /// Whether the plugin itself is broken or broke a rule; otherwise it does not accept what the other end sent.
    pub broken: bool,
}

impl PluginError {
    /// Something that the plugin does not accept.
    pub fn new(text: impl fmt::Display) -> Self {
        Self { text: text.to_string(), broken: false }
    }

    /// A plugin that is broken or broke a rule.
    pub fn broken(text: impl fmt::Display) -> Self {
        Self { text: text.to_string(), broken: true }
    }
}

/// What a plugin can use while it handles an event.
pub struct Context<'a> {
    now: Instant,
    turn: u64,
    entropy: &'a mut dyn Entropy,
    emitted: &'a mut Vec<Emitted>,
    notes: &'a mut Vec<String>,
    /// For the message of the call, so that not every plugin of a connection keeps a buffer.
    scratch: &'a mut Buffer,
}

/// An event that a plugin emitted, in the direction in which it travels.
enum Emitted {
    Rising(Incoming),
    Sinking(Outgoing),
}

/// What a plugin said about its connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The plugin's name.
    pub plugin: String,
    /// One line, at most [`MAX_NOTE_LEN`](ratatosk_plugin::abi::MAX_NOTE_LEN) bytes.
    pub text: String,
}

impl Context<'_> {
    /// The time of this call.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Which event of the socket or of the application, or which timer, led to this call: the number is the same for all calls
    /// that follow from one, and another one for the next.
    #[must_use]
    pub fn turn(&self) -> u64 {
        self.turn
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

    /// Says something about the connection. Of one call [`MAX_NOTES`] are kept.
    pub fn note(&mut self, text: String) {
        if self.notes.len() < MAX_NOTES {
            self.notes.push(text);
        }
    }
}
