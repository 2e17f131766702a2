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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::close::CloseRequest;
    use crate::plugin::SendError;
    use crate::plugin::testing::open;

    fn plugin(sends: NonceParity) -> Encryption {
        Encryption::new(SharedKey::from_bytes([5; 32]), sends)
    }

    #[test]
    fn a_nonce_is_never_used_twice() {
        let last = Encryption { send: MAX_NONCE_COUNTER - 1, ..plugin(NonceParity::Odd) };
        let (mut stack, now) = open(vec![Box::new(last)]);
        assert_eq!(stack.send(now, Payload::text("last")), Ok(()));
        assert!(matches!(stack.send(now, Payload::text("one too many")), Err(SendError::Plugin(_))));
        assert!(matches!(stack.poll_transmit(), Some(Outgoing::Message(Payload::Binary(_)))));
        let close = CloseRequest::because("Nonce counter reached its maximum value.");
        assert_eq!(stack.poll_transmit(), Some(Outgoing::Close(close)));
        assert_eq!(stack.poll_transmit(), None);
    }

    #[test]
    fn equal_messages_make_different_frames() {
        let (mut stack, now) = open(vec![Box::new(plugin(NonceParity::Even))]);
        let frames = [(); 2].map(|()| {
            stack.send(now, Payload::text("same")).unwrap();
            stack.poll_transmit()
        });
        assert_ne!(frames[0], frames[1]);
    }

    #[test]
    fn a_shared_buffer_is_not_decrypted_in_place() {
        let (mut from, now) = open(vec![Box::new(plugin(NonceParity::Even))]);
        from.send(now, Payload::text("hello")).unwrap();
        let Some(Outgoing::Message(Payload::Binary(frame))) = from.poll_transmit() else { panic!("no frame") };
        let copy = frame.to_vec();
        let (mut to, _) = open(vec![Box::new(plugin(NonceParity::Odd))]);
        to.handle_incoming(now, Incoming::Message(Payload::Binary(frame.clone())));
        assert_eq!(to.poll_event(), Some(Incoming::Message(Payload::text("hello"))));
        assert_eq!(frame, copy);
    }

    #[test]
    fn the_key_is_not_printed() {
        assert!(format!("{:?}", plugin(NonceParity::Odd)).contains("SharedKey(…)"));
    }
}
