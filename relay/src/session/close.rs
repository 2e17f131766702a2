//! A close as the relay asks for it.

use std::fmt::Display;

use ratatosk_protocol::close::{CloseRequest, NORMAL, cut};

use super::QUEUE_FULL;

/// The content of a close frame, and what it was that led to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    /// The WebSocket close code.
    pub code: u16,
    /// At most 123 bytes. It may quote what a client has said: not for a log.
    pub reason: String,
    /// For logs and metrics; the client does not see it.
    pub cause: Cause,
}

/// Why a connection ends: one of a closed set, so that it can be counted and logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// What the client said makes no sense here, or it said too much.
    Malformed,
    /// The client could not prove that it owns its key.
    Unauthenticated,
    /// Nobody listens with the key that was asked for.
    NoListener,
    /// A limit was reached.
    Limit,
    /// A list or the admission hook says no.
    Denied,
    /// A [`super::Timer`] ran out.
    Timeout,
    /// The client takes nothing of what waits for it.
    Stalled,
    /// The relay stops.
    Shutdown,
    /// The other half of the pair has ended.
    Partner,
    /// The client closed.
    ClientClosed,
    /// The connection broke.
    Aborted,
    /// There was no TLS handshake that both sides agree to.
    Tls,
    /// The client broke the rules of RFC 6455 or of HTTP.
    Violation,
    /// The relay let go of the connection without a word: it was stopped hard, or something panicked.
    Dropped,
}

impl Cause {
    /// All of them, in the order of the enum.
    pub const ALL: [Self; 14] = [
        Self::Malformed,
        Self::Unauthenticated,
        Self::NoListener,
        Self::Limit,
        Self::Denied,
        Self::Timeout,
        Self::Stalled,
        Self::Shutdown,
        Self::Partner,
        Self::ClientClosed,
        Self::Aborted,
        Self::Tls,
        Self::Violation,
        Self::Dropped,
    ];

    /// The name in logs and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Unauthenticated => "unauthenticated",
            Self::NoListener => "no_listener",
            Self::Limit => "limit",
            Self::Denied => "denied",
            Self::Timeout => "timeout",
            Self::Stalled => "stalled",
            Self::Shutdown => "shutdown",
            Self::Partner => "partner",
            Self::ClientClosed => "client_closed",
            Self::Aborted => "aborted",
            Self::Tls => "tls",
            Self::Violation => "violation",
            Self::Dropped => "dropped",
        }
    }
}

impl Close {
    /// `Close called: text`: the client did something wrong, or what it wants cannot be had. [`Cause::Malformed`] unless
    /// said otherwise.
    #[must_use]
    pub fn because(text: impl Display) -> Self {
        Self::new(&CloseRequest::because(text.to_string()), Cause::Malformed)
    }

    /// `Terminate called: text`: a timer ran out.
    #[must_use]
    pub fn timed_out(text: &str) -> Self {
        Self::new(&CloseRequest::Terminate(text.to_owned()), Cause::Timeout)
    }

    /// The key of a listener is not wanted here.
    #[must_use]
    pub fn denied() -> Self {
        Self::because("This publicKey is not admitted.").caused_by(Cause::Denied)
    }

    /// `Close called.`: the relay stops.
    #[must_use]
    pub fn stopping() -> Self {
        Self::new(&CloseRequest::Close(None), Cause::Shutdown)
    }

    /// A breach of RFC 6455: its code and no text.
    #[must_use]
    pub fn violation(code: u16) -> Self {
        Self { code, reason: String::new(), cause: Cause::Violation }
    }

    /// The same to the client, with another cause.
    #[must_use]
    pub fn caused_by(self, cause: Cause) -> Self {
        Self { cause, ..self }
    }

    /// What the other half of a pair gets when one half has closed: always 1000, and the same reason
    /// (`spec/wire.md §3`).
    #[must_use]
    pub fn relayed(reason: &str) -> Self {
        Self { code: NORMAL, reason: cut(reason), cause: Cause::Partner }
    }

    /// A client sent more than it may before it is listened to.
    pub(super) fn queue_full() -> Self {
        Self::because(QUEUE_FULL)
    }

    fn new(request: &CloseRequest, cause: Cause) -> Self {
        Self { code: NORMAL, reason: request.reason(), cause }
    }
}
