//! What may come from whom, and what becomes of it (`spec/one.md §5`).
//!
//! A contact may give their own profiles, those of their AIs (`introduction`), topics that name them and us, and the channels of
//! such topics. Everything else is kept out, with a reason. It is decided twice: before something is fetched, by what the peer says of it, and when all of it is there
//! and verified, by what it is. Objects that these refer to may be of any type; stored, they mean nothing by themselves.

use ratatosk_chum::{Item, Root};
use ratatosk_objects::typed::{ChannelInfo, Profile, Topic as TopicObject, Typed};
use ratatosk_objects::{IdHash, Microdata, ObjectHash, PersonId, Recipes, Value};
use ratatosk_protocol::entropy::Entropy;
use ratatosk_store::{Transaction, View};
use ratatosk_versions::{Limits, merge_remote};

use super::contacts::{self, Contacts, record};
use super::genesis::Me;
use super::introduction::{MAX_INTRODUCED, Subject};
use super::topics::{self, Topic, TopicId, Topics};
use super::trust::Issuer;
use super::{ModelError, db};

/// The most topics.
pub const MAX_TOPICS: usize = 10_000;
/// The most topics in which one contact takes part.
pub const MAX_TOPICS_OF_ONE: usize = 1000;
/// The most profiles of one contact.
pub const MAX_PROFILES: usize = 16;
/// The most endpoints and descriptions in one profile, those included that it has had.
pub const MAX_PROFILE_PARTS: usize = 4096;

/// Why something of a peer is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Whoever gives it is not a contact.
    #[error("not from a contact")]
    NotAContact,
    /// Not a type that contacts share with us.
    #[error("nobody may give us roots of this type and kind")]
    Kind,
    /// A profile of somebody else, or somebody else's of this person.
    #[error("not the contact's own profile")]
    ForeignProfile,
    /// A profile of an AI that is not said in the one way: one device, its keys, none of which is somebody else's.
    #[error("a profile of an AI with none, or others' keys")]
    ForeignAgent,
    /// There are as many AIs of this contact as there may be.
    #[error("more than {MAX_INTRODUCED} AIs of one contact")]
    TooManyAgents,
    /// An AI comes with other keys than before.
    #[error("an AI with other keys than before")]
    KeysChanged,
    /// A topic or channel that does not name both of us, or a channel with an owner.
    #[error("a topic or channel that does not name the contact and us as participants")]
    ForeignTopic,
    /// There are as many topics as there may be.
    #[error("more than {MAX_TOPICS} topics, or {MAX_TOPICS_OF_ONE} with one contact")]
    TooManyTopics,
    /// A group that is known already, in another object: by another name. Whatever came first stays.
    #[error("a second object for a topic that is known")]
    SecondTopic,
    /// The channel of a group whose topic has not come.
    #[error("a channel without its topic")]
    NoTopic,
    /// There are as many profiles of this contact as there may be.
    #[error("more than {MAX_PROFILES} profiles of one contact")]
    TooManyProfiles,
    /// A profile in which more would stand than there may.
    #[error("a profile with more than {MAX_PROFILE_PARTS} endpoints and descriptions")]
    LongProfile,
    /// It is not what its type says, or cannot be merged with what we have.
    #[error("malformed: {0}")]
    Malformed(String),
}

/// What has come from a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// Nothing that was not known.
    Nothing,
    /// A topic.
    Topic,
    /// A channel has another head.
    Channel {
        /// The id of its topic.
        topic: String,
        /// Whether the topic is new here.
        opened: bool,
        before: Option<ObjectHash>,
        now: Option<ObjectHash>,
    },
    /// A profile, of the contact or of an AI of theirs.
    Profile(PersonId),
}

/// Who gives and what is known.
pub(super) struct Gate<'a> {
    pub(super) me: &'a Me,
    pub(super) issuer: Issuer<'a>,
    pub(super) contacts: &'a Contacts,
    pub(super) topics: &'a Topics,
    pub(super) from: PersonId,
}

/// Stores verified objects.
pub(super) fn keep(tx: &mut Transaction<'_>, items: &[Item]) -> Result<(), ModelError> {
    for item in items {
        match item {
            Item::Object(_, microdata) => drop(tx.put(microdata)?),
            Item::Id(_, microdata) => drop(tx.put_id(microdata)?),
        }
    }
    Ok(())
}

/// Either it is taken or it is refused.
type Verdict<T> = Result<Result<T, Refusal>, ModelError>;

impl Gate<'_> {
    /// Whether to fetch something, by what the peer says of it.
    pub(super) fn admit(&self, view: &View<'_>, root: &Root) -> Verdict<()> {
        if self.contacts.get(self.from).is_none() {
            return Ok(Err(Refusal::NotAContact));
        }
        match (root, root.one_type()) {
            (Root::Unversioned { hash, .. }, TopicObject::TYPE) => Ok(self.room_for_topic(*hash)),
            (Root::Id { id, .. } | Root::VersionNode { id, .. }, ChannelInfo::TYPE | Profile::TYPE) => {
                // Of an id that is new nothing can be said before its id object is there.
                match view.id_object(id)? {
                    Some(id_object) => Ok(self.judge_id(view, root.one_type(), &id_object)?.map(drop)),
                    None => Ok(Ok(())),
                }
            }
            _ => Ok(Err(Refusal::Kind)),
        }
    }

    /// Stores the last objects of a root and takes it over. After a refusal the transaction is to be rolled back.
    pub(super) fn take(
        &self,
        tx: &mut Transaction<'_>,
        items: &[Item],
        root: &Root,
        now: u64,
        entropy: &mut dyn Entropy,
    ) -> Verdict<Taken> {
        keep(tx, items)?;
        if let Err(refusal) = self.admit(tx, root)? {
            return Ok(Err(refusal));
        }
        match root {
            Root::Unversioned { hash, .. } => self.take_topic(tx, *hash, now),
            Root::Id { id, one_type } => {
                let id_object = tx.id_object(id)?.ok_or(ModelError::MissingId(*id))?;
                Ok(match self.judge_id(tx, one_type, &id_object)? {
                    Ok(Some(Subject::Unheard)) => Err(Refusal::ForeignProfile),
                    judged => judged.map(|_| Taken::Nothing),
                })
            }
            Root::VersionNode { node, id, one_type } => self.take_version(tx, *node, *id, one_type, now, entropy),
            Root::Versioned { .. } => Ok(Err(Refusal::Kind)),
        }
    }

    fn take_topic(&self, tx: &mut Transaction<'_>, hash: ObjectHash, now: u64) -> Verdict<Taken> {
        let microdata = tx.object(&hash)?.ok_or(ModelError::MissingObject(hash))?;
        let object = match TopicObject::read(&microdata) {
            Ok(object) => object,
            Err(error) => return Ok(Err(Refusal::Malformed(error.to_string()))),
        };
        match Topic::of(&object, hash)? {
            Some(topic) if topic.id.names(self.me.person, self.from) => {
                // Each would be one more thing that we share with everybody in the group. Of two people it can be two at most.
                let known = self.topics.get(&object.id);
                if known.is_some_and(|known| known.hash != hash && !known.id.is_one_to_one()) {
                    return Ok(Err(Refusal::SecondTopic));
                }
                topics::open(tx, self.me, &topic.id, hash, now)?;
                Ok(Ok(Taken::Topic))
            }
            _ => Ok(Err(Refusal::ForeignTopic)),
        }
    }

    fn take_version(
        &self,
        tx: &mut Transaction<'_>,
        node: ObjectHash,
        id: IdHash,
        one_type: &str,
        now: u64,
        entropy: &mut dyn Entropy,
    ) -> Verdict<Taken> {
        let Some(id_object) = tx.id_object(&id)? else {
            return Ok(Err(Refusal::Malformed("its id object is missing".to_owned())));
        };
        let subject = match self.judge_id(tx, one_type, &id_object)? {
            Ok(Some(Subject::Unheard)) => return Ok(Err(Refusal::ForeignProfile)),
            Ok(subject) => subject,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if let Err(refusal) = self.room_for_version(tx, id, subject, &id_object)? {
            return Ok(Err(refusal));
        }
        let merged = match merge_remote(tx, Recipes::standard(), &id, node, &Limits::DEFAULT) {
            Ok(merged) => merged,
            Err(ratatosk_versions::Error::Store(error)) => return Err(error.into()),
            Err(error) => return Ok(Err(Refusal::Malformed(error.to_string()))),
        };
        if one_type == ChannelInfo::TYPE {
            if !merged.changed {
                return Ok(Ok(Taken::Nothing));
            }
            let channel = db::needed::<ChannelInfo>(tx, merged.object)?;
            let opened = self.open_one_to_one(tx, &channel.id, now)?;
            let before = merged.before.map(|hash| db::needed::<ChannelInfo>(tx, hash)).transpose()?;
            let before = before.and_then(|channel| channel.head);
            return Ok(Ok(Taken::Channel { topic: channel.id, opened, before, now: channel.head }));
        }
        let profile = db::needed::<Profile>(tx, merged.object)?;
        if profile.communication_endpoint.len() + profile.person_description.len() > MAX_PROFILE_PARTS {
            return Ok(Err(Refusal::LongProfile));
        }
        let said = db::data_of(tx, node)?;
        let (person, said_anew) = match subject {
            Some(Subject::Agent(agent)) => match self.introduce(tx, self.issuer, agent, said, now, entropy)? {
                Ok(said_anew) => (agent, said_anew),
                Err(refusal) => return Ok(Err(refusal)),
            },
            _ => {
                record::remember(tx, self.from, id, now, entropy)?;
                let is_default = id == super::genesis::default_profile(self.from)?;
                (self.from, is_default && contacts::tell(tx, self.from, said)?)
            }
        };
        Ok(Ok(if merged.changed || said_anew { Taken::Profile(person) } else { Taken::Nothing }))
    }

    /// Makes the 1:1 topic of a channel if it has not come yet: everybody makes the same. Gives whether it was missing.
    fn open_one_to_one(&self, tx: &mut Transaction<'_>, topic: &str, now: u64) -> Result<bool, ModelError> {
        match TopicId::parse(topic) {
            Some(id) if id.is_one_to_one() && self.topics.get(topic).is_none() => {
                topics::create(tx, self.me, &id, Some(topic.to_owned()), now)?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Whether versions of this id may come from this contact; of a profile, whose it is.
    fn judge_id(&self, view: &View<'_>, one_type: &str, id_object: &Microdata) -> Verdict<Option<Subject>> {
        if id_object.type_name() != one_type {
            return Ok(Err(Refusal::Malformed("its id object has another type".to_owned())));
        }
        let fields = match Recipes::standard().read(id_object) {
            Ok(object) => object.fields,
            Err(error) => return Ok(Err(Refusal::Malformed(error.to_string()))),
        };
        Ok(match one_type {
            ChannelInfo::TYPE => match (fields.get("id"), fields.get("owner")) {
                (Some(Value::String(id)), None)
                    if TopicId::parse(id).is_some_and(|id| id.names(self.me.person, self.from)) =>
                {
                    Ok(None)
                }
                _ => Err(Refusal::ForeignTopic),
            },
            Profile::TYPE => self.subject(view, &fields)?.map(Some),
            _ => Err(Refusal::Kind),
        })
    }

    /// Whether there may be one more topic, unless it is none more.
    fn room_for_topic(&self, hash: ObjectHash) -> Result<(), Refusal> {
        let is_known = self.topics.all().any(|topic| topic.hash == hash);
        if is_known || self.topics.has_room([&self.from]) { Ok(()) } else { Err(Refusal::TooManyTopics) }
    }

    /// Whether versions of one more id may be kept: channels of topics that are counted, and some profiles.
    fn room_for_version(
        &self,
        view: &View<'_>,
        id: IdHash,
        subject: Option<Subject>,
        id_object: &Microdata,
    ) -> Verdict<()> {
        // How many AIs there are is counted when one is taken.
        if let Some(Subject::Agent(_)) = subject {
            return Ok(Ok(()));
        }
        if subject.is_some() {
            let profiles = contacts::profiles(view, self.from)?;
            let has_room = profiles.contains(&id) || profiles.len() < MAX_PROFILES;
            return Ok(if has_room { Ok(()) } else { Err(Refusal::TooManyProfiles) });
        }
        let has_topic =
            topic_of(id_object).is_some_and(|id| id.is_one_to_one() || self.topics.get(&id.to_string()).is_some());
        Ok(if has_topic { Ok(()) } else { Err(Refusal::NoTopic) })
    }
}

/// The topic of the id object of a channel.
fn topic_of(channel: &Microdata) -> Option<TopicId> {
    match Recipes::standard().read(channel).ok()?.fields.get("id") {
        Some(Value::String(id)) => TopicId::parse(id),
        _ => None,
    }
}
