//! Random operations, against a model in memory.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use common::{Folder, bytes, id, node, object, person};
use proptest::prelude::*;
use ratatosk_objects::{InstanceId, Microdata, ObjectHash, PersonId, Reference};
use ratatosk_store::{Error, SharedRoot, Store, Transaction};

/// What a name stands for is small, so that operations meet.
const NAMES: u8 = 6;

#[derive(Clone, Debug)]
enum Op {
    /// An object that refers to others, which may be missing.
    Put {
        name: u8,
        to: Vec<(u8, u8)>,
    },
    PutId(u8),
    Blob {
        name: u8,
        length: usize,
    },
    Current {
        id: u8,
        node: u8,
    },
    Share {
        person: u8,
        what: (u8, u8),
        on: bool,
    },
    Known {
        instance: u8,
        id: u8,
        node: Option<u8>,
    },
    Pin {
        what: (u8, u8),
        on: bool,
    },
    Fail(Vec<Op>),
    Collect,
    Reopen,
}

fn op() -> impl Strategy<Value = Op> {
    let name = || 0..NAMES;
    let what = || (0..3_u8, name());
    let simple = prop_oneof![
        4 => (name(), prop::collection::vec(what(), 0..4)).prop_map(|(name, to)| Op::Put { name, to }),
        1 => name().prop_map(Op::PutId),
        2 => (name(), name()).prop_map(|(id, node)| Op::Current { id, node }),
        2 => (name(), (0..2_u8, name()), any::<bool>()).prop_map(|(person, what, on)| Op::Share { person, what, on }),
        1 => (name(), name(), prop::option::of(name())).prop_map(|(instance, id, node)| Op::Known { instance, id, node }),
        1 => (what(), any::<bool>()).prop_map(|(what, on)| Op::Pin { what, on }),
    ]
    .boxed();
    prop_oneof![
        12 => simple.clone(),
        2 => (name(), prop::sample::select(vec![0, 5, 65_536, 1 << 20])).prop_map(|(name, length)| Op::Blob { name, length }),
        1 => prop::collection::vec(simple, 1..4).prop_map(Op::Fail),
        1 => Just(Op::Collect),
        1 => Just(Op::Reopen),
    ]
}

/// What the store is to hold.
#[derive(Clone, Debug, Default)]
struct Model {
    /// Objects, id objects and BLOBs, with what they refer to.
    stored: BTreeMap<Reference, Vec<Reference>>,
    /// The last object that has a name.
    named: HashMap<u8, ObjectHash>,
    /// The last BLOB that has a name.
    blobs: HashMap<u8, (Reference, Vec<u8>)>,
    current: BTreeMap<u8, ObjectHash>,
    access: BTreeSet<(u8, SharedRoot)>,
    generations: HashMap<u8, u64>,
    known: BTreeMap<(u8, u8), ObjectHash>,
    pins: BTreeSet<Reference>,
}

fn ident(name: u8) -> ratatosk_objects::IdHash {
    id(&format!("person {name}"))
}

impl Model {
    /// What a kind and a name stand for now; something that never was if there is no such thing.
    fn reference(&self, (kind, name): (u8, u8)) -> Reference {
        match kind {
            0 => self.object(name).into(),
            1 => ident(name).into(),
            _ => self.blobs.get(&name).map_or_else(|| self.object(name).into(), |(blob, _)| *blob),
        }
    }

    fn object(&self, name: u8) -> ObjectHash {
        self.named.get(&name).copied().unwrap_or_else(|| ObjectHash::from_bytes([name; 32]))
    }

    fn store(&mut self, reference: Reference, microdata: &Microdata) {
        self.stored.insert(reference, microdata.references());
    }

    fn root(&self, what: (u8, u8)) -> SharedRoot {
        if what.0 == 0 { SharedRoot::Object(self.object(what.1)) } else { SharedRoot::Id(ident(what.1)) }
    }

    /// Does it here and there.
    fn apply(&mut self, op: &Op, tx: &mut Transaction<'_>) -> Result<(), Error> {
        match op {
            Op::Put { name, to } => {
                let to: Vec<_> = to.iter().map(|what| self.reference(*what)).collect();
                let object = object(&format!("object {name}"), &to);
                self.named.insert(*name, tx.put(&object)?);
                self.store(object.hash().into(), &object);
            }
            Op::PutId(name) => {
                let (_, id_object) = person(&format!("person {name}"));
                self.store(tx.put_id(&id_object)?.into(), &id_object);
            }
            Op::Current { id, node: data } => {
                let node = node(self.object(*data), 0);
                tx.put(&node)?;
                self.store(node.hash().into(), &node);
                tx.set_current(ident(*id), node.hash())?;
                if self.current.insert(*id, node.hash()) != Some(node.hash()) {
                    let root = SharedRoot::Id(ident(*id));
                    for (person, _) in self.access.iter().filter(|(_, shared)| *shared == root) {
                        *self.generations.entry(*person).or_default() += 1;
                    }
                }
            }
            Op::Share { person, what, on } => {
                let (root, whom) = (self.root(*what), PersonId::from(ident(*person)));
                let (changed, expected) = if *on {
                    (tx.share(&whom, root)?, self.access.insert((*person, root)))
                } else {
                    (tx.unshare(&whom, root)?, self.access.remove(&(*person, root)))
                };
                assert_eq!(changed, expected);
                *self.generations.entry(*person).or_default() += u64::from(changed);
            }
            Op::Known { instance, id, node } => {
                let whose = InstanceId::from(ident(*instance));
                if let Some(node) = node {
                    tx.set_known(&whose, &ident(*id), self.object(*node))?;
                    self.known.insert((*instance, *id), self.object(*node));
                } else {
                    tx.forget_known(&whose, &ident(*id))?;
                    self.known.remove(&(*instance, *id));
                }
            }
            Op::Pin { what, on } => {
                let what = self.reference(*what);
                if *on {
                    tx.pin("model", what)?;
                    self.pins.insert(what);
                } else {
                    tx.unpin("model", what)?;
                    self.pins.remove(&what);
                }
            }
            Op::Blob { .. } | Op::Fail(_) | Op::Collect | Op::Reopen => unreachable!("not within a transaction"),
        }
        Ok(())
    }

    /// Forgets what nothing reaches. Gives how much that was.
    fn collect(&mut self) -> usize {
        let mut waiting: Vec<Reference> = self.pins.iter().copied().collect();
        waiting.extend(self.access.iter().map(|(_, root)| Reference::from(*root)));
        waiting.extend(self.current.iter().flat_map(|(id, node)| [Reference::from(ident(*id)), (*node).into()]));
        waiting.extend(self.known.iter().flat_map(|((_, id), node)| [Reference::from(ident(*id)), (*node).into()]));
        let mut reached = BTreeSet::new();
        while let Some(reference) = waiting.pop() {
            if reached.insert(reference) {
                waiting.extend(self.stored.get(&reference).into_iter().flatten());
            }
        }
        let before = self.stored.len();
        self.stored.retain(|reference, _| reached.contains(reference));
        before - self.stored.len()
    }

    /// Whether the store is the same.
    fn compare(&self, store: &Store) {
        let read: Result<(), Error> = store.read(|view| {
            for name in 0..NAMES {
                assert_eq!(view.current(&ident(name))?, self.current.get(&name).copied());
                let person = PersonId::from(ident(name));
                assert_eq!(view.generation(&person)?, self.generations.get(&name).copied().unwrap_or(0));
                let roots: Vec<_> =
                    self.access.iter().filter(|(whose, _)| *whose == name).map(|(_, root)| *root).collect();
                assert_eq!(view.roots(&person)?, roots);
                for id in 0..NAMES {
                    let known = view.known(&InstanceId::from(ident(name)), &ident(id))?;
                    assert_eq!(known, self.known.get(&(name, id)).copied());
                }
                for reference in [self.object(name).into(), Reference::Id(ident(name))] {
                    assert_eq!(view.contains(&reference)?, self.stored.contains_key(&reference), "{reference:?}");
                }
            }
            Ok(())
        });
        read.unwrap();
        let report = store.check(|_| {}).unwrap();
        let count = |of: fn(&Reference) -> bool| self.stored.keys().filter(|reference| of(reference)).count() as u64;
        assert_eq!(report.objects, count(|reference| matches!(reference, Reference::Object(_))));
        assert_eq!(report.id_objects, count(|reference| matches!(reference, Reference::Id(_))));
        assert_eq!(report.blobs, count(|reference| matches!(reference, Reference::Blob(_))));
        for (blob, content) in self.blobs.values() {
            let Reference::Blob(hash) = blob else { panic!("{blob:?}") };
            let read = store.read_blob(hash).unwrap();
            assert_eq!(read.is_some(), self.stored.contains_key(blob));
            if let Some(mut read) = read {
                let mut back = Vec::new();
                std::io::copy(&mut read, &mut back).unwrap();
                assert!(back == *content);
            }
        }
    }
}

proptest! {
    // Every operation is a commit that waits for the disk.
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_store_is_what_was_done_to_it(ops in prop::collection::vec(op(), 1..40)) {
        let folder = Folder::new();
        let mut store = Store::open(folder.path()).unwrap();
        let mut model = Model::default();
        for op in &ops {
            match op {
                Op::Blob { name, length } => {
                    let content = bytes(*length, u64::from(*name));
                    let mut writer = store.write_blob(u64::MAX);
                    writer.push(&content).unwrap();
                    let blob = Reference::from(writer.finish(None).unwrap());
                    model.stored.insert(blob, Vec::new());
                    model.blobs.insert(*name, (blob, content));
                }
                Op::Fail(ops) => {
                    let mut lost = model.clone();
                    let failed: Result<(), Error> = store.transaction(|tx| {
                        ops.iter().try_for_each(|op| lost.apply(op, tx))?;
                        Err(Error::Held)
                    });
                    prop_assert!(matches!(failed, Err(Error::Held)));
                }
                Op::Collect => {
                    let found = store.find_garbage(|_| {}).unwrap();
                    prop_assert_eq!(store.remove_garbage(|_| {}).unwrap(), found);
                    let expected = model.collect() as u64;
                    prop_assert_eq!(found.objects + found.id_objects + found.blobs, expected);
                    model.compare(&store);
                }
                Op::Reopen => {
                    drop(store);
                    store = Store::open(folder.path()).unwrap();
                    model.compare(&store);
                }
                op => store.transaction(|tx| model.apply(op, tx)).unwrap(),
            }
        }
        model.compare(&store);
    }
}
