//! Scenarios as data: what was recorded, in a form that people read and a driver plays.
//!
//! A scenario is a list of [`Step`]s on named clients. The text format stands in [`parse`], the placeholders of texts in
//! [`template`], the files themselves in [`recordings`]. Nothing in here does IO.

#[cfg(test)]
pub(crate) mod checks;
pub(crate) mod lines;
pub mod parse;
pub mod reason;
pub mod recordings;
pub mod template;
mod usual;
pub mod wire;

use std::time::Duration;

use reason::Reason;
use template::Template;
use wire::Wire;

use crate::report::Verdict;

/// A conversation that was recorded, and what may come back when it is held again.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Unique, short, stable: the letter of the recording and a number or name, such as `d/036`.
    pub id: String,
    /// What happens, in one line.
    pub title: String,
    /// The section of the specification.
    pub spec: String,
    /// The recordings that it was made from, as `file#entry`.
    pub recorded: Vec<String>,
    /// What the server under test has to be for it.
    pub needs: Needs,
    /// What happens, step by step.
    pub steps: Vec<Step>,
}

/// What a scenario asks of the server and of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// A ping interval below a second, so that pings can be waited for.
    pub short_timers: bool,
    /// Nobody else at the same time: it moves hundreds of megabytes.
    pub alone: bool,
    /// A hand on the server, which is stopped and not started again.
    pub stop: bool,
}

/// The name of one connection inside a scenario.
pub type Client = String;

/// One step of a scenario.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Open a WebSocket connection.
    Open(Client),
    /// Send one message.
    Send {
        /// Who sends.
        client: Client,
        /// What.
        what: Outgoing,
        /// Keep it back and let it go out in one write with the next one.
        hold: bool,
    },
    /// Start the closing handshake; `None` is a close frame without a code.
    Close {
        /// Who closes.
        client: Client,
        /// With which code and reason.
        frame: Option<(u16, Template)>,
    },
    /// Drop the TCP connection without a close frame.
    Abort(Client),
    /// The next thing that this client gets.
    Expect {
        /// Who waits.
        client: Client,
        /// For what.
        what: Expected,
    },
    /// Nothing comes, and the connection stays open.
    Quiet {
        /// Who hears nothing.
        client: Client,
        /// For how long.
        time: Duration,
    },
    /// Let time pass.
    Wait(Duration),
    /// What this client gets next comes no earlier than then.
    NotBefore {
        /// Who waits.
        client: Client,
        /// When.
        moment: Moment,
    },
    /// What this client gets next comes no later than then.
    NotAfter {
        /// Who waits.
        client: Client,
        /// When.
        moment: Moment,
    },
    /// Send much to a client that does not read; later it reads, and everything is there. The recorded server takes it
    /// all at once, a better one slows the sender down.
    Flood {
        /// Who sends.
        from: Client,
        /// Who does not read.
        to: Client,
        /// How many messages.
        count: usize,
        /// Bytes in each.
        size: usize,
    },
    /// Stop reading, or read again.
    Pause(Client, bool),
    /// Answer the protocol's pings from now on.
    AnswerPings(Client),
    /// Send to a client that stops reading, until it is enough or the server takes no more.
    Fill {
        /// Who sends.
        from: Client,
        /// Who does not read.
        to: Client,
        /// How many messages at most.
        count: usize,
        /// Bytes in each.
        size: usize,
    },
    /// Read again, and get all numbered messages of another client.
    Drain {
        /// Who reads.
        to: Client,
        /// Who has sent them.
        from: Client,
        /// Bytes in each.
        size: usize,
    },
    /// Exactly so many of the clients get this; the others get nothing.
    Tally {
        /// How many.
        count: usize,
        /// Out of whom.
        clients: Vec<Client>,
        /// What those get.
        what: Expected,
    },
    /// An HTTP request over plain TCP: the lines of its head.
    Http {
        /// Who asks.
        client: Client,
        /// The request line and the headers.
        head: Vec<Template>,
    },
    /// One look at the HTTP response.
    Response {
        /// Who asked.
        client: Client,
        /// What to look at.
        check: HttpCheck,
    },
    /// The server is told to stop.
    Stop,
    /// One of several continuations; the first step of each tells which it is.
    Either(Vec<Branch<Step>>),
}

/// A point in time of one client.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Moment {
    /// So many ping intervals, as the server announced them, after the client's last success or pong.
    Intervals(f64),
    /// So long after the client began to connect.
    Open(Duration),
}

/// A message to send.
#[derive(Clone, Debug, PartialEq)]
pub enum Outgoing {
    /// A text message.
    Text(Template),
    /// A text message in this many WebSocket frames.
    Fragments(usize, Template),
    /// A binary message with the bytes of a text.
    TextAsBinary(Template),
    /// A binary message.
    Binary(Vec<u8>),
    /// A binary message in this many WebSocket frames.
    BinaryFragments(usize, Vec<u8>),
    /// A text message of these bytes, which need not be UTF-8.
    RawText(Vec<u8>),
    /// A binary message of so many zeros.
    Zeros(usize),
    /// A binary message of so many bytes that depend on the sender and on how many of these it has sent before.
    Numbered(usize),
    /// A WebSocket ping.
    Ping(Vec<u8>),
    /// What no library sends.
    Wire(Wire),
}

/// Something that a client can get.
#[derive(Clone, Debug, PartialEq)]
pub enum Expected {
    /// A text message.
    Text(Template),
    /// A binary message.
    Binary(Vec<u8>),
    /// The next [`Outgoing::Numbered`] of another client.
    Numbered {
        /// Its size in bytes.
        size: usize,
        /// Who sent it.
        from: Client,
    },
    /// A WebSocket pong.
    Pong(Vec<u8>),
    /// The end. Without a close frame the code is 1006, with an empty one 1005.
    Close {
        /// The code.
        code: u16,
        /// The reason.
        reason: Template,
    },
}

/// One look at an HTTP response.
#[derive(Clone, Debug, PartialEq)]
pub enum HttpCheck {
    /// The status code.
    Status(u16),
    /// A header with this value; names in any case.
    Header(String, String),
    /// No such header.
    NoHeader(String),
    /// The whole body.
    Body(String),
}

/// One continuation of a conversation that may go on in several ways.
#[derive(Clone, Debug, PartialEq)]
pub struct Branch<S> {
    /// What an implementation that goes this way does.
    pub verdict: Verdict,
    /// Why it may, unless it conforms.
    pub reason: Option<Reason>,
    /// The steps; the first is one that waits for something, or for nothing, and tells which branch it is.
    pub steps: Vec<S>,
}

impl Step {
    /// Whether a branch may begin with it.
    #[must_use]
    pub fn tells_apart(&self) -> bool {
        matches!(self, Self::Expect { .. } | Self::Quiet { .. } | Self::Response { .. })
    }
}
