//! What is wrong with a node, in words for the person whose it is: what the store finds, and whether people, topics and
//! permissions belong together.

use std::fmt;

use ratatosk_objects::typed::{Access, ChannelInfo, IdAccess, Leute, Profile, Someone, Typed};
use ratatosk_objects::{IdHash, PersonId, Reference};
use ratatosk_store::{Finding, SharedRoot, View};

use super::genesis::leute_id;
use super::node::{Acquainted, Node};
use super::{ModelError, db};

/// Something that is not as it should be.
#[derive(Debug)]
#[non_exhaustive]
pub enum Problem {
    /// The database: something is damaged, or something that others refer to is not there.
    Store(Finding),
    /// There is more than that in the database.
    More(u64),
    /// There is no address book, or it does not lead to ourselves.
    AddressBook,
    /// The address book has an entry that leads to nobody.
    ContactMissing(IdHash),
    /// A contact without a profile.
    ProfileMissing(PersonId),
    /// A contact of whom no key is vouched for.
    KeysMissing(PersonId),
    /// A contact who does not get our profile.
    ProfileNotShared(PersonId),
    /// A topic without a channel.
    ChannelMissing(String),
    /// A participant of a topic who does not get it.
    TopicNotShared {
        /// The topic.
        topic: String,
        /// Who.
        person: PersonId,
    },
    /// The making of an AI was interrupted: there is a folder of this name and no AI.
    FolderWithoutAgent(String),
    /// Among the folders of AIs is one that is none of ours, or cannot be read.
    StrangeFolder {
        /// What it is called.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// The removal of an AI was interrupted.
    RemovalInterrupted(String),
    /// The settings of an AI are gone.
    AgentSettingsLost(String),
    /// The folder of an AI is gone, and it should answer.
    AgentKeysLost(String),
    /// Something of an AI is missing in this store.
    AgentIncomplete {
        /// Which AI.
        agent: String,
        /// What is missing.
        what: &'static str,
    },
    /// A contact is an AI of ours and has no `LLM` object.
    AgentOrphaned(String),
    /// Something is wrong with the node of an AI.
    OfAgent(String, Box<Problem>),
    /// Something cannot be read.
    Unreadable(ModelError),
}

impl Problem {
    /// Whether [`Node::repair`] can do something about it.
    #[must_use]
    pub fn is_repairable(&self) -> bool {
        match self {
            Self::ContactMissing(_)
            | Self::FolderWithoutAgent(_)
            | Self::RemovalInterrupted(_)
            | Self::AgentSettingsLost(_)
            | Self::AgentKeysLost(_)
            | Self::AgentIncomplete { .. }
            | Self::AgentOrphaned(_) => true,
            Self::Store(_)
            | Self::More(_)
            | Self::AddressBook
            | Self::ProfileMissing(_)
            | Self::KeysMissing(_)
            | Self::ProfileNotShared(_)
            | Self::ChannelMissing(_)
            | Self::TopicNotShared { .. }
            | Self::StrangeFolder { .. }
            | Self::OfAgent(..)
            | Self::Unreadable(_) => false,
        }
    }

    /// Which contact it is about, if it is about one.
    pub(super) fn person(&self) -> Option<&PersonId> {
        match self {
            Self::ProfileMissing(person) | Self::KeysMissing(person) | Self::ProfileNotShared(person) => Some(person),
            _ => None,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(finding) => write!(f, "database: {finding}"),
            Self::More(count) => write!(f, "database: {count} more findings"),
            Self::AddressBook => {
                f.write_str("the address book is missing or does not lead to you; restore a copy of the folder")
            }
            Self::ContactMissing(someone) => write!(f, "contact {someone} of the address book is missing; pair again"),
            Self::ProfileMissing(person) => write!(f, "contact {person} has no profile; pair again"),
            Self::KeysMissing(person) => {
                write!(f, "no key of contact {person} is vouched for, nobody can connect as them; pair again")
            }
            Self::ProfileNotShared(person) => write!(f, "contact {person} does not get your profile; pair again"),
            Self::ChannelMissing(topic) => write!(f, "topic {topic} has no channel; its messages are lost here"),
            Self::TopicNotShared { topic, person } => {
                write!(f, "{person} takes part in topic {topic} and does not get it")
            }
            Self::FolderWithoutAgent(slug) => {
                write!(f, "the making of the AI {slug} was interrupted: there is its folder and nothing else")
            }
            Self::StrangeFolder { name, why } => {
                write!(f, "the folder agents/{name} is not used: {why}; if you do not need it, move it away")
            }
            Self::RemovalInterrupted(slug) => write!(f, "the removal of the AI {slug} was interrupted"),
            Self::AgentSettingsLost(slug) => write!(f, "the settings of the AI {slug} are lost"),
            Self::AgentKeysLost(slug) => write!(
                f,
                "the folder of the AI {slug} is gone, and with it its keys: nobody can speak as it any more; restore the folder \
                 from a backup, or remove it"
            ),
            Self::AgentIncomplete { agent, what } => write!(f, "of the AI {agent} something is missing: {what}"),
            Self::AgentOrphaned(slug) => write!(f, "the contact {slug} is an AI of yours without a model"),
            Self::OfAgent(slug, problem) => write!(f, "in the node of the AI {slug}: {problem}"),
            Self::Unreadable(error) => write!(f, "{error}"),
        }
    }
}

/// Whether something is lost. Files may never have come, and with whom something is shared may be unknown to us: that is none.
fn is_loss(view: &View<'_>, finding: &Finding) -> Result<bool, ModelError> {
    Ok(match finding {
        Finding::Missing { to: Reference::Blob(_) | Reference::Clob(_), .. } => false,
        Finding::Missing { from: Reference::Object(from), to: Reference::Id(_) } => {
            let object = view.object(from)?;
            !object.is_some_and(|object| [Access::TYPE, IdAccess::TYPE].contains(&object.type_name()))
        }
        _ => true,
    })
}

impl Node {
    /// Checks everything: each object in the store, and whether what we know of people and topics belongs together. Takes as long
    /// as reading the whole store; others can go on.
    ///
    /// # Errors
    ///
    /// If the check could not be made. What it finds is no error.
    pub fn integrity(&self) -> Result<Vec<Problem>, ModelError> {
        let report = self.store.check(|_| ())?;
        let mut problems = Vec::new();
        for finding in report.findings {
            if self.store.read(|view| is_loss(view, &finding))? {
                problems.push(Problem::Store(finding));
            }
        }
        if report.more > 0 {
            problems.push(Problem::More(report.more));
        }
        let checked = self.known().and_then(|known| {
            self.store.read(|view| {
                self.people(view, &known, &mut problems)?;
                self.conversations(view, &known, &mut problems)
            })
        });
        if let Err(error) = checked {
            problems.push(Problem::Unreadable(error));
        }
        Ok(problems)
    }

    fn people(&self, view: &View<'_>, known: &Acquainted, problems: &mut Vec<Problem>) -> Result<(), ModelError> {
        let Some(leute) = db::current::<Leute>(view, leute_id()?)? else {
            problems.push(Problem::AddressBook);
            return Ok(());
        };
        let me = db::current::<Someone>(view, leute.value.me)?;
        let is_me = me.is_some_and(|me| me.value.identities.iter().any(|(person, _)| *person == self.me.person));
        if !is_me || db::current::<Profile>(view, self.me.profile()?)?.is_none() {
            problems.push(Problem::AddressBook);
        }
        for id in leute.value.other {
            let Some(someone) = db::current::<Someone>(view, id)? else {
                problems.push(Problem::ContactMissing(id));
                continue;
            };
            for (person, profiles) in someone.value.identities {
                for profile in profiles {
                    if db::current::<Profile>(view, profile)?.is_none() {
                        problems.push(Problem::ProfileMissing(person));
                    }
                }
                // An AI trusts those whom its owner trusts, and pairs with nobody.
                let is_ai = self.owner().is_some();
                if !is_ai && known.contacts.get(person).is_none_or(|contact| contact.person_keys.is_empty()) {
                    problems.push(Problem::KeysMissing(person));
                }
                if !view.is_shared(&person, SharedRoot::Id(self.me.profile()?))? {
                    problems.push(Problem::ProfileNotShared(person));
                }
            }
        }
        Ok(())
    }

    fn conversations(
        &self,
        view: &View<'_>,
        known: &Acquainted,
        problems: &mut Vec<Problem>,
    ) -> Result<(), ModelError> {
        for topic in known.topics.all() {
            if db::current::<ChannelInfo>(view, topic.channel)?.is_none() {
                problems.push(Problem::ChannelMissing(topic.id.to_string()));
            }
            for person in topic.id.participants() {
                let has_topic = view.is_shared(person, SharedRoot::Object(topic.hash))?;
                if !has_topic || !view.is_shared(person, SharedRoot::Id(topic.channel))? {
                    problems.push(Problem::TopicNotShared { topic: topic.id.to_string(), person: *person });
                }
            }
        }
        Ok(())
    }
}
