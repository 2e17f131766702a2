//! Control messages as each receiver expects them.

use std::time::Duration;

use serde_json::Value;

use super::{Envelope, HexTextError, MessageError, Payload, hextext};
use crate::key::PublicKey;

/// The first message that a CommServer gets on a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FirstMessage {
    /// A listener wants to register this key.
    Register(PublicKey),
    /// A connector wants to reach a listener.
    CommunicationRequest(CommunicationRequest),
}

impl FirstMessage {
    /// Reads the first message.
    ///
    /// # Errors
    ///
    /// As the table of `spec/wire.md §6` says; a request whose target cannot be a key is not an error here, see
    /// [`CommunicationRequest::target`].
    pub fn parse(payload: &Payload) -> Result<Self, MessageError> {
        let envelope = Envelope::parse(payload)?;
        match envelope.command() {
            Some("register") => {
                let key = envelope.public_key.as_ref().ok_or(MessageError::NotClientMessage)?;
                hextext::public_key(key, MessageError::NotClientMessage).map(Self::Register)
            }
            Some("communication_request") => {
                CommunicationRequest::from_envelope(&envelope, MessageError::NotClientMessage)
                    .map(Self::CommunicationRequest)
            }
            Some("authentication_response") if envelope.response.is_some() => {
                Err(MessageError::UnexpectedClientMessage)
            }
            Some("comm_pong") => Err(MessageError::UnexpectedClientMessage),
            _ => Err(MessageError::NotClientMessage),
        }
    }
}

/// A connector's wish: who it is and whom it wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommunicationRequest {
    /// The connector's key.
    pub source: PublicKey,
    /// The listener's key, or what is wrong with it: no listener can have registered such a key.
    pub target: Result<PublicKey, HexTextError>,
}

impl CommunicationRequest {
    /// Reads the request that an acceptor gets.
    ///
    /// # Errors
    ///
    /// [`MessageError`] for another command, fields that are not hex, or a source that is not a key.
    pub fn parse(payload: &Payload) -> Result<Self, MessageError> {
        let envelope = Envelope::parse(payload)?;
        let expected = "communication_request";
        envelope.expect_command(expected)?;
        Self::from_envelope(&envelope, MessageError::FieldMismatch { expected })
    }

    fn from_envelope(envelope: &Envelope, mismatch: MessageError) -> Result<Self, MessageError> {
        let (source, target) = (envelope.source_public_key.as_ref(), envelope.target_public_key.as_ref());
        if !hextext::is_hex(source) || !hextext::is_hex(target) {
            return Err(mismatch);
        }
        let key = |value: Option<&Value>| PublicKey::from_hex(value.and_then(Value::as_str).unwrap_or_default());
        Ok(Self { source: key(source).map_err(HexTextError::from)?, target: key(target).map_err(HexTextError::from) })
    }
}

/// A listener's answer to the challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthenticationResponse {
    /// The box, of any length.
    pub response: Vec<u8>,
}

impl AuthenticationResponse {
    /// Reads the answer that a CommServer gets.
    ///
    /// # Errors
    ///
    /// [`MessageError`] for another command or a response that is not hex.
    pub fn parse(payload: &Payload) -> Result<Self, MessageError> {
        let envelope = Envelope::parse(payload)?;
        let expected = "authentication_response";
        envelope.expect_command(expected)?;
        let mismatch = MessageError::FieldMismatch { expected };
        let value = envelope.response.as_ref().ok_or_else(|| mismatch.clone())?;
        Ok(Self { response: hextext::bytes(value, mismatch)? })
    }
}

/// A CommServer's challenge to a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthenticationRequest {
    /// The server's key.
    pub server: PublicKey,
    /// The box, of any length.
    pub challenge: Vec<u8>,
}

impl AuthenticationRequest {
    /// Reads the challenge that a listener gets.
    ///
    /// # Errors
    ///
    /// [`MessageError`] for another command, a missing field, or a key that is none.
    pub fn parse(payload: &Payload) -> Result<Self, MessageError> {
        let envelope = Envelope::parse(payload)?;
        let expected = "authentication_request";
        envelope.expect_command(expected)?;
        let mismatch = MessageError::FieldMismatch { expected };
        let (Some(key), Some(challenge)) = (&envelope.public_key, &envelope.challenge) else {
            return Err(mismatch);
        };
        Ok(Self {
            server: hextext::public_key(key, mismatch.clone())?,
            challenge: hextext::bytes(challenge, mismatch)?,
        })
    }
}

/// The ping interval that a server means when it does not name a number.
const DEFAULT_PING_INTERVAL: Duration = Duration::from_secs(25);

/// The longest ping interval that a listener believes: above it a dead connection would never be noticed.
const MAX_PING_INTERVAL: Duration = Duration::from_secs(3600);

/// Reads the success message and gives its ping interval.
///
/// The reference requires the field but not its type. A value that is no number stands for the default of 25 s, and a
/// number is clamped to what a timer can mean.
///
/// # Errors
///
/// [`MessageError`] for another command or a missing field.
pub fn parse_authentication_success(payload: &Payload) -> Result<Duration, MessageError> {
    let envelope = Envelope::parse(payload)?;
    let expected = "authentication_success";
    envelope.expect_command(expected)?;
    let value = envelope.ping_interval.as_ref().ok_or(MessageError::FieldMismatch { expected })?;
    let Some(millis) = value.as_f64().filter(|millis| millis.is_finite()) else {
        return Ok(DEFAULT_PING_INTERVAL);
    };
    Ok(Duration::try_from_secs_f64(millis.max(0.0) / 1000.0).unwrap_or(MAX_PING_INTERVAL).min(MAX_PING_INTERVAL))
}

/// What a CommServer may send to a spare connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpareMessage {
    /// Are you there?
    Ping,
    /// From now on this is the connection to a peer.
    ConnectionHandover,
}

impl SpareMessage {
    /// Reads a message on a spare connection.
    ///
    /// # Errors
    ///
    /// [`MessageError`] for everything but the two.
    pub fn parse(payload: &Payload) -> Result<Self, MessageError> {
        let envelope = Envelope::parse(payload)?;
        match envelope.command() {
            Some("ping") => Ok(Self::Ping),
            _ => envelope.expect_command("connection_handover").map(|()| Self::ConnectionHandover),
        }
    }
}

/// Insists on `communication_ready`.
///
/// # Errors
///
/// [`MessageError`] for everything else.
pub fn expect_communication_ready(payload: &Payload) -> Result<(), MessageError> {
    Envelope::parse(payload)?.expect_command("communication_ready")
}

/// Whether a message is a pong. A binary one is not.
#[must_use]
pub fn is_pong(payload: &Payload) -> bool {
    Envelope::parse(payload).is_ok_and(|envelope| envelope.command() == Some("pong"))
}
