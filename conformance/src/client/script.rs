//! Scripts as data: what the scripted side does, what the peer under test is asked for, and what has to come of it.
//!
//! The text format stands in [`super::parse`], the placeholders of texts in [`crate::scenario::template`].

use std::num::NonZeroUsize;
use std::time::Duration;

use ratatosk_protocol::connection::Config;

use crate::scenario::Branch;
use crate::scenario::template::Template;

/// A conversation with a listener, connector or acceptor under test.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    /// Unique, short, stable: the recording and a number or name, such as `d2/11`.
    pub id: String,
    /// What happens, in one line.
    pub title: String,
    /// The section of the specification.
    pub spec: String,
    /// The recordings that it was made from, as `file#entry`; empty for what no recording shows.
    pub recorded: Vec<String>,
    /// How often it is played, each time with new keys and connections. The worst counts.
    pub runs: usize,
    /// Times that are too long to wait for.
    pub times: Times,
    /// What happens, step by step.
    pub steps: Vec<Step>,
}

/// Times that the peer under test is given instead of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// Each deadline of a phase.
    pub deadlines: Option<Duration>,
    /// Keepalive: idle time before a pulse, and silence before the end.
    pub keepalive: Option<(Duration, Duration)>,
}

impl Times {
    /// Puts the times into a configuration.
    #[must_use]
    pub fn apply(&self, mut config: Config) -> Config {
        if let Some(time) = self.deadlines {
            let deadlines = &mut config.deadlines;
            deadlines.connect = time;
            deadlines.registration = time;
            deadlines.request = time;
            deadlines.handover = time;
            deadlines.encryption = time;
        }
        if let Some((pulse, silence)) = self.keepalive {
            (config.keepalive_after, config.silence_limit) = (pulse, silence);
        }
        config
    }
}

/// The name of one connection on the scripted side.
pub type Name = String;

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// The peer under test begins.
    Start(Start),
    /// The application of the peer under test wants something.
    Tell(Tell),
    /// The next thing that the peer under test reports.
    Report(Report),
    /// The listener under test has so many registered spares.
    Ready(usize),
    /// The peer under test has failed and waits before it tries again: once for each of these, at most so long.
    Retries(Vec<Duration>),
    /// The peer under test connects, or the scripted side dials the acceptor under test.
    Open(Name),
    /// The peer under test connects and loses the TCP connection at once.
    Drop(Name),
    /// The peer under test connects, and its request for a WebSocket is not answered.
    Mute(Name),
    /// The scripted side sends.
    Send {
        /// On which connection.
        name: Name,
        /// What.
        what: Outgoing,
        /// Keep it back and let it go out in one write with the next one.
        hold: bool,
    },
    /// The scripted side begins the closing handshake.
    Close {
        /// On which connection.
        name: Name,
        /// The code.
        code: u16,
        /// The reason.
        reason: Template,
    },
    /// The scripted side drops the TCP connection without a close frame.
    Abort(Name),
    /// The next thing that the scripted side gets.
    Expect {
        /// On which connection.
        name: Name,
        /// What.
        what: Expected,
    },
    /// The next thing on this connection comes at least so long after the one before.
    NotBefore {
        /// On which connection.
        name: Name,
        /// How long.
        time: Duration,
    },
    /// Everything that was sent has been read, and the connection stays open.
    Alive(Name),
    /// Nothing happens for so long.
    Quiet {
        /// Where.
        place: Place,
        /// How long.
        time: Duration,
    },
    /// Let time pass.
    Wait(Duration),
    /// One of several continuations; the first step of each tells which it is.
    Either(Vec<Branch<Step>>),
}

/// What is under test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// A listener at the scripted CommServer.
    Listen {
        /// At most so many spares; none for one after the other.
        spares: Option<NonZeroUsize>,
        /// Delay after a failure, at most.
        backoff: Duration,
    },
    /// A connector, once.
    Connect,
    /// A connector that tries until it succeeds, with these delays at most.
    ConnectUntilSuccessful(Vec<Duration>),
    /// A connector to an address where nothing listens.
    ConnectNowhere,
    /// An acceptor that is dialled directly.
    Accept,
}

/// What the application of the peer under test wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Tell {
    /// Send a message on the newest connection.
    Send(Template),
    /// Close the newest connection.
    Close(String),
    /// Do not read messages until [`Tell::Read`].
    Pause,
    /// Read messages again.
    Read,
    /// Stop listening or connecting.
    Stop,
}

/// What the peer under test reports.
#[derive(Clone, Debug, PartialEq)]
pub enum Report {
    /// A connection is established.
    Connected,
    /// A text message.
    Text(Template),
    /// A binary message.
    Binary(Vec<u8>),
    /// Any binary message.
    AnyBinary,
    /// A connection was not established; the error as it is shown.
    Failed(Template),
    /// An established connection has ended: whether it was this end's decision, and the reason.
    Ended {
        /// Whether the peer under test ended it.
        here: bool,
        /// The close reason.
        reason: Template,
    },
    /// [`Tell::Send`] was refused; the error as it is shown.
    Refused(Template),
}

/// What the scripted side sends.
#[derive(Clone, Debug, PartialEq)]
pub enum Outgoing {
    /// A text message.
    Text(Template),
    /// A binary message with the bytes of a text.
    TextAsBinary(Template),
    /// A binary message as it is, encrypted or not.
    Binary(Vec<u8>),
    /// An authentication request whose challenge has so many bytes.
    Challenge(usize),
    /// The key message, boxed for the peer under test.
    Key,
    /// The key message, boxed by somebody else.
    KeyOfOther,
    /// A key message whose key has so many bytes.
    KeyOfLength(usize),
    /// A key message with these bytes as key.
    KeyOf(Vec<u8>),
    /// The peer's own key message, as it came.
    KeyBack,
    /// An encrypted text.
    Encrypted(Template),
    /// An encrypted binary message.
    EncryptedBinary(Vec<u8>),
    /// Encrypted, with the padding as it stands here.
    Padded(Vec<u8>),
    /// An encrypted text of which one bit is wrong.
    Tampered(Template),
    /// An encrypted text with the nonce that the other end would use.
    WrongParity(Template),
    /// The frame that was sent last, once more.
    Again,
}

/// What the scripted side gets.
#[derive(Clone, Debug, PartialEq)]
pub enum Expected {
    /// A text message.
    Text(Template),
    /// The right answer to the challenge, with so many bytes.
    Answer(usize),
    /// The key message.
    Key,
    /// An encrypted text. Keepalive pulses before it do not count.
    Encrypted(Template),
    /// An encrypted binary message of so many bytes, such as a chunk.
    EncryptedLength(usize),
    /// A keepalive pulse.
    Pulse,
    /// The end. Without a close frame the code is 1006, with an empty one 1005.
    Close {
        /// The code.
        code: u16,
        /// The reason.
        reason: Template,
    },
}

/// Where something can happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// On a connection.
    Connection(Name),
    /// At the peer under test.
    Subject,
    /// At the door: a further connection.
    Door,
}

impl Step {
    /// Whether a branch may begin with it.
    #[must_use]
    pub fn tells_apart(&self) -> bool {
        matches!(self, Self::Report(_) | Self::Open(_) | Self::Expect { .. } | Self::Quiet { .. })
    }
}
