//! Folders and objects for tests.

#![allow(dead_code, reason = "each test program uses some of it")]

use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};

use ratatosk_objects::typed::{Person, VersionNodeEdge};
use ratatosk_objects::{IdHash, Limits, Microdata, ObjectHash, Reference, Typed, Versioned};

/// A folder that is removed at the end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("store-{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        // Of a process that had the same number.
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The database, for those who want to damage it or look below the store.
    pub(crate) fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.0.join("store.db")).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// An object of a type that nobody knows, which refers to others.
pub(crate) fn object(name: &str, references: &[Reference]) -> Microdata {
    let links: String = references
        .iter()
        .map(|to| {
            let hash = ObjectHash::from_bytes(*to.hash_bytes());
            format!("<li><a data-type=\"{}\">{hash}</a></li>", to.data_type())
        })
        .collect();
    let text = format!(
        "<div itemscope itemtype=\"//refin.io/Thing\"><span itemprop=\"name\">{name}</span><ol itemprop=\"to\">{links}</ol></div>"
    );
    Microdata::check(&text, &Limits::DEFAULT).unwrap()
}

/// A person: an object, and its id object.
pub(crate) fn person(name: &str) -> (Microdata, Microdata) {
    let person = Person { email: format!("{name}@peer.test"), name: None };
    (person.microdata().unwrap(), person.id_microdata().unwrap())
}

/// The id hash of a person.
pub(crate) fn id(name: &str) -> IdHash {
    person(name).1.id_hash().unwrap()
}

/// A version node.
pub(crate) fn node(data: ObjectHash, creation_time: u64) -> Microdata {
    VersionNodeEdge { data, depth: 0, creation_time }.microdata().unwrap()
}

/// Bytes that differ from place to place.
pub(crate) fn bytes(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33).to_le_bytes()[0]
    };
    std::iter::repeat_with(next).take(length).collect()
}
