//! Taking a file in: looked at first, then linked or copied, then hashed, and all of it in place at once.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use ratatosk_engine::gguf::{self, Header};
use ratatosk_protocol::driver::os_entropy;
use ratatosk_protocol::entropy::array;
use sha2::{Digest, Sha256};

use super::entry::{Entry, WEIGHTS, state};
use super::{Catalogue, CatalogueError, MAX_MODELS, Model, NEW, name};

/// Bytes that are read at once.
const PIECE: usize = 1 << 20;
/// Bytes that stay free on a disk that a model is copied to.
const RESERVE: u64 = 64 << 20;

/// What is to be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// Where the file lies.
    pub path: PathBuf,
    /// What it shall be called.
    pub name: String,
    /// Uses the file where it lies. Otherwise it becomes another name of the same file, where the file system can do that, and a
    /// copy where it cannot.
    pub in_place: bool,
}

/// How far an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that were read.
    pub done: u64,
    /// Bytes of the file.
    pub total: u64,
}

impl Catalogue {
    /// Takes a model in. `tell` hears how far it is, once for each MiB, and can stop it.
    ///
    /// # Errors
    ///
    /// What is wrong with the file, the name, or the disk. Nothing is left of an import that failed.
    pub fn import(
        &self,
        import: &Import,
        tell: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Model, CatalogueError> {
        let name = name::checked(&import.name)?;
        let folder = self.folder_of(name);
        self.check_room(name, &folder)?;
        let path = fs::canonicalize(&import.path).map_err(|error| CatalogueError::io("find", &import.path, error))?;
        let before = state(&path).map_err(|error| CatalogueError::io("examine", &path, error))?;
        // Opening something else, like a pipe, could wait for ever.
        if !path.is_file() {
            return Err(CatalogueError::NotAFile(path));
        }
        let header = look(&path)?;
        let unfinished = Unfinished::create(self.dir.join(format!("{NEW}{}", mark())))?;
        let at = unfinished.0.join(WEIGHTS);
        let is_linked = !import.in_place && fs::hard_link(&path, &at).is_ok();
        let sha256 = if import.in_place || is_linked {
            read_through(&path, None, before.0, tell)?
        } else {
            self.check_disk(before.0)?;
            read_through(&path, Some(&at), before.0, tell)?
        };
        if state(&path).map_err(|error| CatalogueError::io("examine", &path, error))? != before {
            return Err(CatalogueError::Changed(path));
        }
        let kept = if import.in_place { &path } else { &at };
        let (size, modified) = state(kept).map_err(|error| CatalogueError::io("examine", kept, error))?;
        let elsewhere = import.in_place.then(|| path.clone());
        let entry = Entry { elsewhere, ..entry(name, size, modified, sha256, header) };
        entry.write(&unfinished.0)?;
        sync_folder(&unfinished.0)?;
        {
            let _renaming = self.renaming();
            self.check_room(name, &folder)?;
            unfinished.finish(&folder)?;
        }
        sync_folder(&self.dir)?;
        Ok(Model::of(entry, &folder))
    }

    fn check_room(&self, name: &str, folder: &Path) -> Result<(), CatalogueError> {
        if folder.exists() {
            return Err(CatalogueError::Exists { name: name.to_owned() });
        }
        match self.folders(|name| !name.starts_with('.'))?.len() {
            count if count >= MAX_MODELS => Err(CatalogueError::TooMany(count)),
            _ => Ok(()),
        }
    }

    /// Refuses to fill the disk that the node itself needs.
    #[cfg(unix)]
    fn check_disk(&self, needs: u64) -> Result<(), CatalogueError> {
        let disk = rustix::fs::statvfs(&self.dir);
        let disk = disk.map_err(|error| CatalogueError::io("examine the disk of", &self.dir, error.into()))?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize).saturating_sub(RESERVE);
        if needs > free { Err(CatalogueError::DiskFull { needs, free }) } else { Ok(()) }
    }

    /// Where nobody can be asked, the copy fails when the disk is full.
    #[cfg(not(unix))]
    fn check_disk(&self, _: u64) -> Result<(), CatalogueError> {
        Ok(())
    }
}

/// Looks at the file before anything is done with it.
fn look(path: &Path) -> Result<Header, CatalogueError> {
    let refused = |error| CatalogueError::Model { path: path.to_owned(), error };
    let header = gguf::open(path).map_err(refused)?;
    header.facts.check_supported().map_err(refused)?;
    Ok(header)
}

fn entry(name: &str, size: u64, modified: u64, sha256: String, header: Header) -> Entry {
    let facts = header.facts;
    Entry {
        name: name.to_owned(),
        elsewhere: None,
        size,
        modified,
        sha256,
        architecture: facts.architecture,
        parameters: facts.parameters,
        quantisation: facts.quantisation,
        context: facts.context_length,
        chat: facts.chat_template.is_some(),
        title: facts.name,
    }
}

/// Reads all of a file, writes it to another one if there is to be one, and says its hash.
fn read_through(
    path: &Path,
    copy: Option<&Path>,
    total: u64,
    tell: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<String, CatalogueError> {
    let unreadable = |error| CatalogueError::io("read", path, error);
    let mut from = File::open(path).map_err(unreadable)?;
    let unwritable = |error| CatalogueError::io("write", copy.unwrap_or(path), error);
    let mut to = copy.map(File::create_new).transpose().map_err(unwritable)?;
    let (mut hash, mut done, mut piece) = (Sha256::new(), 0, vec![0; PIECE]);
    loop {
        let length = from.read(&mut piece).map_err(unreadable)?;
        if length == 0 {
            break;
        }
        done += length as u64;
        // Somebody goes on writing: it need not end.
        if done > total {
            return Err(CatalogueError::Changed(path.to_owned()));
        }
        hash.update(&piece[..length]);
        if let Some(to) = &mut to {
            to.write_all(&piece[..length]).map_err(unwritable)?;
        }
        if tell(Progress { done, total }).is_break() {
            return Err(CatalogueError::Stopped);
        }
    }
    if let Some(to) = &to {
        to.sync_all().map_err(unwritable)?;
    }
    Ok(hex::encode(hash.finalize()))
}

/// A folder that is no model yet. Dropping it removes it.
struct Unfinished(PathBuf);

impl Unfinished {
    fn create(path: PathBuf) -> Result<Self, CatalogueError> {
        fs::create_dir(&path).map_err(|error| CatalogueError::io("create", &path, error))?;
        Ok(Self(path))
    }

    /// Makes a model of it.
    fn finish(self, folder: &Path) -> Result<(), CatalogueError> {
        // Of a folder that has another name now, nothing is removed.
        fs::rename(&self.0, folder).map_err(|error| CatalogueError::io("put in place", folder, error))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(folder = %self.0.display(), %error, "left over from an import");
        }
    }
}

/// What no two folders have.
pub(super) fn mark() -> String {
    hex::encode(array::<8>(os_entropy().as_mut()))
}

/// Without this a rename may be forgotten when the power fails.
#[cfg(unix)]
pub(super) fn sync_folder(path: &Path) -> Result<(), CatalogueError> {
    let sync = File::open(path).and_then(|folder| folder.sync_all());
    sync.map_err(|error| CatalogueError::io("write", path, error))
}

/// Folders cannot be opened here.
#[cfg(not(unix))]
pub(super) fn sync_folder(_: &Path) -> Result<(), CatalogueError> {
    Ok(())
}
