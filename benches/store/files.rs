//! A file for each object, as much as can be had of that: named by its hash, in 256 folders.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use ratatosk_benches::Outcome;
use ratatosk_objects::{Limits, Microdata, ObjectHash};
use sha2::{Digest, Sha256};

/// The folder.
#[derive(Debug)]
pub(crate) struct Files {
    folder: PathBuf,
    /// Whether a batch is on the disk when it is done. If not, a power failure leaves what it likes.
    is_safe: bool,
}

impl Files {
    pub(crate) fn create(folder: &Path, is_safe: bool) -> Outcome<Self> {
        for first in 0..=255_u8 {
            fs::create_dir_all(folder.join(format!("{first:02x}")))?;
        }
        Ok(Self { folder: folder.to_owned(), is_safe })
    }

    /// The same folder, and nothing waits for the disk.
    pub(crate) fn not_durable(&self) -> Self {
        Self { folder: self.folder.clone(), is_safe: false }
    }

    fn path(&self, hash: &ObjectHash) -> PathBuf {
        let name = hash.to_string();
        self.folder.join(&name[..2]).join(&name[2..])
    }

    /// Each file is written under another name, made durable and then renamed; the folders are made durable once for all.
    pub(crate) fn put(&self, batch: &[Microdata]) -> Outcome<()> {
        let mut written = Vec::with_capacity(batch.len());
        for object in batch {
            let path = self.path(&object.hash());
            let unfinished = path.with_extension("new");
            let mut file = File::create(&unfinished)?;
            file.write_all(object.as_str().as_bytes())?;
            written.push((unfinished, path));
        }
        // All are written first, so that the disk can take them together.
        if self.is_safe {
            for (unfinished, _) in &written {
                File::open(unfinished)?.sync_all()?;
            }
        }
        let mut folders = BTreeSet::new();
        for (unfinished, path) in &written {
            fs::rename(unfinished, path)?;
            folders.extend(path.parent());
        }
        if self.is_safe {
            folders.into_iter().try_for_each(|folder| File::open(folder)?.sync_all())?;
        }
        Ok(())
    }

    /// Checks it as the store does.
    pub(crate) fn get(&self, hash: &ObjectHash) -> Outcome<Microdata> {
        let object = Microdata::check(&fs::read_to_string(self.path(hash))?, &Limits::DEFAULT)?;
        if object.hash() == *hash { Ok(object) } else { Err("another hash".into()) }
    }

    /// A file of any size, hashed on the way.
    pub(crate) fn put_bytes(&self, pieces: &[u8], piece: usize) -> Outcome<()> {
        let unfinished = self.folder.join("unfinished");
        let (mut file, mut hasher) = (File::create(&unfinished)?, Sha256::new());
        for piece in pieces.chunks(piece) {
            hasher.update(piece);
            file.write_all(piece)?;
        }
        file.sync_all()?;
        let hash: [u8; 32] = hasher.finalize().into();
        let path = self.path(&ObjectHash::from_bytes(hash));
        fs::rename(&unfinished, &path)?;
        Ok(path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())?)
    }

    pub(crate) fn get_bytes(&self, hash: &[u8; 32], piece: usize) -> Outcome<u64> {
        let mut file = File::open(self.path(&ObjectHash::from_bytes(*hash)))?;
        let (mut buffer, mut hasher, mut length) = (vec![0; piece], Sha256::new(), 0);
        loop {
            let count = file.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            hasher.update(&buffer[..count]);
            length += count as u64;
        }
        if hasher.finalize()[..] == hash[..] { Ok(length) } else { Err("another hash".into()) }
    }
}
