//! What a connection tells.

use std::time::Duration;

use super::ConnectionError;
use crate::key::PublicKey;
use crate::message::Payload;
use crate::phase::{Outcome, Phase};
use crate::plugin::{Note, Origin};

/// Something that happened to a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A phase has begun. Each one that begins ends exactly once.
    PhaseEntered(Phase),
    /// A phase has ended.
    PhaseExited {
        /// Which.
        phase: Phase,
        /// How.
        outcome: Outcome,
        /// After how long.
        duration: Duration,
    },
    /// A listener's connection is registered and waits for a peer.
    SpareOpened,
    /// The CommServer has handed the spare connection over to a peer.
    SpareHandedOver,
    /// A peer asks for one of our keys, or one that is not ours; whether it is wanted is decided next.
    PairingRequested {
        /// The peer's key, not proven yet.
        source: PublicKey,
        /// The key that it asks for.
        target: PublicKey,
    },
    /// The acceptor has answered the request: from here on the bytes come from the peer.
    HandoverComplete,
    /// The application may speak. An acceptor's peer has proven its key; a connector's peer proves it with its first
    /// message, and nobody else can read what is sent before.
    Established {
        /// The key of ours that the peer asked for, or that we dialled with.
        local: PublicKey,
        /// The peer's key.
        remote: PublicKey,
    },
    /// The peers have become contacts.
    PairingSucceeded {
        /// The peer's key on this connection.
        remote: PublicKey,
    },
    /// A message of the peer's application.
    Message(Payload),
    /// A plugin of this end said something about the connection.
    Note(Note),
    /// The connection is over; nothing follows.
    Closed(Closed),
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// Who ended it.
    pub origin: Origin,
    /// The reason on the wire, empty if there was none. Text of the other end: not to be logged unescaped.
    pub reason: String,
    /// In which phase, and why.
    pub error: ConnectionError,
}

/// A close frame of the other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseFrame {
    /// The code; 1005 if the frame had none.
    pub code: u16,
    /// The reason.
    pub reason: String,
}
