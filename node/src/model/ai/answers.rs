//! What an AI has answered, so that it answers everything once, also after a crash.

use ratatosk_objects::ObjectHash;
use ratatosk_store::{SettingKey, Transaction, View};

use super::super::ModelError;
use super::super::chat::{self, Draft, MAX_TEXT, Posted};
use super::super::node::Node;
use super::super::topics::Topic;

/// The most messages of a topic of which it is known that they were considered: the newest.
pub const MAX_CONSIDERED: usize = 512;

fn key(topic: &Topic) -> SettingKey<Vec<u8>> {
    SettingKey::of("considered", topic.channel)
}

impl Node {
    /// Posts an answer and notes, in the same transaction, what it answers: it is there and its questions are answered, or neither.
    ///
    /// # Errors
    ///
    /// As [`Node::post`].
    pub fn post_answer(&self, topic: &str, text: &str, considered: &[ObjectHash]) -> Result<Posted, ModelError> {
        if text.len() > MAX_TEXT {
            return Err(ModelError::TooMuch { what: "bytes in a message", limit: MAX_TEXT });
        }
        let topic = self.topic(topic)?;
        let now = self.now();
        self.store.transaction(|tx| {
            let draft = Draft { text: text.to_owned(), attachments: None };
            let posted = chat::post(tx, &topic, self.issuer(), draft, now)?;
            note(tx, &topic, considered)?;
            Ok(posted)
        })
    }

    /// Notes that messages need no answer.
    ///
    /// # Errors
    ///
    /// [`ModelError::UnknownTopic`].
    pub fn consider(&self, topic: &str, considered: &[ObjectHash]) -> Result<(), ModelError> {
        let topic = self.topic(topic)?;
        self.store.transaction(|tx| note(tx, &topic, considered))
    }

    /// The messages of a topic that were considered, in the order in which that happened: the newest [`MAX_CONSIDERED`].
    ///
    /// # Errors
    ///
    /// [`ModelError::UnknownTopic`].
    pub fn considered(&self, topic: &str) -> Result<Vec<ObjectHash>, ModelError> {
        let topic = self.topic(topic)?;
        self.store.read(|view| noted(view, &topic))
    }
}

fn noted(view: &View<'_>, topic: &Topic) -> Result<Vec<ObjectHash>, ModelError> {
    let bytes = view.setting(&key(topic))?.unwrap_or_default();
    let (hashes, rest) = bytes.as_chunks::<{ ratatosk_objects::HASH_LEN }>();
    if !rest.is_empty() {
        return Err(ModelError::Setting("what was considered of a topic"));
    }
    Ok(hashes.iter().copied().map(ObjectHash::from_bytes).collect())
}

fn note(tx: &mut Transaction<'_>, topic: &Topic, considered: &[ObjectHash]) -> Result<(), ModelError> {
    let mut hashes = noted(tx, topic)?;
    for hash in considered {
        if !hashes.contains(hash) {
            hashes.push(*hash);
        }
    }
    let oldest = hashes.len().saturating_sub(MAX_CONSIDERED);
    let bytes = hashes[oldest..].iter().flat_map(|hash| *hash.as_bytes()).collect::<Vec<_>>();
    Ok(tx.set_setting(&key(topic), &bytes)?)
}
