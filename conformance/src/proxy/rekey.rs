//! The man in the middle of one encrypted connection.
//!
//! The session key is made of two temporary keys that are boxed with what the peers' long-term keys share (`spec/wire.md §3`).
//! Whoever only listens cannot compute it, even with every long-term secret. But who has *one* of them can compute what both
//! share, and so open the boxes and make others: each end gets a temporary key of the proxy's, which then has a session with
//! either. Every message keeps its counter, its padding and its length.

use std::fmt;

use ratatosk_protocol::crypto::{SharedKey, TAG_LEN, boxed};
use ratatosk_protocol::entropy::{Entropy, OsEntropy};
use ratatosk_protocol::key::{KEY_LEN, KeyPair, PublicKey};
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::padding::{self, FLAG_TEXT};
use ratatosk_protocol::plugin::nonce;
use ratatosk_protocol::text;

const NONCE_LEN: usize = boxed::OVERHEAD - TAG_LEN;

/// One of the two peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Connector,
    Acceptor,
}

/// Why a message could not be read. It is passed on as it is, and the receiver will say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// The keys were not exchanged in a way that the proxy understands.
    NoSession,
    /// Not made with the session key and the next counter.
    Undecryptable,
    /// The padding makes no sense. The message was passed on under the other key all the same.
    Padding,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSession => "no session with this key",
            Self::Undecryptable => "cannot be decrypted",
            Self::Padding => "malformed padding",
        })
    }
}

/// What the proxy shares with one peer.
struct Side {
    /// The temporary key that this peer gets.
    ours: KeyPair,
    /// The temporary key that this peer sent.
    theirs: Option<PublicKey>,
    session: Option<SharedKey>,
    /// The counter of the next message from this peer.
    counter: u64,
}

impl Side {
    fn new(counter: u64) -> Self {
        Self { ours: KeyPair::generate(&mut OsEntropy), theirs: None, session: None, counter }
    }
}

/// The keys of one connection.
pub(super) struct Rekey {
    long_term: SharedKey,
    connector: Side,
    acceptor: Side,
}

impl Rekey {
    pub(super) fn new(long_term: SharedKey) -> Self {
        Self { long_term, connector: Side::new(1), acceptor: Side::new(0) }
    }

    /// The side of the sender and that of the receiver.
    fn sides(&mut self, from: End) -> (&mut Side, &mut Side) {
        match from {
            End::Connector => (&mut self.connector, &mut self.acceptor),
            End::Acceptor => (&mut self.acceptor, &mut self.connector),
        }
    }

    /// Replaces a key message; `None` if it is none, and has to go on as it is.
    pub(super) fn key_message(&mut self, from: End, message: &[u8]) -> Option<Vec<u8>> {
        let plain = boxed::open(&self.long_term, message).ok()?;
        let theirs = PublicKey::from_bytes(<[u8; KEY_LEN]>::try_from(plain).ok()?).ok()?;
        let (sender, receiver) = self.sides(from);
        sender.theirs = Some(theirs);
        let ours = *receiver.ours.public();
        for side in [&mut self.connector, &mut self.acceptor] {
            side.session = side.theirs.map(|theirs| SharedKey::between(side.ours.secret(), &theirs));
        }
        Some(boxed::seal(&self.long_term, ours.as_bytes(), &mut OsEntropy))
    }

    /// Opens a message and closes it again for the receiver; without the latter it has to go on as it is.
    pub(super) fn message(&mut self, from: End, sealed: &[u8]) -> (Option<Vec<u8>>, Result<Payload, Unreadable>) {
        let (sender, receiver) = self.sides(from);
        let (Some(ours), Some(theirs)) = (&sender.session, &receiver.session) else {
            return (None, Err(Unreadable::NoSession));
        };
        let nonce = nonce(sender.counter);
        // It advances even if the message is bad, as it does at the receiver.
        sender.counter = sender.counter.saturating_add(2);
        let Ok(nonce) = nonce else { return (None, Err(Unreadable::Undecryptable)) };
        let Ok(plain) = boxed::open(ours, &[&nonce[..], sealed].concat()) else {
            return (None, Err(Unreadable::Undecryptable));
        };
        let mut resealed = boxed::seal(theirs, &plain, &mut Chosen(nonce));
        resealed.drain(..NONCE_LEN);
        (Some(resealed), unpad(&plain).ok_or(Unreadable::Padding))
    }
}

fn unpad(plain: &[u8]) -> Option<Payload> {
    let (start, flags) = padding::remove(plain).ok()?;
    let value = plain.get(start..)?;
    Some(if flags & FLAG_TEXT == 0 { Payload::binary(value.to_vec()) } else { Payload::text(text::decode(value)) })
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

    /// A peer of the test, with what it takes to read and write.
    struct Peer {
        long_term: SharedKey,
        temporary: KeyPair,
        session: Option<SharedKey>,
    }

    impl Peer {
        fn key_message(&self) -> Vec<u8> {
            boxed::seal(&self.long_term, self.temporary.public().as_bytes(), &mut OsEntropy)
        }

        fn take(&mut self, message: &[u8]) {
            let key: [u8; KEY_LEN] = boxed::open(&self.long_term, message).unwrap().try_into().unwrap();
            self.session = Some(SharedKey::between(self.temporary.secret(), &PublicKey::from_bytes(key).unwrap()));
        }

        fn seal(&self, counter: u64, padded: &[u8]) -> Vec<u8> {
            let sealed = boxed::seal(self.session.as_ref().unwrap(), padded, &mut Chosen(nonce(counter).unwrap()));
            sealed[NONCE_LEN..].to_vec()
        }

        fn open(&self, counter: u64, sealed: &[u8]) -> Option<Vec<u8>> {
            boxed::open(self.session.as_ref().unwrap(), &[&nonce(counter).unwrap()[..], sealed].concat()).ok()
        }
    }

    fn met() -> (Rekey, Peer, Peer) {
        let [connector, listener] = std::array::from_fn(|_| KeyPair::generate(&mut OsEntropy));
        let long_term = SharedKey::between(connector.secret(), listener.public());
        let peer =
            || Peer { long_term: long_term.clone(), temporary: KeyPair::generate(&mut OsEntropy), session: None };
        let (mut connector, mut acceptor) = (peer(), peer());
        let mut rekey = Rekey::new(long_term.clone());
        acceptor.take(&rekey.key_message(End::Connector, &connector.key_message()).unwrap());
        connector.take(&rekey.key_message(End::Acceptor, &acceptor.key_message()).unwrap());
        (rekey, connector, acceptor)
    }

    #[test]
    fn messages_keep_counter_padding_and_length() {
        let (mut rekey, connector, acceptor) = met();
        assert_ne!(connector.session.as_ref().unwrap().expose(), acceptor.session.as_ref().unwrap().expose());
        for (step, padded) in [&b"\x10hello"[..], b"\x01\x02..data"].into_iter().enumerate() {
            let even = step as u64 * 2;
            let sealed = connector.seal(even + 1, padded);
            let (passed, plain) = rekey.message(End::Connector, &sealed);
            assert_eq!(plain, Ok([Payload::text("hello"), Payload::binary(b"data".to_vec())][step].clone()));
            let passed = passed.unwrap();
            assert_eq!(passed.len(), sealed.len());
            assert_eq!(acceptor.open(even + 1, &passed).as_deref(), Some(padded));
            let (passed, _) = rekey.message(End::Acceptor, &acceptor.seal(even, padded));
            assert_eq!(connector.open(even, &passed.unwrap()).as_deref(), Some(padded));
        }
    }

    #[test]
    fn what_is_wrong_for_the_receiver_stays_wrong() {
        let (mut rekey, connector, acceptor) = met();
        let mut tampered = connector.seal(1, b"\x10a");
        tampered[3] ^= 1;
        assert_eq!(rekey.message(End::Connector, &tampered), (None, Err(Unreadable::Undecryptable)));
        assert_eq!(acceptor.open(1, &tampered), None);
        // The counter has gone on all the same; a replay is behind it.
        let second = connector.seal(3, b"\x10b");
        assert_eq!(rekey.message(End::Connector, &second).1, Ok(Payload::text("b")));
        assert_eq!(rekey.message(End::Connector, &second), (None, Err(Unreadable::Undecryptable)));
        let (passed, plain) = rekey.message(End::Acceptor, &acceptor.seal(0, b"\x0f"));
        assert_eq!(plain, Err(Unreadable::Padding));
        assert_eq!(connector.open(0, &passed.unwrap()).as_deref(), Some(&b"\x0f"[..]));
    }

    #[test]
    fn no_session_without_two_keys() {
        let [connector, listener] = std::array::from_fn(|_| KeyPair::generate(&mut OsEntropy));
        let long_term = SharedKey::between(connector.secret(), listener.public());
        let mut rekey = Rekey::new(long_term.clone());
        for content in [&[1; 31][..], &[0; 32]] {
            assert_eq!(rekey.key_message(End::Connector, &boxed::seal(&long_term, content, &mut OsEntropy)), None);
        }
        assert_eq!(rekey.key_message(End::Connector, b"short"), None);
        assert_eq!(rekey.message(End::Connector, b"whatever"), (None, Err(Unreadable::NoSession)));
    }
}
