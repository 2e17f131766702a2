//! The node itself: one handle for everything, safe to use from several threads.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use ratatosk_objects::{BlobHash, InstanceId, ObjectHash, PersonId};
use ratatosk_pairing::{Identity, Known, Myself};
use ratatosk_protocol::driver::os_entropy;
use ratatosk_protocol::key::{KeyPair, PublicKey};
use ratatosk_store::{BlobReader, Store, Transaction, View};

use super::ai::{AgentEmail, OpenAgents};
use super::chat::{self, Cursor, Draft, FileInfo, MAX_ATTACHMENTS, MAX_TEXT, NewAttachment, Page, Posted, Reader};
use super::contacts::{Added, Contact, Contacts, Endpoint, record};
use super::exchange::MAX_TOPICS_OF_ONE;
use super::genesis::{self, Me};
use super::library::Library;
use super::topics::{self, MAX_PARTICIPANTS, MAX_TOPIC_NAME, Topic, TopicId, Topics};
use super::trust::Issuer;
use super::{Home, ModelError, NewPerson, Protection, ai, db};

/// Milliseconds since 1970.
pub type Clock = Box<dyn Fn() -> u64 + Send + Sync>;

/// A person's node.
pub struct Node {
    home: Home,
    pub(super) store: Store,
    pub(super) me: Me,
    clock: Arc<dyn Fn() -> u64 + Send + Sync>,
    agents: OpenAgents,
    /// What was read of contacts and topics; nothing after a change.
    cache: Mutex<Cache>,
}

#[derive(Default)]
struct Cache {
    /// Counts changes, so that nothing old is put here that was read before one.
    changes: u64,
    known: Option<Arc<Acquainted>>,
}

/// Contacts and topics at one moment.
pub(super) struct Acquainted {
    pub(super) contacts: Contacts,
    pub(super) topics: Topics,
}

impl Node {
    /// Makes a node in a folder that has none.
    ///
    /// # Errors
    ///
    /// What is wrong, for a person. Once the keys are written, what is missing is made by [`Node::open`].
    pub fn create(dir: &Path, person: &NewPerson, protection: &Protection) -> Result<Self, ModelError> {
        let home = Home::create(dir, person, protection, os_entropy().as_mut())?;
        Self::start(home, Box::new(system_time))
    }

    /// Opens the node in a folder.
    ///
    /// # Errors
    ///
    /// What is wrong, for a person.
    pub fn open(dir: &Path, protection: &Protection) -> Result<Self, ModelError> {
        Self::start(Home::open(dir, protection)?, Box::new(system_time))
    }

    /// Goes on with a home that is open, by another clock than the system's.
    ///
    /// # Errors
    ///
    /// What is wrong with its store.
    pub fn start(home: Home, clock: Clock) -> Result<Self, ModelError> {
        let store = Store::open(home.dir())?;
        let me = Me::new(&home)?;
        let issuer = Issuer { person: me.person, key: &home.secrets().person_sign };
        let (name, now) = (home.person().name, clock());
        store.transaction(|tx| genesis::create(tx, &me, issuer, &name, now))?;
        Ok(Self { home, store, me, clock: clock.into(), agents: OpenAgents::default(), cache: Mutex::default() })
    }

    // Who we are.

    /// Our person id.
    #[must_use]
    pub fn person(&self) -> PersonId {
        self.me.person
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.home.dir()
    }

    /// Our ids and public keys.
    #[must_use]
    pub fn me(&self) -> &Me {
        &self.me
    }

    /// Our instance's keys: those of every connection but pairing.
    #[must_use]
    pub fn instance_key(&self) -> &KeyPair {
        &self.home.secrets().instance
    }

    /// Our person's keys: those that pairing dials with.
    #[must_use]
    pub fn person_key(&self) -> &KeyPair {
        &self.home.secrets().person
    }

    /// What phase 6 has to know of us, reachable at this CommServer; `None` never, unless keys were exchanged behind our back.
    #[must_use]
    pub fn myself(&self, url: &str) -> Option<Arc<Myself>> {
        let identity = Identity { url: Some(url.to_owned()), ..self.me.identity.clone() };
        Myself::new(identity, self.home.secrets().person.secret().clone()).ok().map(Arc::new)
    }

    /// The store, for what is not about persons: sizes, garbage.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    // Whom we know.

    /// Takes somebody in whom we have paired with. The same person again is no error: it may be another device of theirs.
    ///
    /// # Errors
    ///
    /// [`ModelError::OwnPerson`]; [`ModelError::KeysChanged`] if they are a contact already and come with other keys.
    pub fn add_contact(&self, identity: &Identity) -> Result<Added, ModelError> {
        self.change(|tx| self.add(tx, identity))
    }

    /// Stores a contact within a transaction that [`Node::change`] has begun.
    pub(super) fn add(&self, tx: &mut Transaction<'_>, identity: &Identity) -> Result<Added, ModelError> {
        // Ours are made here and nowhere else.
        if AgentEmail::parse(&identity.email).is_some_and(|email| email.owner == self.me.person) {
            return Err(ModelError::NotOurAgent);
        }
        let now = self.now();
        let added = record::add(tx, &self.me, self.issuer(), identity, now, os_entropy().as_mut())?;
        ai::introduce_all(tx, &self.me, added.person, now)?;
        Ok(added)
    }

    /// Trusts no key of a contact any more: they have begun anew, or lost a device. They stay a contact, and whoever is paired with
    /// next under that e-mail is them. The same holds for the AIs that they have introduced. What their keys have signed counts as unverified from now on.
    ///
    /// # Errors
    ///
    /// [`ModelError::UnknownContact`].
    pub fn forget_keys(&self, person: PersonId) -> Result<(), ModelError> {
        let now = self.now();
        let known = self.known()?;
        self.change(|tx| {
            record::forget_keys(tx, person, now)?;
            // What keys their AIs have was their word.
            for contact in known.contacts.all() {
                if !contact.introduced || contact.ai().is_none_or(|ai| ai.owner != person) {
                    continue;
                }
                record::forget_keys(tx, contact.person, now)?;
            }
            Ok(())
        })
    }

    /// Everybody we know.
    ///
    /// # Errors
    ///
    /// The store's.
    pub fn contacts(&self) -> Result<Vec<Contact>, ModelError> {
        Ok(self.known()?.contacts.all().cloned().collect())
    }

    /// One of them.
    ///
    /// # Errors
    ///
    /// The store's.
    pub fn contact(&self, person: PersonId) -> Result<Option<Contact>, ModelError> {
        Ok(self.known()?.contacts.get(person).cloned())
    }

    /// All devices of all contacts, each key once: what one contact's profile says of another one's key is left out. Nor are
    /// those there that live in the same process, and need no network: our AIs, or of an AI its owner and the owner's other AIs.
    ///
    /// # Errors
    ///
    /// The store's.
    pub fn endpoints(&self) -> Result<Vec<Endpoint>, ModelError> {
        let known = self.known()?;
        let contacts = &known.contacts;
        let is_owners =
            |endpoint: &&Endpoint| contacts.owner(&endpoint.key) == Some((endpoint.person, endpoint.instance));
        let dialled = contacts.all().filter(|contact| !self.is_of_this_house(contact));
        Ok(dialled.flat_map(|contact| &contact.endpoints).filter(is_owners).cloned().collect())
    }

    /// The encryption keys that pairing brought of a person; none for a stranger.
    ///
    /// # Errors
    ///
    /// The store's.
    pub fn person_keys(&self, person: &PersonId) -> Result<Vec<PublicKey>, ModelError> {
        if *person == self.me.person {
            return Ok(vec![self.me.identity.person_key]);
        }
        Ok(self.known()?.contacts.get(*person).map(|contact| contact.person_keys.clone()).unwrap_or_default())
    }

    /// Who is on record for a connection between our key `local` and the key `remote`.
    ///
    /// # Errors
    ///
    /// The store's.
    pub fn expected(&self, local: &PublicKey, remote: &PublicKey) -> Result<Option<Known>, ModelError> {
        if *local != self.me.identity.instance_key {
            return Ok(None);
        }
        Ok(self.known()?.contacts.owner(remote).map(|(person, instance)| Known { person, instance }))
    }

    // What we talk about.

    /// The 1:1 topic with a contact, which is made if there is none.
    ///
    /// # Errors
    ///
    /// [`ModelError::UnknownContact`].
    pub fn topic_with(&self, person: PersonId) -> Result<Topic, ModelError> {
        let known = self.known()?;
        if known.contacts.get(person).is_none() {
            return Err(ModelError::UnknownContact(person));
        }
        let id = TopicId::one_to_one(self.me.person, person);
        let name = Some(id.to_string());
        match known.topics.get(&id.to_string()) {
            Some(topic) => Ok(topic.clone()),
            None => self.create_topic(&id, name),
        }
    }

    /// A new topic with several contacts.
    ///
    /// # Errors
    ///
    /// [`ModelError::UnknownContact`]; a name or a number of people that cannot be.
    pub fn create_group(&self, name: &str, others: &[PersonId]) -> Result<Topic, ModelError> {
        if name.len() > MAX_TOPIC_NAME {
            return Err(ModelError::TooMuch { what: "bytes in the name of a topic", limit: MAX_TOPIC_NAME });
        }
        if name.trim().is_empty() || name.chars().any(char::is_control) {
            return Err(ModelError::Unusable { what: "the name of the topic" });
        }
        let known = self.known()?;
        let mut participants = BTreeSet::from([self.me.person]);
        for person in others {
            if *person != self.me.person && known.contacts.get(*person).is_none() {
                return Err(ModelError::UnknownContact(*person));
            }
            participants.insert(*person);
        }
        match participants.len() {
            1 => Err(ModelError::NobodyElse),
            count if count > MAX_PARTICIPANTS => {
                Err(ModelError::TooMuch { what: "participants of a topic", limit: MAX_PARTICIPANTS })
            }
            _ if !known.topics.has_room(participants.iter().filter(|person| **person != self.me.person)) => {
                Err(ModelError::TooMuch { what: "topics with one of them", limit: MAX_TOPICS_OF_ONE })
            }
            _ => self.create_topic(&TopicId::group(participants, os_entropy().as_mut()), Some(name.to_owned())),
        }
    }

    fn create_topic(&self, id: &TopicId, name: Option<String>) -> Result<Topic, ModelError> {
        let now = self.now();
        let text = id.to_string();
        self.change(|tx| topics::create(tx, &self.me, id, name, now))?;
        self.topic(&text)
    }

    /// All topics.
    ///
    /// # Errors
    ///
    /// The store's.
    pub fn topics(&self) -> Result<Vec<Topic>, ModelError> {
        Ok(self.known()?.topics.all().cloned().collect())
    }

    /// One of them, by its id.
    ///
    /// # Errors
    ///
    /// [`ModelError::UnknownTopic`].
    pub fn topic(&self, id: &str) -> Result<Topic, ModelError> {
        self.known()?.topics.get(id).cloned().ok_or(ModelError::UnknownTopic)
    }

    /// The hash of the current ChannelInfo of a topic: the same on two nodes that know the same.
    ///
    /// # Errors
    ///
    /// [`ModelError::UnknownTopic`].
    pub fn head(&self, topic: &str) -> Result<ObjectHash, ModelError> {
        let topic = self.topic(topic)?;
        let current = self.store.read(|view| topics::current(view, topic.channel))?;
        current.map(|version| version.hash).ok_or(ModelError::UnknownTopic)
    }

    // What is said.

    /// Posts a message.
    ///
    /// # Errors
    ///
    /// [`ModelError::UnknownTopic`]; [`ModelError::TooMuch`] for more than [`MAX_TEXT`] or [`MAX_ATTACHMENTS`], or for a text that
    /// gets too long for contacts when it is escaped.
    pub fn post(&self, topic: &str, text: &str, attachments: Vec<NewAttachment>) -> Result<Posted, ModelError> {
        if text.len() > MAX_TEXT {
            return Err(ModelError::TooMuch { what: "bytes in a message", limit: MAX_TEXT });
        }
        if attachments.len() > MAX_ATTACHMENTS {
            return Err(ModelError::TooMuch { what: "files with a message", limit: MAX_ATTACHMENTS });
        }
        let topic = self.topic(topic)?;
        let now = self.now();
        // Contacts and topics stay as they are.
        let posted = self.store.transaction(|tx| {
            let descriptors: Vec<_> =
                attachments.iter().map(|file| db::put(tx, &file.descriptor)).collect::<Result<_, _>>()?;
            let attachments = (!descriptors.is_empty()).then_some(descriptors);
            chat::post(tx, &topic, self.issuer(), Draft { text: text.to_owned(), attachments }, now)
        });
        // Until now nothing but these kept the files.
        drop(attachments);
        posted
    }

    /// The newest messages of a topic, or those before a place that an earlier page gave. Reads no more of the topic than that.
    ///
    /// # Errors
    ///
    /// [`ModelError::UnknownTopic`].
    pub fn messages(&self, topic: &str, before: Option<Cursor>, limit: usize) -> Result<Page, ModelError> {
        let known = self.known()?;
        let topic = known.topics.get(topic).ok_or(ModelError::UnknownTopic)?;
        let reader = Reader { me: &self.me, contacts: &known.contacts, topic: &topic.id };
        self.store.read(|view| reader.page(view, topic.channel, before, limit))
    }

    /// Stores the bytes of a file that is to go with a message.
    ///
    /// # Errors
    ///
    /// What reading gives; a file that is too large.
    pub fn attach(&self, file: FileInfo, bytes: &mut dyn Read) -> Result<NewAttachment, ModelError> {
        chat::store(&self.store, file, bytes)
    }

    /// The bytes of an attachment, piece by piece.
    ///
    /// # Errors
    ///
    /// [`ModelError::UnknownMessage`] if they are not here.
    pub fn attachment(&self, data: &BlobHash) -> Result<BlobReader, ModelError> {
        self.store.read_blob(data)?.ok_or(ModelError::UnknownMessage)
    }

    // What others may have and give.

    /// The store as a contact's device may use it.
    #[must_use]
    pub fn library(self: &Arc<Self>, person: PersonId, instance: InstanceId) -> Library {
        Library::new(self.clone(), person, instance)
    }

    // Inside.

    pub(super) fn home(&self) -> &Home {
        &self.home
    }

    pub(super) fn clock(&self) -> Arc<dyn Fn() -> u64 + Send + Sync> {
        self.clock.clone()
    }

    /// The nodes of our AIs that are open.
    pub(super) fn open_agents(&self) -> &OpenAgents {
        &self.agents
    }

    pub(super) fn now(&self) -> u64 {
        (self.clock)()
    }

    pub(super) fn issuer(&self) -> Issuer<'_> {
        Issuer { person: self.me.person, key: &self.home.secrets().person_sign }
    }

    /// Contacts and topics as they are.
    pub(super) fn known(&self) -> Result<Arc<Acquainted>, ModelError> {
        let changes = {
            let cache = self.cache();
            if let Some(known) = &cache.known {
                return Ok(known.clone());
            }
            cache.changes
        };
        let load = |view: &View<'_>| -> Result<_, ModelError> {
            Ok(Acquainted { contacts: Contacts::load(view, &self.me)?, topics: Topics::load(view, &self.me)? })
        };
        let known = Arc::new(self.store.read(load)?);
        let mut cache = self.cache();
        if cache.changes == changes {
            cache.known = Some(known.clone());
        }
        Ok(known)
    }

    /// A transaction after which contacts and topics may be other ones.
    pub(super) fn change<T, E: From<ratatosk_store::Error>>(
        &self,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let result = self.store.transaction(work);
        if result.is_ok() {
            self.forget();
        }
        result
    }

    /// Reads contacts and topics again when they are needed next.
    pub(super) fn forget(&self) {
        let mut cache = self.cache();
        cache.changes += 1;
        cache.known = None;
    }

    /// Whatever panicked under the lock had nothing half done: it only puts and takes.
    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn system_time() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
