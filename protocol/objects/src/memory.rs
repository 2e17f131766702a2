//! Objects in memory: for tests, and for what need not outlive the process. It grows without bound.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;

use crate::hash::{IdHash, ObjectHash, Reference};
use crate::microdata::Microdata;
use crate::storage::{Objects, ObjectsMut, Versions};

/// Objects, id objects and current versions. Of bytes and texts it knows only which are there.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    objects: HashMap<ObjectHash, Microdata>,
    id_objects: HashMap<IdHash, Microdata>,
    current: HashMap<IdHash, ObjectHash>,
    others: HashSet<Reference>,
}

impl Memory {
    /// Nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many objects there are, without id objects.
    #[must_use]
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there is no object.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Notes that the bytes or the text behind a reference are there.
    pub fn note(&mut self, reference: Reference) {
        self.others.insert(reference);
    }

    /// All objects, in no order.
    pub fn objects(&self) -> impl Iterator<Item = &Microdata> {
        self.objects.values()
    }

    /// All versioned objects with their current nodes, in no order.
    pub fn versions(&self) -> impl Iterator<Item = (&IdHash, &ObjectHash)> {
        self.current.iter()
    }

    /// Forgets an object, as a broken store would.
    pub fn forget(&mut self, hash: &ObjectHash) -> Option<Microdata> {
        self.objects.remove(hash)
    }
}

impl Objects for Memory {
    type Error = Infallible;

    fn object(&self, hash: &ObjectHash) -> Result<Option<Microdata>, Infallible> {
        Ok(self.objects.get(hash).cloned())
    }

    fn id_object(&self, id: &IdHash) -> Result<Option<Microdata>, Infallible> {
        Ok(self.id_objects.get(id).cloned())
    }

    fn contains(&self, reference: &Reference) -> Result<bool, Infallible> {
        Ok(match reference {
            Reference::Object(hash) => self.objects.contains_key(hash),
            Reference::Id(id) => self.id_objects.contains_key(id),
            Reference::Blob(_) | Reference::Clob(_) => self.others.contains(reference),
        })
    }
}

impl ObjectsMut for Memory {
    fn put(&mut self, object: &Microdata) -> Result<ObjectHash, Infallible> {
        let hash = object.hash();
        self.objects.entry(hash).or_insert_with(|| object.clone());
        Ok(hash)
    }

    fn put_id(&mut self, id_object: &Microdata) -> Result<IdHash, Infallible> {
        let id = IdHash::from_bytes(*id_object.hash().as_bytes());
        self.id_objects.entry(id).or_insert_with(|| id_object.clone());
        Ok(id)
    }
}

impl Versions for Memory {
    fn current(&self, id: &IdHash) -> Result<Option<ObjectHash>, Infallible> {
        Ok(self.current.get(id).copied())
    }

    fn set_current(&mut self, id: IdHash, node: ObjectHash) -> Result<(), Infallible> {
        self.current.insert(id, node);
        Ok(())
    }
}
