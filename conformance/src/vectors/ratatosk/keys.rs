//! Keys and boxes.

use ratatosk_protocol::crypto::{SharedKey, boxed};
use ratatosk_protocol::key::{PublicKey, SecretKey};
use ratatosk_protocol::message::FirstMessage;
use ratatosk_protocol::message::Payload;

use super::{Script, answer};
use crate::vectors::{Answer, CheckKind, Hex};

pub(super) fn public_key(secret: &Hex) -> Answer {
    answer(secret_of(secret), |secret| Answer::Bytes(Hex(secret.public_key().as_bytes().to_vec())))
}

pub(super) fn shared_key(secret: &Hex, public: &Hex) -> Answer {
    answer(between(secret, public), |key| Answer::Bytes(Hex(key.expose().to_vec())))
}

pub(super) fn seal(secret: &Hex, public: &Hex, nonce: Hex, content: &Hex) -> Answer {
    let mut script = Script::of(nonce.0);
    let sealed = between(secret, public).map(|key| boxed::seal(&key, &content.0, &mut script));
    answer(sealed, |sealed| script.used_up(Answer::Bytes(Hex(sealed))))
}

pub(super) fn open(secret: &Hex, public: &Hex, boxed: &Hex) -> Answer {
    let opened = between(secret, public).and_then(|key| boxed::open(&key, &boxed.0).map_err(|error| error.to_string()));
    answer(opened, |content| Answer::Bytes(Hex(content)))
}

/// Where a type has a fixed size, the conversion into it is the check.
pub(super) fn check(kind: CheckKind, bytes: &Hex) -> Answer {
    match kind {
        CheckKind::PublicKey => {
            let frame = format!(r#"{{"command":"register","publicKey":"{}"}}"#, hex::encode(&bytes.0));
            answer(FirstMessage::parse(&Payload::text(frame)), |_| Answer::Flag(true))
        }
        CheckKind::SecretKey => answer(secret_of(bytes), |_| Answer::Flag(true)),
        CheckKind::SymmetricKey => answer(array::<32>(bytes).map(SharedKey::from_bytes), |_| Answer::Flag(true)),
        CheckKind::Nonce => answer(array::<24>(bytes), |_| Answer::Flag(true)),
        CheckKind::Salt => Answer::Unsupported("no key is made of a passphrase here".to_owned()),
    }
}

pub(super) fn between(secret: &Hex, public: &Hex) -> Result<SharedKey, String> {
    Ok(SharedKey::between(&secret_of(secret)?, &public_of(public)?))
}

pub(super) fn secret_of(bytes: &Hex) -> Result<SecretKey, String> {
    SecretKey::from_hex(&hex::encode(&bytes.0)).map_err(|error| error.to_string())
}

pub(super) fn public_of(bytes: &Hex) -> Result<PublicKey, String> {
    PublicKey::from_hex(&hex::encode(&bytes.0)).map_err(|error| error.to_string())
}

fn array<const N: usize>(bytes: &Hex) -> Result<[u8; N], String> {
    bytes.0.as_slice().try_into().map_err(|_| format!("{} bytes, not {N}", bytes.0.len()))
}
