//! Peers that tell each other what they have.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::convert::Infallible;

use ratatosk_objects::memory::Memory;
use ratatosk_objects::{IdHash, Microdata, Object, ObjectHash, Objects, ObjectsMut, Recipes, Reference, Versions};
use ratatosk_versions::{Merged, Stored, merge_remote, published, store_version};

use super::LIMITS;

/// Peers with a store in common, as if every sync brought all objects. Which versions are current each knows for itself.
pub struct Network {
    pub store: Memory,
    pub recipes: Recipes,
    current: Vec<BTreeMap<IdHash, ObjectHash>>,
}

/// What one of them sees.
pub struct View<'a> {
    store: &'a mut Memory,
    current: &'a mut BTreeMap<IdHash, ObjectHash>,
}

impl Network {
    pub fn new(peers: usize, recipes: &Recipes) -> Self {
        Self { store: Memory::new(), recipes: recipes.clone(), current: vec![BTreeMap::new(); peers] }
    }

    pub fn peers(&self) -> usize {
        self.current.len()
    }

    pub fn view(&mut self, peer: usize) -> View<'_> {
        View { store: &mut self.store, current: &mut self.current[peer] }
    }

    pub fn change(&mut self, peer: usize, object: &Object, now_ms: u64) -> Stored {
        let recipes = self.recipes.clone();
        store_version(&mut self.view(peer), &recipes, object, now_ms).unwrap()
    }

    /// The node that a peer announces.
    pub fn announced(&mut self, peer: usize, id: &IdHash) -> Option<ObjectHash> {
        let published = published(&self.view(peer), id).unwrap()?;
        // It has to be there for whoever asks for it.
        assert!(self.store.object(&published.node.hash()).unwrap().is_some());
        Some(published.node.hash())
    }

    pub fn merge(&mut self, peer: usize, id: &IdHash, node: ObjectHash) -> Merged {
        let recipes = self.recipes.clone();
        let before = self.announced(peer, id);
        let merged = merge_remote(&mut self.view(peer), &recipes, id, node, &LIMITS).unwrap();
        assert_eq!(merged.announce, self.announced(peer, id) != before);
        assert!(merged.announce || !merged.changed);
        merged
    }

    /// One tells another what it has.
    pub fn tell(&mut self, from: usize, to: usize, id: &IdHash) -> bool {
        self.announced(from, id).is_some_and(|node| self.merge(to, id, node).announce)
    }

    /// All tell all, until nobody has anything new to announce. Gives the node that all announce then.
    pub fn settle(&mut self, id: &IdHash) -> Option<ObjectHash> {
        for _ in 0..4 * self.peers() + 8 {
            let mut news = false;
            for from in 0..self.peers() {
                for to in 0..self.peers() {
                    news |= self.tell(from, to, id);
                }
            }
            if !news {
                let announced: Vec<_> = (0..self.peers()).map(|peer| self.announced(peer, id)).collect();
                assert!(announced.windows(2).all(|pair| pair[0] == pair[1]), "they do not agree: {announced:?}");
                return announced[0];
            }
        }
        panic!("they do not come to rest");
    }
}

impl Objects for View<'_> {
    type Error = Infallible;

    fn object(&self, hash: &ObjectHash) -> Result<Option<Microdata>, Infallible> {
        self.store.object(hash)
    }

    fn id_object(&self, id: &IdHash) -> Result<Option<Microdata>, Infallible> {
        self.store.id_object(id)
    }

    fn contains(&self, reference: &Reference) -> Result<bool, Infallible> {
        self.store.contains(reference)
    }
}

impl ObjectsMut for View<'_> {
    fn put(&mut self, object: &Microdata) -> Result<ObjectHash, Infallible> {
        self.store.put(object)
    }

    fn put_id(&mut self, id_object: &Microdata) -> Result<IdHash, Infallible> {
        self.store.put_id(id_object)
    }
}

impl Versions for View<'_> {
    fn current(&self, id: &IdHash) -> Result<Option<ObjectHash>, Infallible> {
        Ok(self.current.get(id).copied())
    }

    fn set_current(&mut self, id: IdHash, node: ObjectHash) -> Result<(), Infallible> {
        self.current.insert(id, node);
        Ok(())
    }
}

/// A store that counts what is read and what is written.
#[derive(Default)]
pub struct Counting {
    pub inner: Memory,
    reads: Cell<usize>,
    writes: usize,
}

impl Counting {
    /// Reads and writes since this was called last.
    pub fn take(&mut self) -> (usize, usize) {
        (self.reads.take(), std::mem::take(&mut self.writes))
    }
}

impl Objects for Counting {
    type Error = Infallible;

    fn object(&self, hash: &ObjectHash) -> Result<Option<Microdata>, Infallible> {
        self.reads.set(self.reads.get() + 1);
        self.inner.object(hash)
    }

    fn id_object(&self, id: &IdHash) -> Result<Option<Microdata>, Infallible> {
        self.reads.set(self.reads.get() + 1);
        self.inner.id_object(id)
    }

    fn contains(&self, reference: &Reference) -> Result<bool, Infallible> {
        self.reads.set(self.reads.get() + 1);
        self.inner.contains(reference)
    }
}

impl ObjectsMut for Counting {
    fn put(&mut self, object: &Microdata) -> Result<ObjectHash, Infallible> {
        self.writes += 1;
        self.inner.put(object)
    }

    fn put_id(&mut self, id_object: &Microdata) -> Result<IdHash, Infallible> {
        self.writes += 1;
        self.inner.put_id(id_object)
    }
}

impl Versions for Counting {
    fn current(&self, id: &IdHash) -> Result<Option<ObjectHash>, Infallible> {
        self.inner.current(id)
    }

    fn set_current(&mut self, id: IdHash, node: ObjectHash) -> Result<(), Infallible> {
        self.inner.set_current(id, node)
    }
}
