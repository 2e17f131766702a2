//! The cipher with as little around it as possible: the encryption plugin in one buffer without a stack, its cipher, and that
//! of the audited crates.

use std::hint::black_box;
use std::time::Instant;

use crypto_secretbox::aead::{AeadInPlace, KeyInit};
use crypto_secretbox::{Nonce, XSalsa20Poly1305};
use ratatosk_benches::Contender;
use ratatosk_plugin::{Buffer, Direction, Failure, Host, Kind, Plugin};
use ratatosk_plugin_encryption::Encryption;
use ratatosk_plugin_encryption::secretbox::Secretbox;
use ratatosk_protocol::entropy::{Entropy, OsEntropy};
use ratatosk_protocol::plugin::NonceParity;

use crate::sets::KEY;

/// A host that takes no copy of what is emitted: it stays in the buffer.
struct InPlace;

impl Host for InPlace {
    fn emit(&mut self, _direction: Direction, _kind: Kind, data: &[u8]) {
        black_box(data);
    }

    fn random(&mut self, out: &mut [u8]) {
        OsEntropy.fill(out);
    }

    fn now_ms(&mut self) -> u64 {
        0
    }

    fn set_timer(&mut self, _at_ms: u64) {}
}

/// The linked plugin: padding, seal, open, and no copy but the one that brings the message.
pub(crate) fn linked(name: &str, message: &[u8]) -> Contender<'static> {
    let message = message.to_vec();
    let (mut one, mut other) = (Encryption::new(&KEY, NonceParity::Odd), Encryption::new(&KEY, NonceParity::Even));
    let mut buffer = Buffer::new();
    Contender::timed(name, move |times| {
        let failed = |Failure(text)| text;
        let began = Instant::now();
        for _ in 0..times {
            buffer.fill(black_box(&message));
            one.on_event(&mut InPlace, Direction::Outgoing, Kind::Binary, &mut buffer).map_err(failed)?;
            other.on_event(&mut InPlace, Direction::Incoming, Kind::Binary, &mut buffer).map_err(failed)?;
        }
        let took = began.elapsed();
        if buffer[..] == message[..] { Ok(took) } else { Err("what was opened is not what was sealed".into()) }
    })
}

/// The cipher of the plugin: seal and open, nothing else.
pub(crate) fn bare(name: &str, message: &[u8]) -> Contender<'static> {
    let (expected, mut message) = (message.to_vec(), message.to_vec());
    let cipher = Secretbox::new(&KEY);
    Contender::timed(name, move |times| {
        let began = Instant::now();
        for count in 0..u64::from(times) {
            let nonce = count.to_be_bytes();
            let tag = black_box(cipher.seal(nonce, black_box(&mut message)));
            black_box(cipher.open(nonce, &mut message, &tag)).map_err(|_| "cannot be opened")?;
        }
        let took = began.elapsed();
        if message == expected { Ok(took) } else { Err("what was opened is not what was sealed".into()) }
    })
}

/// `crypto_secretbox`: seal and open, nothing else.
pub(crate) fn audited(name: &str, message: &[u8]) -> Contender<'static> {
    let (expected, mut message) = (message.to_vec(), message.to_vec());
    Contender::timed(name, move |times| {
        let began = Instant::now();
        for count in 0..u64::from(times) {
            let cipher = XSalsa20Poly1305::new(black_box(&KEY).into());
            let mut nonce = Nonce::default();
            nonce[16..].copy_from_slice(&count.to_be_bytes());
            let tag = cipher.encrypt_in_place_detached(&nonce, &[], &mut message);
            let tag = black_box(tag).map_err(|error| error.to_string())?;
            let opened = cipher.decrypt_in_place_detached(&nonce, &[], &mut message, &tag);
            black_box(opened).map_err(|error| error.to_string())?;
        }
        let took = began.elapsed();
        if message == expected { Ok(took) } else { Err("what was opened is not what was sealed".into()) }
    })
}
