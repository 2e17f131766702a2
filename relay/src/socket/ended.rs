//! Why a socket has no more messages.

use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// The library's words for a close code that nobody may send (RFC 6455 §7.4).
const FORBIDDEN_CODE: &str = "Protocol violation";

/// Why a socket has no more messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The client closed it, and this is its reason. The answer is queued by the library: the same code and reason.
    Closed {
        /// At most 123 bytes, chosen by the client: not for a log.
        reason: String,
    },
    /// The connection broke, or ended without a close frame.
    Aborted,
    /// A message was larger than the client may send.
    TooLarge,
    /// A text was not UTF-8.
    NotUtf8,
    /// The client broke the rules of RFC 6455.
    Violation,
}

impl Ended {
    /// The library puts a frame of its own, always the same, in the place of one with a code that nobody may send.
    pub(super) fn closed(frame: Option<&CloseFrame>) -> Self {
        if frame.is_some_and(|frame| frame.code == CloseCode::Protocol && frame.reason.as_str() == FORBIDDEN_CODE) {
            return Self::Violation;
        }
        Self::Closed { reason: frame.map(|frame| frame.reason.as_str().to_owned()).unwrap_or_default() }
    }

    pub(super) fn failed(error: &Error) -> Self {
        match error {
            Error::Capacity(_) => Self::TooLarge,
            Error::Utf8(_) => Self::NotUtf8,
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Self::Aborted,
            Error::Protocol(_) => Self::Violation,
            _ => Self::Aborted,
        }
    }

    /// The code that the client is closed with, if it is still there to be told (RFC 6455 §7.4.1).
    pub(super) fn answer(&self) -> Option<u16> {
        match self {
            Self::Closed { .. } | Self::Aborted => None,
            Self::TooLarge => Some(1009),
            Self::NotUtf8 => Some(1007),
            Self::Violation => Some(1002),
        }
    }

    /// The reason that the other half of a pair is told.
    pub(crate) fn relayed_reason(&self) -> &str {
        match self {
            Self::Closed { reason } => reason,
            _ => "",
        }
    }

    /// A word for logs.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Closed { .. } => "closed",
            Self::Aborted => "aborted",
            Self::TooLarge => "message too large",
            Self::NotUtf8 => "text not UTF-8",
            Self::Violation => "protocol violation",
        }
    }
}
