//! Control messages as they are written: these bytes, in this order of fields (`spec/wire.md §2–3`).

use std::time::Duration;

use super::Payload;
use crate::key::PublicKey;

/// A CommServer asks whether a spare is alive.
pub const PING: &str = r#"{"command":"ping"}"#;
/// A listener says that its spare is.
pub const PONG: &str = r#"{"command":"pong"}"#;
/// A CommServer hands a spare over.
pub const CONNECTION_HANDOVER: &str = r#"{"command":"connection_handover"}"#;
/// An acceptor is ready for the key exchange.
pub const COMMUNICATION_READY: &str = r#"{"command":"communication_ready"}"#;

/// A listener registers its key.
#[must_use]
pub fn register(key: &PublicKey) -> Payload {
    Payload::Text(format!(r#"{{"command":"register","publicKey":"{key}"}}"#))
}

/// A CommServer challenges a listener.
#[must_use]
pub fn authentication_request(server: &PublicKey, challenge: &[u8]) -> Payload {
    let challenge = hex::encode(challenge);
    Payload::Text(format!(r#"{{"command":"authentication_request","publicKey":"{server}","challenge":"{challenge}"}}"#))
}

/// A listener answers the challenge.
#[must_use]
pub fn authentication_response(response: &[u8]) -> Payload {
    let response = hex::encode(response);
    Payload::Text(format!(r#"{{"command":"authentication_response","response":"{response}"}}"#))
}

/// A CommServer accepts a registration and says how often it will ping.
#[must_use]
pub fn authentication_success(ping_interval: Duration) -> Payload {
    let millis = ping_interval.as_millis();
    Payload::Text(format!(r#"{{"command":"authentication_success","pingInterval":{millis}}}"#))
}

/// A connector names itself and the listener that it wants; a CommServer repeats it in exactly this form.
#[must_use]
pub fn communication_request(source: &PublicKey, target: &PublicKey) -> Payload {
    Payload::Text(format!(
        r#"{{"command":"communication_request","sourcePublicKey":"{source}","targetPublicKey":"{target}"}}"#
    ))
}
