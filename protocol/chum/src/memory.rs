//! A library in memory: for tests, and to see what the machine asks of one.
//!
//! [`Shelf`] is what one peer has; [`MemoryLibrary`] is the shelf as one other person sees it. Every read is counted.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::convert::Infallible;

use bytes::Bytes;
use ratatosk_objects::memory::Memory;
use ratatosk_objects::{
    BlobHash, IdHash, Microdata, ObjectHash, Objects, ObjectsMut, PersonId, Recipes, Reference, Versions,
};
use ratatosk_versions::{Limits, merge_remote, published};
use sha2::{Digest, Sha256};

use crate::library::{Imported, Item, Library};
use crate::root::Root;

/// What one peer has, and whom it shows it to.
#[derive(Clone, Debug, Default)]
pub struct Shelf {
    memory: Memory,
    blobs: HashMap<BlobHash, Bytes>,
    parts: HashMap<BlobHash, Vec<u8>>,
    shared: BTreeMap<PersonId, BTreeSet<Shared>>,
    known: HashMap<(PersonId, IdHash), ObjectHash>,
    generation: u64,
    reads: Cell<u64>,
    /// The types that it takes from others.
    pub wanted: BTreeSet<String>,
    /// Roots that were taken over, in order.
    pub taken: Vec<Root>,
}

/// Something that is shared with a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shared {
    /// One object, and no other version of it.
    Object(ObjectHash),
    /// An id object and its current version.
    Id(IdHash),
}

impl Shelf {
    /// An empty shelf that takes what chats need.
    #[must_use]
    pub fn new() -> Self {
        Self { wanted: ["Topic", "ChannelInfo", "Profile"].map(str::to_owned).into(), ..Self::default() }
    }

    /// Shows something to a person.
    pub fn share(&mut self, person: PersonId, what: Shared) {
        self.shared.entry(person).or_default().insert(what);
        self.generation += 1;
    }

    /// The shelf as `person` sees it.
    pub fn seen_by(&mut self, person: PersonId) -> MemoryLibrary<'_> {
        MemoryLibrary { shelf: self, person }
    }

    /// Keeps a BLOB or CLOB.
    pub fn put_blob(&mut self, bytes: impl Into<Bytes>) -> BlobHash {
        let bytes = bytes.into();
        let hash = BlobHash::from_bytes(Sha256::digest(&bytes).into());
        self.blobs.insert(hash, bytes);
        hash
    }

    /// A BLOB or CLOB.
    #[must_use]
    pub fn blob(&self, hash: &BlobHash) -> Option<&Bytes> {
        self.blobs.get(hash)
    }

    /// Parts of BLOBs that were begun and neither finished nor thrown away.
    #[must_use]
    pub fn unfinished(&self) -> usize {
        self.parts.len()
    }

    /// The objects.
    #[must_use]
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Loses an object, as a damaged disk would.
    pub fn lose(&mut self, hash: &ObjectHash) -> Option<Microdata> {
        self.memory.forget(hash)
    }

    /// How often the storage was read so far.
    #[must_use]
    pub fn reads(&self) -> u64 {
        self.reads.get()
    }

    fn count(&self) {
        self.reads.set(self.reads.get() + 1);
    }

    fn keep(&mut self, items: &[Item]) -> Vec<ObjectHash> {
        let mut new = Vec::new();
        for item in items {
            // Memory cannot fail.
            let _ = match item {
                Item::Object(hash, microdata) => {
                    if !matches!(self.memory.object(hash), Ok(Some(_))) {
                        new.push(*hash);
                    }
                    self.memory.put(microdata).map(|_| ())
                }
                Item::Id(_, microdata) => self.memory.put_id(microdata).map(|_| ()),
            };
        }
        new
    }
}

impl Objects for Shelf {
    type Error = Infallible;

    fn object(&self, hash: &ObjectHash) -> Result<Option<Microdata>, Infallible> {
        self.count();
        self.memory.object(hash)
    }

    fn id_object(&self, id: &IdHash) -> Result<Option<Microdata>, Infallible> {
        self.count();
        self.memory.id_object(id)
    }

    fn contains(&self, reference: &Reference) -> Result<bool, Infallible> {
        self.count();
        match reference {
            Reference::Blob(hash) => Ok(self.blobs.contains_key(hash)),
            Reference::Clob(hash) => Ok(self.blobs.contains_key(&BlobHash::from_bytes(*hash.as_bytes()))),
            _ => self.memory.contains(reference),
        }
    }
}

impl ObjectsMut for Shelf {
    fn put(&mut self, object: &Microdata) -> Result<ObjectHash, Infallible> {
        self.memory.put(object)
    }

    fn put_id(&mut self, id_object: &Microdata) -> Result<IdHash, Infallible> {
        self.memory.put_id(id_object)
    }
}

impl Versions for Shelf {
    fn current(&self, id: &IdHash) -> Result<Option<ObjectHash>, Infallible> {
        self.count();
        self.memory.current(id)
    }

    fn set_current(&mut self, id: IdHash, node: ObjectHash) -> Result<(), Infallible> {
        self.generation += 1;
        self.memory.set_current(id, node)
    }
}

/// A shelf as one person sees it, who has one instance only.
#[derive(Debug)]
pub struct MemoryLibrary<'a> {
    shelf: &'a mut Shelf,
    person: PersonId,
}

impl Library for MemoryLibrary<'_> {
    type Error = Infallible;

    fn generation(&self) -> Result<u64, Infallible> {
        self.shelf.count();
        Ok(self.shelf.generation)
    }

    fn roots(&self) -> Result<Vec<Root>, Infallible> {
        let mut roots = Vec::new();
        for shared in self.shelf.shared.get(&self.person).into_iter().flatten() {
            match shared {
                Shared::Object(hash) => {
                    let Some(object) = self.shelf.object(hash)? else { continue };
                    let one_type = object.type_name().to_owned();
                    let recipes = Recipes::standard();
                    let id = recipes.read(&object).ok().and_then(|object| recipes.write_id(&object).ok()?.id_hash());
                    roots.push(match id {
                        Some(id) => Root::Versioned { hash: *hash, id, one_type },
                        None => Root::Unversioned { hash: *hash, one_type },
                    });
                }
                Shared::Id(id) => {
                    let Some(object) = self.shelf.id_object(id)? else { continue };
                    let one_type = object.type_name().to_owned();
                    roots.push(Root::Id { id: *id, one_type: one_type.clone() });
                    if let Ok(Some(published)) = published(&*self.shelf, id) {
                        roots.push(Root::VersionNode { node: published.node.hash(), id: *id, one_type });
                    }
                }
            }
        }
        Ok(roots)
    }

    fn object(&self, hash: &ObjectHash) -> Result<Option<Microdata>, Infallible> {
        self.shelf.object(hash)
    }

    fn id_object(&self, id: &IdHash) -> Result<Option<Microdata>, Infallible> {
        self.shelf.id_object(id)
    }

    fn blob(&self, hash: &BlobHash, offset: u64, max: usize) -> Result<Option<Bytes>, Infallible> {
        self.shelf.count();
        Ok(self.shelf.blobs.get(hash).map(|bytes| {
            let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
            bytes.slice(start..bytes.len().min(start.saturating_add(max)))
        }))
    }

    fn known(&self, id: &IdHash) -> Result<Option<ObjectHash>, Infallible> {
        self.shelf.count();
        Ok(self.shelf.known.get(&(self.person, *id)).copied())
    }

    fn set_known(&mut self, id: &IdHash, node: Option<ObjectHash>) -> Result<(), Infallible> {
        match node {
            Some(node) => self.shelf.known.insert((self.person, *id), node),
            None => self.shelf.known.remove(&(self.person, *id)),
        };
        Ok(())
    }

    fn wants(&self, root: &Root) -> Result<bool, Infallible> {
        Ok(self.shelf.wanted.contains(root.one_type()))
    }

    fn contains(&self, reference: &Reference) -> Result<bool, Infallible> {
        self.shelf.contains(reference)
    }

    fn commit(&mut self, items: &[Item]) -> Result<(), Infallible> {
        self.shelf.keep(items);
        Ok(())
    }

    fn import(&mut self, items: &[Item], root: &Root) -> Result<Imported, Infallible> {
        let new = self.shelf.keep(items);
        if let Root::VersionNode { node, id, .. } = root
            && let Err(error) = merge_remote(self.shelf, Recipes::standard(), id, *node, &Limits::DEFAULT)
        {
            new.iter().for_each(|hash| drop(self.shelf.lose(hash)));
            return Ok(Imported::Refused(error.to_string()));
        }
        self.shelf.taken.push(root.clone());
        Ok(Imported::Taken)
    }

    fn write_blob(&mut self, hash: &BlobHash, offset: u64, part: &[u8]) -> Result<(), Infallible> {
        let parts = self.shelf.parts.entry(*hash).or_default();
        if offset == 0 {
            parts.clear();
        }
        parts.extend_from_slice(part);
        Ok(())
    }

    fn finish_blob(&mut self, hash: &BlobHash) -> Result<(), Infallible> {
        let bytes = self.shelf.parts.remove(hash).unwrap_or_default();
        self.shelf.blobs.insert(*hash, bytes.into());
        Ok(())
    }

    fn discard_blob(&mut self, hash: &BlobHash) -> Result<(), Infallible> {
        self.shelf.parts.remove(hash);
        Ok(())
    }
}
