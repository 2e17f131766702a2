//! Control messages, and the registration that they make.

use std::time::Duration;

use ratatosk_protocol::crypto::SharedKey;
use ratatosk_protocol::crypto::challenge::{self, Challenge};
use ratatosk_protocol::message::{
    self, AuthenticationRequest, AuthenticationResponse, FirstMessage, MessageError, Payload, SpareMessage,
};

use super::keys::{between, public_of, secret_of};
use super::{Script, answer};
use crate::vectors::{Answer, Hex};

pub(super) fn is_hex(text: &str) -> Answer {
    let key = serde_json::Value::from(text);
    let frame = format!(r#"{{"command":"communication_request","sourcePublicKey":{key},"targetPublicKey":{key}}}"#);
    Answer::Flag(FirstMessage::parse(&Payload::text(frame)) != Err(MessageError::NotClientMessage))
}

pub(super) fn from_hex(text: &str) -> Answer {
    let response = serde_json::Value::from(text);
    let frame = format!(r#"{{"command":"authentication_response","response":{response}}}"#);
    answer(AuthenticationResponse::parse(&Payload::text(frame)), |parsed| Answer::Bytes(Hex(parsed.response)))
}

pub(super) fn register(public: &Hex) -> Answer {
    answer(public_of(public), |key| frame(message::register(&key)))
}

pub(super) fn challenge(secret: &Hex, public: &Hex, bytes: &Hex, nonce: &Hex) -> Answer {
    let issued = secret_of(secret).and_then(|secret| {
        let key = SharedKey::between(&secret, &public_of(public)?);
        Ok((secret.public_key(), issue(&key, bytes, nonce)))
    });
    answer(issued, |(server, (_, boxed, script))| {
        script.used_up(frame(message::authentication_request(&server, &boxed)))
    })
}

pub(super) fn response(secret: &Hex, text: String, nonce: Hex) -> Answer {
    let mut script = Script::of(nonce.0);
    let response = secret_of(secret).and_then(|secret| {
        let request = AuthenticationRequest::parse(&Payload::Text(text)).map_err(|error| error.to_string())?;
        let key = SharedKey::between(&secret, &request.server);
        challenge::respond(&key, &request.challenge, &mut script).map_err(|error| error.to_string())
    });
    answer(response, |response| script.used_up(frame(message::authentication_response(&response))))
}

pub(super) fn verify(secret: &Hex, public: &Hex, bytes: &Hex, text: String) -> Answer {
    let accepted = between(secret, public).and_then(|key| {
        let response = AuthenticationResponse::parse(&Payload::Text(text)).map_err(|error| error.to_string())?;
        let (challenge, ..) = issue(&key, bytes, &Hex(vec![0; 24]));
        challenge.accepts(&key, &response.response).map_err(|error| error.to_string())
    });
    answer(accepted, Answer::Flag)
}

pub(super) fn success(interval_ms: u64) -> Answer {
    frame(message::authentication_success(Duration::from_millis(interval_ms)))
}

/// Whether the text passes for a client's message; what is wrong with its fields comes after that.
pub(super) fn client_message(text: String) -> Answer {
    match FirstMessage::parse(&Payload::Text(text)) {
        Err(error @ MessageError::NotJson) => Answer::Error(error.to_string()),
        Err(MessageError::NotClientMessage) => Answer::Flag(false),
        Ok(_) | Err(_) => Answer::Flag(true),
    }
}

/// Likewise for a server's message.
pub(super) fn server_message(text: String) -> Answer {
    let payload = Payload::Text(text);
    let is_request = matches!(AuthenticationRequest::parse(&payload), Ok(_) | Err(MessageError::Hex(_)));
    let is_success = message::parse_authentication_success(&payload).is_ok();
    Answer::Flag(is_request || is_success || SpareMessage::parse(&payload).is_ok())
}

/// A challenge of these bytes; the challenge is drawn before its nonce.
fn issue(key: &SharedKey, bytes: &Hex, nonce: &Hex) -> (Challenge, Vec<u8>, Script) {
    let mut script = Script::of([bytes.0.as_slice(), &nonce.0].concat());
    let (challenge, boxed) = Challenge::issue(key, &mut script);
    (challenge, boxed, script)
}

fn frame(payload: Payload) -> Answer {
    match payload {
        Payload::Text(text) => Answer::Text(text),
        Payload::Binary(data) => Answer::Bytes(Hex(data.to_vec())),
    }
}
