//! The scripted side's cryptography, built of boxes with known nonces so that it can also do what no peer does.

use bytes::Bytes;
use ratatosk_protocol::crypto::{SharedKey, TAG_LEN, boxed};
use ratatosk_protocol::entropy::{Entropy, OsEntropy};
use ratatosk_protocol::key::{KEY_LEN, KeyPair, PublicKey};
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::padding::{self, FLAG_TEXT};
use ratatosk_protocol::phase::Role;
use ratatosk_protocol::plugin::{NonceParity, nonce};
use ratatosk_protocol::text;

const NONCE_LEN: usize = boxed::OVERHEAD - TAG_LEN;

/// The keys of one run: fresh, so that scripts that run side by side do not meet.
pub(super) struct Keys {
    pub(super) listener: KeyPair,
    pub(super) connector: KeyPair,
    pub(super) other: KeyPair,
    pub(super) server: KeyPair,
    /// The key of a peer under test that has one of its own: in place of the listener's or the connector's.
    pub(super) own: Option<(Role, PublicKey)>,
}

impl Keys {
    pub(super) fn generate() -> Self {
        let pair = || KeyPair::generate(&mut OsEntropy);
        Self { listener: pair(), connector: pair(), other: pair(), server: pair(), own: None }
    }

    /// Under which key the listener is known.
    pub(super) fn listener_key(&self) -> &PublicKey {
        match &self.own {
            Some((Role::Listener, key)) => key,
            _ => self.listener.public(),
        }
    }

    /// Under which key the connector is known.
    pub(super) fn connector_key(&self) -> &PublicKey {
        match &self.own {
            Some((Role::Initiator, key)) => key,
            _ => self.connector.public(),
        }
    }

    /// What the scripted side shares with the peer under test.
    pub(super) fn long_term(&self, sends: NonceParity) -> SharedKey {
        match sends {
            NonceParity::Odd => SharedKey::between(self.connector.secret(), self.listener_key()),
            NonceParity::Even => SharedKey::between(self.listener.secret(), self.connector_key()),
        }
    }

    /// What somebody else shares with the peer under test.
    pub(super) fn of_other(&self, sends: NonceParity) -> SharedKey {
        let theirs = match sends {
            NonceParity::Odd => self.listener_key(),
            NonceParity::Even => self.connector_key(),
        };
        SharedKey::between(self.other.secret(), theirs)
    }
}

/// One connection's keys and counters.
pub(super) struct Cipher {
    long_term: SharedKey,
    ephemeral: KeyPair,
    key: Option<SharedKey>,
    send: u64,
    receive: u64,
}

impl Cipher {
    /// `sends` is the parity of the scripted side.
    pub(super) fn new(keys: &Keys, sends: NonceParity) -> Self {
        let (send, receive) = match sends {
            NonceParity::Even => (0, 1),
            NonceParity::Odd => (1, 0),
        };
        let ephemeral = KeyPair::generate(&mut OsEntropy);
        Self { long_term: keys.long_term(sends), ephemeral, key: None, send, receive }
    }

    /// The key message.
    pub(super) fn key_message(&self) -> Vec<u8> {
        boxed::seal(&self.long_term, self.ephemeral.public().as_bytes(), &mut OsEntropy)
    }

    /// A key message with other content.
    pub(super) fn key_message_of(&self, content: &[u8]) -> Vec<u8> {
        boxed::seal(&self.long_term, content, &mut OsEntropy)
    }

    /// Takes the other end's key message; `None` if it is none.
    pub(super) fn take_key(&mut self, message: &[u8]) -> Option<()> {
        let plain = boxed::open(&self.long_term, message).ok()?;
        let theirs = PublicKey::from_bytes(<[u8; KEY_LEN]>::try_from(plain).ok()?).ok()?;
        self.key = Some(SharedKey::between(self.ephemeral.secret(), &theirs));
        Some(())
    }

    /// Encrypts with the next nonce and as little padding as there can be.
    pub(super) fn seal(&mut self, payload: &Payload) -> Option<Bytes> {
        self.seal_padded(&pad(payload))
    }

    /// Encrypts what is padded already.
    pub(super) fn seal_padded(&mut self, padded: &[u8]) -> Option<Bytes> {
        let frame = self.seal_at(self.send, padded);
        self.send += 2;
        frame
    }

    /// Encrypts with the nonce that the other end would use.
    pub(super) fn seal_wrong_parity(&mut self, payload: &Payload) -> Option<Bytes> {
        self.seal_at(self.send ^ 1, &pad(payload))
    }

    fn seal_at(&self, counter: u64, padded: &[u8]) -> Option<Bytes> {
        let nonce = nonce(counter).ok()?;
        let frame = boxed::seal(self.key.as_ref()?, padded, &mut Chosen(nonce));
        Some(Bytes::from(frame).slice(NONCE_LEN..))
    }

    /// Decrypts, once there is a key: `None` before.
    pub(super) fn open(&mut self, frame: &[u8]) -> Option<Result<Payload, String>> {
        let key = self.key.as_ref()?;
        let counter = self.receive;
        self.receive += 2;
        Some(open_at(key, counter, frame))
    }
}

fn open_at(key: &SharedKey, counter: u64, frame: &[u8]) -> Result<Payload, String> {
    let nonce = nonce(counter).map_err(|error| error.to_string())?;
    let plain = boxed::open(key, &[&nonce[..], frame].concat()).map_err(|error| error.to_string())?;
    let (start, flags) = padding::remove(&plain).map_err(|error| error.to_string())?;
    let value = &plain[start..];
    Ok(if flags & FLAG_TEXT == 0 { Payload::binary(value.to_vec()) } else { Payload::text(text::decode(value)) })
}

fn pad(payload: &Payload) -> Vec<u8> {
    let (flags, value) = match payload {
        Payload::Text(text) => (FLAG_TEXT, text.as_bytes()),
        Payload::Binary(data) => (0, &data[..]),
    };
    [&[flags << 4], value].concat()
}

/// Randomness that is none: a nonce that was chosen.
struct Chosen([u8; NONCE_LEN]);

impl Entropy for Chosen {
    fn fill(&mut self, buffer: &mut [u8]) {
        for (to, from) in buffer.iter_mut().zip(self.0) {
            *to = from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (Cipher, Cipher) {
        let keys = Keys::generate();
        let mut connector = Cipher::new(&keys, NonceParity::Odd);
        let mut acceptor = Cipher::new(&keys, NonceParity::Even);
        assert_eq!(acceptor.take_key(&connector.key_message()), Some(()));
        assert_eq!(connector.take_key(&acceptor.key_message()), Some(()));
        (connector, acceptor)
    }

    #[test]
    fn both_ends_understand_each_other() {
        let (mut connector, mut acceptor) = pair();
        for payload in [Payload::text("hello"), Payload::binary(vec![]), Payload::text("")] {
            let frame = connector.seal(&payload).unwrap();
            assert_eq!(frame.len(), TAG_LEN + 1 + payload.len());
            assert_eq!(acceptor.open(&frame), Some(Ok(payload.clone())));
            let frame = acceptor.seal(&payload).unwrap();
            assert_eq!(connector.open(&frame), Some(Ok(payload)));
        }
    }

    #[test]
    fn a_frame_opens_once_and_in_its_place() {
        let (mut connector, mut acceptor) = pair();
        let wrong = connector.seal_wrong_parity(&Payload::text("x")).unwrap();
        let right = connector.seal(&Payload::text("x")).unwrap();
        assert!(matches!(acceptor.open(&wrong), Some(Err(_))));
        assert!(matches!(acceptor.open(&right), Some(Err(_))), "it has the first nonce, and the second one is due");
    }

    #[test]
    fn somebody_elses_key_message_is_none() {
        let keys = Keys::generate();
        let mut acceptor = Cipher::new(&keys, NonceParity::Even);
        let message = boxed::seal(&keys.of_other(NonceParity::Odd), &[1; 32], &mut OsEntropy);
        assert_eq!(acceptor.take_key(&message), None);
        let connector = Cipher::new(&keys, NonceParity::Odd);
        assert_eq!(acceptor.take_key(&connector.key_message_of(&[1; 31])), None);
        assert!(acceptor.seal(&Payload::text("x")).is_none());
    }
}
