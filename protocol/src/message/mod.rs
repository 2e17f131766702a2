//! The control messages between peers and CommServer: JSON objects in text messages (`spec/wire.md §1–3`).
//!
//! Reading is as lenient as the reference where peers rely on it: white space, extra fields, key order and duplicate keys
//! (the last one wins) do not matter. Everything else is refused with the text that the reference would put into its
//! close reason.

mod envelope;
mod error;
mod hextext;
mod incoming;
mod outgoing;

pub use envelope::{Envelope, MAX_CONTROL_LEN};
pub use error::{JsErrorClass, MessageError};
pub use hextext::HexTextError;
pub use incoming::{
    AuthenticationRequest, AuthenticationResponse, CommunicationRequest, FirstMessage, expect_communication_ready,
    is_pong,
};
pub use incoming::{SpareMessage, parse_authentication_success};
pub use outgoing::{
    COMMUNICATION_READY, CONNECTION_HANDOVER, PING, PONG, authentication_request, authentication_response,
    authentication_success, communication_request, register,
};

/// The payload of one WebSocket message.
#[derive(Clone, PartialEq, Eq)]
pub enum Payload {
    /// A text message. A lone surrogate of the reference arrives here as U+FFFD, as it does on the wire.
    Text(String),
    /// A binary message.
    Binary(bytes::Bytes),
}

impl Payload {
    /// A text message.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A binary message.
    pub fn binary(data: impl Into<bytes::Bytes>) -> Self {
        Self::Binary(data.into())
    }

    /// Bytes on the wire, without frame headers.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(data) => data.len(),
        }
    }

    /// Whether the message has no content. An empty message is a message all the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Shows kind and size only: content may be private.
impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({} B)", text.len()),
            Self::Binary(data) => write!(f, "Binary({} B)", data.len()),
        }
    }
}
