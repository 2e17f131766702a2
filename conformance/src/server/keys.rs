//! The keys of one run, and the answers to challenges.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use ratatosk_protocol::crypto::{SharedKey, boxed, challenge};
use ratatosk_protocol::entropy::OsEntropy;
use ratatosk_protocol::key::{KeyPair, PublicKey};

use crate::scenario::template::{Answer, KeyName, Slot, Values};

/// Fresh keys: scenarios that run at the same time, or against a server that serves others too, do not meet.
pub(super) struct Keys {
    listener: KeyPair,
    connector: KeyPair,
    other: KeyPair,
    /// Made when they are needed.
    further: Vec<OnceLock<KeyPair>>,
}

impl Keys {
    pub(super) fn generate() -> Self {
        let pair = || KeyPair::generate(&mut OsEntropy);
        Self {
            listener: pair(),
            connector: pair(),
            other: pair(),
            further: (0..=u8::MAX).map(|_| OnceLock::new()).collect(),
        }
    }

    fn get(&self, name: KeyName) -> &KeyPair {
        match name {
            KeyName::Listener => &self.listener,
            KeyName::Connector => &self.connector,
            KeyName::Other => &self.other,
            // There is one for every number.
            KeyName::Nth(number) => self
                .further
                .get(usize::from(number))
                .map_or(&self.other, |key| key.get_or_init(|| KeyPair::generate(&mut OsEntropy))),
        }
    }
}

/// What the placeholders of a client's messages stand for.
pub(super) struct ClientValues<'a> {
    pub(super) keys: &'a Keys,
    pub(super) learned: &'a BTreeMap<Slot, String>,
    pub(super) host: String,
}

impl Values for ClientValues<'_> {
    fn key(&self, name: KeyName) -> String {
        self.keys.get(name).public().to_hex()
    }

    fn slot(&self, slot: Slot) -> Option<String> {
        self.learned.get(&slot).cloned()
    }

    fn response(&self, answer: Answer) -> Option<String> {
        let server = PublicKey::from_hex(self.learned.get(&Slot::Server)?).ok()?;
        let challenge = hex::decode(self.learned.get(&Slot::Challenge)?).ok()?;
        let owner = if let Answer::Nth(number) = answer { KeyName::Nth(number) } else { KeyName::Listener };
        let key = SharedKey::between(self.keys.get(owner).secret(), &server);
        let right = challenge::respond(&key, &challenge, &mut OsEntropy).ok()?;
        // Negated already: what a right answer holds.
        let plain = boxed::open(&key, &right).ok()?;
        Some(match answer {
            Answer::Right | Answer::Nth(_) => hex::encode(right),
            Answer::NotNegated => hex::encode(boxed::seal(&key, &boxed::open(&key, &challenge).ok()?, &mut OsEntropy)),
            Answer::OtherKey => {
                let wrong = SharedKey::between(self.keys.other.secret(), &server);
                hex::encode(boxed::seal(&wrong, &plain, &mut OsEntropy))
            }
            Answer::Plain(len) => {
                let mut plain = plain;
                plain.resize(len, 0);
                hex::encode(boxed::seal(&key, &plain, &mut OsEntropy))
            }
            Answer::Short => hex::encode(&right[..right.len().saturating_sub(1)]),
            Answer::Odd => {
                let mut text = hex::encode(right);
                text.pop();
                text
            }
        })
    }

    fn host(&self) -> String {
        self.host.clone()
    }
}

#[cfg(test)]
mod tests {
    use ratatosk_protocol::crypto::challenge::Challenge;

    use super::*;

    /// A server's side of a registration: what it would say to an answer.
    fn judge(answer: Answer) -> Result<bool, boxed::BoxError> {
        let server = KeyPair::generate(&mut OsEntropy);
        let keys = Keys::generate();
        let key = SharedKey::between(server.secret(), keys.listener.public());
        let (challenge, boxed) = Challenge::issue(&key, &mut OsEntropy);
        let learned = BTreeMap::from([(Slot::Server, server.public().to_hex()), (Slot::Challenge, hex::encode(boxed))]);
        let values = ClientValues { keys: &keys, learned: &learned, host: String::new() };
        let mut text = values.response(answer).unwrap();
        if answer == Answer::Odd {
            text.push('0');
        }
        challenge.accepts(&key, &hex::decode(text).unwrap())
    }

    #[test]
    fn only_the_right_answer_is_right() {
        assert_eq!(judge(Answer::Right), Ok(true));
        for wrong in [Answer::NotNegated, Answer::Plain(0), Answer::Plain(63), Answer::Plain(65)] {
            assert_eq!(judge(wrong), Ok(false), "{wrong:?}");
        }
        for unreadable in [Answer::OtherKey, Answer::Short] {
            assert_eq!(judge(unreadable), Err(boxed::BoxError::Decryption), "{unreadable:?}");
        }
    }

    #[test]
    fn without_a_challenge_there_is_no_answer() {
        let values = ClientValues { keys: &Keys::generate(), learned: &BTreeMap::new(), host: String::new() };
        assert_eq!(values.response(Answer::Right), None);
    }
}
