//! What is wrong with a control message, in the words of the reference's close reasons.

use super::HexTextError;

/// The JavaScript class that the reference's clients print in front of an error. Servers do not print it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsErrorClass {
    /// `Error: `
    Error,
    /// `RangeError: `
    RangeError,
}

/// Why a control message was refused.
///
/// `Display` gives the text that a CommServer closes with; [`MessageError::client_text`] that of a peer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// A binary message where a control message is due.
    #[error("Received message that is not a string message.")]
    NotText,
    /// A text message where a key is due.
    #[error("Received message that is not a binary message.")]
    NotBinary,
    /// Longer than [`super::MAX_CONTROL_LEN`].
    #[error("Received message that is longer than a control message can be.")]
    TooLong,
    /// Not JSON. The reference appends its parser's words, which are no part of the protocol.
    #[error("Received message that does not conform to JSON: SyntaxError")]
    NotJson,
    /// The first message to a CommServer is none that a client may send.
    #[error("Received data does not match the data of a client message.")]
    NotClientMessage,
    /// A client message, but not one to begin with.
    #[error("Received unexpected or malformed message from client.")]
    UnexpectedClientMessage,
    /// JSON without a command.
    #[error("Received message without a 'command' member.")]
    NoCommand,
    /// Another command than the one that is due.
    #[error("Received unexpected type '{received}'. Expected type '{expected}'.")]
    UnexpectedCommand {
        /// What the peer sent, cut to the length of a reason. Not to be logged unescaped.
        received: String,
        /// The command that was due.
        expected: &'static str,
    },
    /// The right command with wrong fields.
    #[error("Received data does not match the data expected for command '{expected}'")]
    FieldMismatch {
        /// The command.
        expected: &'static str,
    },
    /// A field that should be hex, or a key.
    #[error(transparent)]
    Hex(#[from] HexTextError),
}

impl MessageError {
    /// The text that a listener, connector or acceptor closes with: the class first (`spec/wire.md §6`).
    #[must_use]
    pub fn client_text(&self) -> String {
        let class = match self {
            Self::Hex(error) => error.class(),
            _ => JsErrorClass::Error,
        };
        match class {
            JsErrorClass::Error => format!("Error: {self}"),
            JsErrorClass::RangeError => format!("RangeError: {self}"),
        }
    }
}
