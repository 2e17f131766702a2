//! Why a socket has no more messages.

use crate::frame::Fault;
use crate::session::Cause;

/// Why a socket has no more messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The client closed it, and this is its reason. The answer is queued: the same code and reason.
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

impl From<Fault> for Ended {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Violation => Self::Violation,
            Fault::NotUtf8 => Self::NotUtf8,
            Fault::TooLarge => Self::TooLarge,
        }
    }
}

impl Ended {
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

    /// The same as one of the causes that are counted.
    pub(crate) fn cause(&self) -> Cause {
        match self {
            Self::Closed { .. } => Cause::ClientClosed,
            Self::Aborted => Cause::Aborted,
            Self::TooLarge | Self::NotUtf8 | Self::Violation => Cause::Violation,
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
