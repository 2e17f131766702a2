//! Hashes and base64 for URLs, as JWS has them (RFC 7515, RFC 7638).

use rustls::crypto::ring;
use serde_json::Value;

pub(crate) fn sha256(bytes: &[u8]) -> Vec<u8> {
    let suite = ring::cipher_suite::TLS13_AES_128_GCM_SHA256.tls13().unwrap();
    suite.common.hash_provider.hash(bytes).as_ref().to_vec()
}

/// RFC 7638.
pub(crate) fn thumbprint(jwk: &Value) -> String {
    let text = format!(r#"{{"crv":{},"kty":{},"x":{},"y":{}}}"#, jwk["crv"], jwk["kty"], jwk["x"], jwk["y"]);
    encode(&sha256(text.as_bytes()))
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Base64 for URLs, without padding.
fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().chain(&[0; 2]).take(3).fold(0, |bits, byte| bits << 8 | usize::from(*byte));
        text.extend((0..=chunk.len()).map(|place| char::from(ALPHABET[bits >> (18 - 6 * place) & 63])));
    }
    text
}

pub(crate) fn decode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for chunk in text.as_bytes().chunks(4) {
        let value = |byte: &u8| ALPHABET.iter().position(|known| known == byte).unwrap();
        let bits = chunk.iter().map(value).fold(0, |bits, value| bits << 6 | value) << (6 * (4 - chunk.len()));
        bytes.extend(bits.to_be_bytes()[5..].iter().take(chunk.len() - 1));
    }
    bytes
}
