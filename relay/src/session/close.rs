//! A close as the relay asks for it.

use std::fmt::Display;

use ratatosk_protocol::close::{CloseRequest, NORMAL, cut};

use super::QUEUE_FULL;

/// The content of a close frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    /// The WebSocket close code.
    pub code: u16,
    /// At most 123 bytes.
    pub reason: String,
}

impl Close {
    /// `Close called: text`: the client did something wrong, or what it wants cannot be had.
    #[must_use]
    pub fn because(text: impl Display) -> Self {
        Self::from(&CloseRequest::because(text.to_string()))
    }

    /// `Terminate called: text`: a timer ran out.
    #[must_use]
    pub fn timed_out(text: &str) -> Self {
        Self::from(&CloseRequest::Terminate(text.to_owned()))
    }

    /// `Close called.`: the relay stops.
    #[must_use]
    pub fn stopping() -> Self {
        Self::from(&CloseRequest::Close(None))
    }

    /// What the other half of a pair gets when one half has closed: always 1000, and the same reason
    /// (`spec/wire.md §3`).
    #[must_use]
    pub fn relayed(reason: &str) -> Self {
        Self { code: NORMAL, reason: cut(reason) }
    }

    /// A client sent more than it may before it is listened to.
    pub(super) fn queue_full() -> Self {
        Self::because(QUEUE_FULL)
    }
}

impl From<&CloseRequest> for Close {
    fn from(request: &CloseRequest) -> Self {
        Self { code: NORMAL, reason: request.reason() }
    }
}
