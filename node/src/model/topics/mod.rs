//! Topics: conversations of two people, and of several.
//!
//! A topic is known here by its Access object: we have access to it ourselves, as the reference has it. Its id names who takes
//! part ([`TopicId`]), so everybody who gets it shares it in the same way.

mod id;

use std::collections::BTreeMap;

use ratatosk_objects::typed::{ChannelInfo, Topic as TopicObject, Versioned};
use ratatosk_objects::{IdHash, ObjectHash, PersonId};
use ratatosk_store::{SharedRoot, Transaction, View};

pub use self::id::{MAX_PARTICIPANTS, TopicId};
use super::db::Version;
use super::exchange::{MAX_TOPICS, MAX_TOPICS_OF_ONE};
use super::genesis::Me;
use super::{ModelError, db, sharing};

/// The longest name of a group, in bytes.
pub const MAX_TOPIC_NAME: usize = 256;

/// A topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Which one, and who takes part.
    pub id: TopicId,
    /// What it is called; of two people the id. Text that anybody of the participants may have chosen.
    pub name: Option<String>,
    /// Its ChannelInfo.
    pub channel: IdHash,
    /// The Topic object.
    pub hash: ObjectHash,
}

/// All topics at one moment.
#[derive(Debug, Default)]
pub(super) struct Topics {
    by_id: BTreeMap<String, Topic>,
}

impl Topics {
    /// Reads what we share with ourselves. Two lookups for each topic, so the model keeps it.
    pub(super) fn load(view: &View<'_>, me: &Me) -> Result<Self, ModelError> {
        let mut topics = Self::default();
        for root in view.roots(&me.person)? {
            let SharedRoot::Object(hash) = root else { continue };
            let Some(object) = db::object_of::<TopicObject>(view, hash)? else { continue };
            if let Some(topic) = Topic::of(&object, hash)? {
                topics.add(topic);
            }
        }
        Ok(topics)
    }

    /// Of two objects with one id the one with the lesser hash is shown, by everybody.
    fn add(&mut self, topic: Topic) {
        let id = topic.id.to_string();
        if self.by_id.get(&id).is_some_and(|known| known.hash <= topic.hash) {
            return;
        }
        self.by_id.insert(id, topic);
    }

    pub(super) fn get(&self, id: &str) -> Option<&Topic> {
        self.by_id.get(id)
    }

    /// Whether there may be one more, with these contacts.
    pub(super) fn has_room<'a>(&self, with: impl IntoIterator<Item = &'a PersonId>) -> bool {
        let with_one = |person: &PersonId| self.all().filter(|topic| topic.id.participants().contains(person)).count();
        self.by_id.len() < MAX_TOPICS && with.into_iter().all(|person| with_one(person) < MAX_TOPICS_OF_ONE)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Topic> {
        self.by_id.values()
    }
}

impl Topic {
    /// A topic out of its object, if that names its participants and its own channel.
    pub(super) fn of(object: &TopicObject, hash: ObjectHash) -> Result<Option<Self>, ModelError> {
        let Some(id) = TopicId::parse(&object.id) else { return Ok(None) };
        let name_fits = object
            .name
            .as_ref()
            .is_none_or(|name| name.len() <= MAX_TOPIC_NAME && !id.is_one_to_one() || *name == object.id);
        if !name_fits || channel_of(&object.id).id_hash()? != object.channel {
            return Ok(None);
        }
        Ok(Some(Self { id, name: object.name.clone(), channel: object.channel, hash }))
    }
}

/// The channel of a topic, empty: nobody owns it.
pub(super) fn channel_of(topic: &str) -> ChannelInfo {
    ChannelInfo { id: topic.to_owned(), owner: None, head: None }
}

/// Creates a topic, or what is missing of it, and shares it with its participants.
pub(super) fn create(
    tx: &mut Transaction<'_>,
    me: &Me,
    id: &TopicId,
    name: Option<String>,
    now: u64,
) -> Result<ObjectHash, ModelError> {
    let text = id.to_string();
    let channel = channel_of(&text).id_hash()?;
    let hash = db::put(tx, &TopicObject { name, id: text.clone(), channel })?;
    open(tx, me, id, hash, now)?;
    Ok(hash)
}

/// Shares a topic that is stored with its participants, and makes its channel if there is none.
pub(super) fn open(
    tx: &mut Transaction<'_>,
    me: &Me,
    id: &TopicId,
    hash: ObjectHash,
    now: u64,
) -> Result<(), ModelError> {
    let empty = channel_of(&id.to_string());
    let channel = empty.id_hash()?;
    if tx.current(&channel)?.is_none() {
        db::store(tx, &empty, now)?;
    }
    let participants: Vec<_> = id.participants().iter().copied().collect();
    sharing::share(tx, me.person, SharedRoot::Id(channel), &participants, now)?;
    sharing::share(tx, me.person, SharedRoot::Object(hash), &participants, now)
}

/// The current version of a channel.
pub(super) fn current(view: &View<'_>, channel: IdHash) -> Result<Option<Version<ChannelInfo>>, ModelError> {
    db::current(view, channel)
}
