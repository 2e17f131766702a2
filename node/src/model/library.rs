//! What one device of a contact may have of us and may give us: the storage that `ratatosk-chum` works on.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;
use ratatosk_chum::{Imported, Item, Root};
use ratatosk_objects::{BlobHash, IdHash, InstanceId, Microdata, ObjectHash, PersonId, Reference};
use ratatosk_protocol::driver::os_entropy;
use ratatosk_store::{BlobReader, BlobWriter, Hold, SharedRoot};

use super::chat::{Arrivals, MAX_ATTACHMENT, Reader};
use super::exchange::{Gate, Refusal, Taken};
use super::node::{Acquainted, Node};
use super::topics::Topic;
use super::{ModelError, sharing};

/// Files that may be on their way at a time.
const MAX_INCOMING: usize = 16;

/// Something of a contact has come.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Change {
    /// A topic that we did not have.
    Topic(Topic),
    /// Messages in a topic.
    Messages {
        /// The id of the topic.
        topic: String,
        /// Which.
        arrivals: Arrivals,
    },
    /// Somebody's profile is another one: name or devices. It may be an AI that the contact has introduced, and so a new contact.
    Profile(PersonId),
}

/// The storage for one connection. Not to be shared between connections; it can go from thread to thread.
pub struct Library {
    node: Arc<Node>,
    person: PersonId,
    instance: InstanceId,
    changes: Vec<Change>,
    /// From the first object of a root until the root is taken over: nothing refers to them in between.
    hold: Option<Hold>,
    /// The file that is being read, and how far.
    outgoing: RefCell<Option<(BlobHash, u64, BlobReader)>>,
    incoming: BTreeMap<BlobHash, BlobWriter>,
}

impl Library {
    pub(super) fn new(node: Arc<Node>, person: PersonId, instance: InstanceId) -> Self {
        Self {
            node,
            person,
            instance,
            changes: Vec::new(),
            hold: None,
            outgoing: RefCell::default(),
            incoming: BTreeMap::new(),
        }
    }

    /// What has come since this was asked last.
    pub fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// Why a root of this peer is not wanted, if so.
    ///
    /// # Errors
    ///
    /// The store's.
    pub fn refusal(&self, root: &Root) -> Result<Option<Refusal>, ModelError> {
        let known = self.node.known()?;
        let gate = self.gate(&known);
        Ok(self.node.store.read(|view| gate.admit(view, root))?.err())
    }

    fn gate<'a>(&'a self, known: &'a Acquainted) -> Gate<'a> {
        let (contacts, topics) = (&known.contacts, &known.topics);
        Gate { me: &self.node.me, issuer: self.node.issuer(), contacts, topics, from: self.person }
    }

    fn take(&mut self, items: &[Item], root: &Root) -> Result<Taken, Stopped> {
        let known = self.node.known()?;
        let gate = self.gate(&known);
        let now = self.node.now();
        let taken = self
            .node
            .store
            .transaction(|tx| gate.take(tx, items, root, now, os_entropy().as_mut())?.map_err(Stopped::Refused))?;
        if matches!(taken, Taken::Topic | Taken::Profile(_) | Taken::Channel { opened: true, .. }) {
            self.node.forget();
        }
        Ok(taken)
    }

    /// Notes what has come, for whoever shows it.
    fn note(&mut self, taken: Taken, root: &Root) -> Result<(), ModelError> {
        match taken {
            Taken::Nothing => {}
            Taken::Profile(person) => self.changes.push(Change::Profile(person)),
            Taken::Topic => {
                let known = self.node.known()?;
                let topic = known.topics.all().find(|topic| Some(&topic.hash) == root.object());
                self.changes.extend(topic.cloned().map(Change::Topic));
            }
            Taken::Channel { topic, opened, before, now } => {
                let known = self.node.known()?;
                if opened {
                    self.changes.extend(known.topics.get(&topic).cloned().map(Change::Topic));
                }
                // Nobody shows what belongs to no topic.
                let Some(shown) = known.topics.get(&topic) else { return Ok(()) };
                let reader = Reader { me: &self.node.me, contacts: &known.contacts, topic: &shown.id };
                let arrivals = self.node.store.read(|view| reader.arrivals(view, now, before))?;
                if arrivals.total > 0 {
                    self.changes.push(Change::Messages { topic, arrivals });
                }
            }
        }
        Ok(())
    }

    fn wait(&mut self) {
        if self.hold.is_none() {
            self.hold = Some(self.node.store.hold());
        }
    }
}

/// Why a transaction was rolled back.
enum Stopped {
    Refused(Refusal),
    Failed(ModelError),
}

impl<E: Into<ModelError>> From<E> for Stopped {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl ratatosk_chum::Library for Library {
    type Error = ModelError;

    fn generation(&self) -> Result<u64, ModelError> {
        Ok(self.node.store.read(|view| view.generation(&self.person))?)
    }

    fn roots(&self) -> Result<Vec<Root>, ModelError> {
        // Who is no contact has nothing shared with them.
        sharing::roots(&self.node.store, self.person)
    }

    fn object(&self, hash: &ObjectHash) -> Result<Option<Microdata>, ModelError> {
        Ok(self.node.store.read(|view| view.object(hash))?)
    }

    fn id_object(&self, id: &IdHash) -> Result<Option<Microdata>, ModelError> {
        Ok(self.node.store.read(|view| view.id_object(id))?)
    }

    fn blob(&self, hash: &BlobHash, offset: u64, max: usize) -> Result<Option<Bytes>, ModelError> {
        let mut outgoing = self.outgoing.borrow_mut();
        let going_on = outgoing.take().filter(|(of, at, _)| of == hash && *at == offset);
        let mut reader = match going_on {
            Some((_, _, reader)) => reader,
            None => {
                let Some(mut reader) = self.node.store.read_blob(hash)? else { return Ok(None) };
                std::io::copy(&mut (&mut reader).take(offset), &mut std::io::sink()).map_err(ModelError::File)?;
                reader
            }
        };
        let mut bytes = Vec::new();
        (&mut reader).take(max as u64).read_to_end(&mut bytes).map_err(ModelError::File)?;
        if !bytes.is_empty() {
            *outgoing = Some((*hash, offset + bytes.len() as u64, reader));
        }
        Ok(Some(bytes.into()))
    }

    fn known(&self, id: &IdHash) -> Result<Option<ObjectHash>, ModelError> {
        Ok(self.node.store.read(|view| view.known(&self.instance, id))?)
    }

    fn set_known(&mut self, id: &IdHash, node: Option<ObjectHash>) -> Result<(), ModelError> {
        let instance = self.instance;
        Ok(self.node.store.transaction(|tx| match node {
            Some(node) => tx.set_known(&instance, id, node),
            None => tx.forget_known(&instance, id),
        })?)
    }

    fn wants(&self, root: &Root) -> Result<bool, ModelError> {
        let refusal = self.refusal(root)?;
        if let Some(refusal) = &refusal {
            tracing::debug!(kind = ?root.one_type(), %refusal, "not wanted");
        }
        Ok(refusal.is_none())
    }

    fn contains(&self, reference: &Reference) -> Result<bool, ModelError> {
        Ok(self.node.store.read(|view| view.contains(reference))?)
    }

    fn is_taken(&self, root: &Root) -> Result<bool, ModelError> {
        match root {
            // A topic is one when it is shared, with ourselves as well.
            Root::Unversioned { hash, .. } => {
                let me = self.node.me.person;
                Ok(self.node.store.read(|view| view.is_shared(&me, SharedRoot::Object(*hash)))?)
            }
            Root::Versioned { .. } => Ok(false),
            Root::Id { id, .. } => self.contains(&Reference::Id(*id)),
            Root::VersionNode { node, .. } => self.contains(&Reference::Object(*node)),
        }
    }

    fn commit(&mut self, items: &[Item]) -> Result<(), ModelError> {
        self.wait();
        self.node.store.transaction(|tx| super::exchange::keep(tx, items))
    }

    fn import(&mut self, items: &[Item], root: &Root) -> Result<Imported, ModelError> {
        match self.take(items, root) {
            Ok(taken) => {
                self.hold = None;
                self.note(taken, root)?;
                Ok(Imported::Taken)
            }
            Err(Stopped::Refused(refusal)) => {
                self.hold = None;
                Ok(Imported::Refused(refusal.to_string()))
            }
            Err(Stopped::Failed(error)) => Err(error),
        }
    }

    fn write_blob(&mut self, hash: &BlobHash, offset: u64, part: &[u8]) -> Result<(), ModelError> {
        if offset == 0 {
            self.incoming.remove(hash);
        }
        if !self.incoming.contains_key(hash) && self.incoming.len() >= MAX_INCOMING {
            return Err(ModelError::TooMuch { what: "files on their way", limit: MAX_INCOMING });
        }
        let store = &self.node.store;
        let writer = self.incoming.entry(*hash).or_insert_with(|| store.write_blob(MAX_ATTACHMENT));
        Ok(writer.push(part)?)
    }

    fn finish_blob(&mut self, hash: &BlobHash) -> Result<(), ModelError> {
        self.wait();
        let writer = self.incoming.remove(hash).unwrap_or_else(|| self.node.store.write_blob(MAX_ATTACHMENT));
        writer.finish(Some(hash.as_bytes()))?;
        Ok(())
    }

    fn discard_blob(&mut self, hash: &BlobHash) -> Result<(), ModelError> {
        self.incoming.remove(hash);
        Ok(())
    }
}
