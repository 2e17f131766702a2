//! Encryption: XSalsa20-Poly1305 with counter nonces, random padding, text flag (`spec/wire.md §4`).

use bytes::{BufMut, Bytes, BytesMut};

use super::{Context, Incoming, Layer, Outgoing, Plugin, PluginError};
use crate::crypto::{SharedKey, TAG_LEN};
use crate::entropy::array;
use crate::message::Payload;
use crate::padding::{self, FLAG_TEXT, PaddingError};
use crate::text;

/// From this value on a nonce counter is not used any more: 2^53 − 2.
pub const MAX_NONCE_COUNTER: u64 = (1 << 53) - 2;

/// Bytes that the reference keeps in front of a decrypted message; they count in the offset of one of its error texts.
const REFERENCE_HEADROOM: u64 = 32;

/// Which nonces one end sends with. The other end uses the other ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NonceParity {
    /// 0, 2, 4 …: the acceptor.
    Even,
    /// 1, 3, 5 …: the connector.
    Odd,
}

/// The encryption plugin of one connection. Its key is wiped when it is dropped.
#[derive(Debug)]
pub struct Encryption {
    key: SharedKey,
    send: u64,
    receive: u64,
}

impl Encryption {
    /// Starts both counters.
    #[must_use]
    pub fn new(key: SharedKey, sends: NonceParity) -> Self {
        let (send, receive) = match sends {
            NonceParity::Even => (0, 1),
            NonceParity::Odd => (1, 0),
        };
        Self { key, send, receive }
    }

    /// The nonce for a counter: 16 zero bytes and the counter, big-endian.
    ///
    /// # Errors
    ///
    /// From [`MAX_NONCE_COUNTER`] on.
    pub fn nonce(counter: u64) -> Result<[u8; 24], PluginError> {
        if counter >= MAX_NONCE_COUNTER {
            return Err(PluginError::new("Nonce counter reached its maximum value."));
        }
        let mut nonce = [0; 24];
        nonce[16..].copy_from_slice(&counter.to_be_bytes());
        Ok(nonce)
    }

    fn seal(&mut self, cx: &mut Context<'_>, value: &[u8], flags: u8) -> Result<Bytes, PluginError> {
        let nonce = Self::nonce(self.send)?;
        let [random] = array::<1>(cx.entropy());
        let total = value.len() + 1 + usize::from(random);
        let mut frame = BytesMut::with_capacity(TAG_LEN + total);
        frame.put_bytes(0, TAG_LEN);
        padding::add(&mut frame, value, total, flags, cx.entropy()).map_err(PluginError::new)?;
        self.key.seal_in_place(&nonce, &mut frame);
        self.send += 2;
        Ok(frame.freeze())
    }

    fn open(&mut self, frame: Bytes) -> Result<Payload, PluginError> {
        let nonce = Self::nonce(self.receive)?;
        // The counter advances even if the frame is bad, as in the reference.
        self.receive += 2;
        let mut frame = frame.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&shared[..]));
        let plain = self.key.open_in_place(&nonce, &mut frame);
        let plain = plain.ok_or_else(|| PluginError::new("Decryption of message failed."))?;
        let (start, flags) = padding::remove(plain).map_err(|error| match error {
            PaddingError::OutOfBounds { offset } => {
                PluginError::new(PaddingError::OutOfBounds { offset: offset + REFERENCE_HEADROOM })
            }
            other => PluginError::new(other),
        })?;
        if flags & FLAG_TEXT != 0 {
            return Ok(Payload::Text(text::decode(&plain[start..])));
        }
        Ok(Payload::Binary(frame.freeze().slice(TAG_LEN + start..)))
    }
}

impl Plugin for Encryption {
    fn name(&self) -> &str {
        "encryption"
    }

    fn layer(&self) -> Layer {
        Layer::Encryption
    }

    fn incoming(&mut self, cx: &mut Context<'_>, event: Incoming) -> Result<(), PluginError> {
        let event = match event {
            Incoming::Message(Payload::Binary(frame)) => Incoming::Message(self.open(frame)?),
            Incoming::Message(Payload::Text(_)) => {
                return Err(PluginError::new("Incoming encrypted message is a string, it needs to be binary"));
            }
            other => other,
        };
        cx.rise(event);
        Ok(())
    }

    fn outgoing(&mut self, cx: &mut Context<'_>, event: Outgoing) -> Result<(), PluginError> {
        let event = match event {
            Outgoing::Message(Payload::Text(text)) => {
                Outgoing::Message(Payload::Binary(self.seal(cx, text.as_bytes(), FLAG_TEXT)?))
            }
            Outgoing::Message(Payload::Binary(data)) => Outgoing::Message(Payload::Binary(self.seal(cx, &data, 0)?)),
            other => other,
        };
        cx.sink(event);
        Ok(())
    }
}
