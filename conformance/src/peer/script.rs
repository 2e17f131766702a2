//! Scenarios for two implementations as data: what their peers are told, and what they have to tell.
//!
//! The text form stands in [`super::parse`].

use std::time::Duration;

use ratatosk_protocol::message::Payload;

use crate::scenario::Branch;
use crate::scenario::template::Template;

/// A scenario for a connector and a listener.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    /// Unique, short, stable: what it is about and a name, such as `fragments/text-16384`.
    pub id: String,
    /// What happens, in one line.
    pub title: String,
    /// The section of the specification.
    pub spec: String,
    /// What happens, step by step.
    pub steps: Vec<Step>,
}

/// The name of one peer. Those that begin with `b` are of the implementation that listens, all others of the one that
/// connects.
pub type Name = String;

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A peer is started, and has said its key.
    Start(Name),
    /// A peer can be reached, or cannot any more.
    Online {
        /// Which one.
        name: Name,
        /// What it says.
        state: bool,
    },
    /// A peer is told to send.
    Send {
        /// Which one.
        name: Name,
        /// To whom; nobody has the key if there is no name.
        to: Option<Name>,
        /// What.
        payload: Payload,
        /// Whether it has to work, or must not.
        works: bool,
    },
    /// All connectors that were started send the same to the listener at once, again and again until it works.
    SendAll(Payload),
    /// Two peers send so many messages of so many bytes to each other at the same time, and all of them arrive in order.
    Exchange {
        /// How many.
        count: usize,
        /// How many bytes each.
        len: usize,
    },
    /// The next message that a peer gets from another one.
    Receive {
        /// Which one.
        name: Name,
        /// From whom.
        from: Name,
        /// What.
        payload: Payload,
    },
    /// An established connection of a peer is over.
    Ended {
        /// Whose.
        name: Name,
        /// The reason, if the other end decided it and gave one.
        reason: Option<Template>,
    },
    /// A peer has so many connections.
    Connections {
        /// Which one.
        name: Name,
        /// How many.
        count: usize,
    },
    /// A peer is told to leave its CommServer and to close its connections.
    Disconnect(Name),
    /// A peer is told to come back.
    Reconnect(Name),
    /// A peer is told to quit, and does, with exit code 0.
    Quit(Name),
    /// A peer's process is killed.
    Kill(Name),
    /// The CommServer is killed, or started again under its old address.
    Relay(bool),
    /// Nothing happens at a peer for so long: no message, and no connection ends.
    Quiet {
        /// At which one.
        name: Name,
        /// How long.
        time: Duration,
    },
    /// One of several continuations; the first step of each tells which it is.
    Either(Vec<Branch<Step>>),
}

impl Step {
    /// Whether a branch may begin with it.
    #[must_use]
    pub fn tells_apart(&self) -> bool {
        matches!(self, Self::Receive { .. } | Self::Ended { .. } | Self::Quiet { .. })
    }
}

impl Script {
    /// Whether it needs a CommServer that can be killed and started again.
    #[must_use]
    pub fn restarts_relay(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Relay(_)))
    }
}
