//! The six phases of a connection, their deadlines, and what is told about them (`spec/phases.md`).

use std::fmt;
use std::time::Duration;

/// A phase of establishing a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// TCP, TLS, WebSocket.
    Connect,
    /// A listener proves its key to the CommServer.
    Registration,
    /// The initiator asks for a listener; a listener waits as a spare connection until somebody does.
    PairingRequest,
    /// The acceptor says that it is ready.
    Handover,
    /// Temporary keys are exchanged and proven.
    Encryption,
    /// The peers prove who they are to each other.
    Completion,
}

impl Phase {
    /// All six, in order.
    pub const ALL: [Self; 6] =
        [Self::Connect, Self::Registration, Self::PairingRequest, Self::Handover, Self::Encryption, Self::Completion];

    /// 1 to 6.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Connect => 1,
            Self::Registration => 2,
            Self::PairingRequest => 3,
            Self::Handover => 4,
            Self::Encryption => 5,
            Self::Completion => 6,
        }
    }

    /// The name that metrics and timelines show.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Registration => "registration",
            Self::PairingRequest => "pairing_request",
            Self::Handover => "handover",
            Self::Encryption => "encryption",
            Self::Completion => "completion",
        }
    }

    /// The state that a connection is in when the phase has ended well.
    #[must_use]
    pub fn exit_state(self) -> &'static str {
        match self {
            Self::Connect => "connected",
            Self::Registration => "authenticated",
            Self::PairingRequest => "requested",
            Self::Handover => "handover_complete",
            Self::Encryption => "encrypted",
            // Which of both, `Completed` says.
            Self::Completion => "complete",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "phase {} ({})", self.number(), self.name())
    }
}

/// Which side of a connection this end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Waits for peers.
    Listener,
    /// Dials a peer.
    Initiator,
}

impl Role {
    /// The name that metrics and timelines show.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Listener => "listener",
            Self::Initiator => "initiator",
        }
    }
}

/// How a phase ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// As it should.
    Ok,
    /// Its deadline passed.
    Timeout,
    /// One side did not want the other.
    Rejected,
    /// Something went wrong, or the connection was lost or closed.
    Error,
}

impl Outcome {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Ok, Self::Timeout, Self::Rejected, Self::Error];

    /// The name that metrics and timelines show.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Timeout => "timeout",
            Self::Rejected => "rejected",
            Self::Error => "error",
        }
    }
}

/// How phase 6 ended, as whoever runs it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Completed {
    /// The peers have become contacts.
    Paired,
    /// The peer is the contact that it says it is.
    Verified,
    /// Neither; never [`Outcome::Ok`]. A close is to follow.
    Failed(Outcome),
}

impl Completed {
    /// The state that the connection is in (`spec/phases.md`).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Paired => "pairing_complete",
            Self::Verified => "peer_verified",
            Self::Failed(outcome) => outcome.name(),
        }
    }

    pub(crate) fn outcome(self) -> Outcome {
        match self {
            Self::Paired | Self::Verified => Outcome::Ok,
            Self::Failed(Outcome::Ok) => Outcome::Error,
            Self::Failed(outcome) => outcome,
        }
    }
}

/// The one table of deadlines. Each counts from the moment its phase is entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// TCP, TLS and WebSocket. The reference waits 5 s too, and leaves the socket open.
    pub connect: Duration,
    /// From `register` to `authentication_success`. The reference waits for ever.
    pub registration: Duration,
    /// From the hand-over of a spare, or the opening of a direct connection, to the peer's request. The time as a spare
    /// does not count: there the pings decide.
    pub request: Duration,
    /// From the request to `communication_ready`; a CommServer may keep a request waiting for a spare meanwhile.
    pub handover: Duration,
    /// From `communication_ready` to the first message that decrypts.
    pub encryption: Duration,
    /// From there until the peers know each other: where phase 6 is run. The reference waits for ever.
    pub completion: Duration,
    /// For all phases together, without the time as a spare.
    pub total: Duration,
    /// How long the other end may take nothing of what is to be sent before a close.
    pub drain: Duration,
    /// How long the other end may take to answer a close frame before the socket is dropped.
    pub close: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            registration: Duration::from_secs(5),
            request: Duration::from_secs(5),
            handover: Duration::from_secs(10),
            encryption: Duration::from_secs(10),
            completion: Duration::from_secs(30),
            total: Duration::from_secs(60),
            drain: Duration::from_secs(30),
            close: Duration::from_secs(2),
        }
    }
}

impl Deadlines {
    /// The deadline of a phase.
    #[must_use]
    pub fn of(&self, phase: Phase) -> Duration {
        match phase {
            Phase::Connect => self.connect,
            Phase::Registration => self.registration,
            Phase::PairingRequest => self.request,
            Phase::Handover => self.handover,
            Phase::Encryption => self.encryption,
            Phase::Completion => self.completion,
        }
    }
}
