//! The contenders behind one interface.

use std::fs;
use std::path::{Path, PathBuf};

use ratatosk_benches::Outcome;
use ratatosk_objects::{Microdata, ObjectHash};
use ratatosk_store::{Error, Store};

use crate::files::Files;

/// The names, in the order of their turns.
pub(crate) const STORE: &str = "store (SQLite)";
pub(crate) const FILES: &str = "plain files, durable";
pub(crate) const UNSAFE: &str = "plain files, not durable";

/// Keeps objects.
pub(crate) enum Keeper {
    Store(Store),
    Files(Files),
}

impl Keeper {
    /// All of them, empty, in folders of their own.
    pub(crate) fn all(folder: &Path) -> Outcome<[(&'static str, PathBuf, Self); 3]> {
        let [one, two, three] = ["store", "files", "unsafe"].map(|name| folder.join(name));
        let store = Self::Store(Store::open(&one)?);
        let (safe, not_safe) = (Files::create(&two, true)?, Files::create(&three, false)?);
        Ok([(STORE, one, store), (FILES, two, Self::Files(safe)), (UNSAFE, three, Self::Files(not_safe))])
    }

    /// Keeps objects as one commit.
    pub(crate) fn put(&self, batch: &[Microdata]) -> Outcome<()> {
        match self {
            Self::Store(store) => {
                store.transaction(|tx| batch.iter().try_for_each(|object| tx.put(object).map(drop)))?;
            }
            Self::Files(files) => files.put(batch)?,
        }
        Ok(())
    }

    /// The same without waiting for the disk, where that leaves the same behind.
    pub(crate) fn fill(&self, batch: &[Microdata]) -> Outcome<()> {
        match self {
            Self::Store(_) => self.put(batch),
            Self::Files(files) => files.not_durable().put(batch),
        }
    }

    pub(crate) fn get(&self, hash: &ObjectHash) -> Outcome<Microdata> {
        match self {
            Self::Store(store) => Ok(store.read(|view| view.object(hash)?.ok_or(Error::Gone))?),
            Self::Files(files) => files.get(hash),
        }
    }
}

/// Bytes that a folder takes on the disk.
pub(crate) fn space(folder: &Path) -> Outcome<u64> {
    use std::os::unix::fs::MetadataExt;
    let mut sum = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        sum += metadata.blocks() * 512;
        if metadata.is_dir() {
            sum += space(&entry.path())?;
        }
    }
    Ok(sum)
}
