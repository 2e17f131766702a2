//! How a WebSocket connection ends.

use std::fmt;

use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

/// Code and reason of a close frame; 1005 stands for one without a code, 1006 for none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) code: u16,
    pub(crate) reason: String,
}

impl End {
    /// The end of TCP without a close frame.
    pub(crate) fn lost() -> Self {
        Self { code: 1006, reason: String::new() }
    }

    /// What a close frame says.
    pub(crate) fn of(frame: Option<CloseFrame>) -> Self {
        let said = |frame: CloseFrame| Self { code: frame.code.into(), reason: frame.reason.as_str().to_owned() };
        frame.map_or(Self { code: 1005, reason: String::new() }, said)
    }

    /// The message that starts a closing handshake; `None` is a close frame without a code.
    pub(crate) fn message(end: Option<Self>) -> Message {
        Message::Close(end.map(|end| CloseFrame { code: end.code.into(), reason: end.reason.into() }))
    }
}

/// As it is written in reports and lists of deviations. Not escaped.
impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason.as_str() {
            "" => write!(f, "close {}", self.code),
            reason => write!(f, "close {} {reason}", self.code),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_by_its_frame() {
        let end = End { code: 1000, reason: "bye".to_owned() };
        let Message::Close(frame) = End::message(Some(end.clone())) else { panic!("no close frame") };
        assert_eq!(End::of(frame), end);
        assert_eq!(End::of(None).to_string(), "close 1005");
        assert_eq!((end.to_string().as_str(), End::lost().to_string().as_str()), ("close 1000 bye", "close 1006"));
    }
}
