//! The models of a node: files that were looked at before they were taken in, under names that people give them.
//!
//! A model is a folder below `models/` with `model.json`, what is known about it, and `model.gguf`, unless the file stays where it
//! lay. A folder comes and goes by one rename, so there is a whole model or none at any moment; what a crash left behind is swept
//! away when the catalogue is opened. All calls block on the disk, and importing a large file takes minutes: it is for threads that
//! may wait, and tells how far it is.
//!
//! | File | What lives there |
//! | --- | --- |
//! | `entry` | what is known about a model |
//! | `import` | taking a file in |
//! | `name` | what a model can be called |
//! | `error` | why not, for people |

mod entry;
mod error;
mod import;
mod name;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

pub use self::entry::{Entry, Model};
pub use self::error::CatalogueError;
pub use self::import::{Import, Progress};
pub use self::name::{MAX_NAME, name_of};

/// Models of one node.
pub const MAX_MODELS: usize = 256;
/// The folder below the node's.
const FOLDER: &str = "models";
/// What folders are called that are not models yet, or not any more.
const NEW: &str = ".new-";
const OLD: &str = ".old-";

/// The catalogue of a node. The node's folder is locked by whoever has it, so this is the only one.
#[derive(Debug)]
pub struct Catalogue {
    dir: PathBuf,
    /// Held while folders change their names.
    renaming: Mutex<()>,
}

impl Catalogue {
    /// The catalogue of the node in a folder.
    ///
    /// # Errors
    ///
    /// What the file system says.
    pub fn open(node: &Path) -> Result<Self, CatalogueError> {
        let dir = node.join(FOLDER);
        fs::create_dir_all(&dir).map_err(|error| CatalogueError::io("create", &dir, error))?;
        let catalogue = Self { dir, renaming: Mutex::default() };
        for folder in catalogue.folders(|name| name.starts_with(NEW) || name.starts_with(OLD))? {
            // What cannot be removed now takes room, and nothing else.
            if let Err(error) = fs::remove_dir_all(&folder) {
                tracing::warn!(folder = %folder.display(), %error, "left over from an import that did not end");
            }
        }
        Ok(catalogue)
    }

    /// All models, by name. One whose facts cannot be read is left out, and logged.
    ///
    /// # Errors
    ///
    /// What the file system says.
    pub fn list(&self) -> Result<Vec<Model>, CatalogueError> {
        let mut models = Vec::new();
        for folder in self.folders(|name| !name.starts_with('.'))? {
            match Entry::read(&folder) {
                Ok(Some(entry)) => models.push(Model::of(entry, &folder)),
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "a model is left out"),
            }
        }
        models.sort_by(|one, other| one.entry.name.cmp(&other.entry.name));
        Ok(models)
    }

    /// One of them.
    ///
    /// # Errors
    ///
    /// [`CatalogueError::Unknown`]; what is wrong with its facts.
    pub fn get(&self, name: &str) -> Result<Model, CatalogueError> {
        let unknown = || CatalogueError::Unknown { name: name::shown(name) };
        let folder = self.dir.join(name::checked(name).map_err(|_| unknown())?.to_lowercase());
        Entry::read(&folder)?.map(|entry| Model::of(entry, &folder)).ok_or_else(unknown)
    }

    /// Removes a model; of one that was used where it lies the file stays there. `agents` are the AIs that use it.
    ///
    /// # Errors
    ///
    /// [`CatalogueError::InUse`], [`CatalogueError::Unknown`], what the file system says.
    pub fn remove(&self, name: &str, agents: &[String]) -> Result<(), CatalogueError> {
        let model = self.get(name)?;
        if !agents.is_empty() {
            return Err(CatalogueError::InUse { name: model.entry.name, agents: agents.join(", ") });
        }
        let folder = self.folder_of(&model.entry.name);
        let old = self.dir.join(format!("{OLD}{}", import::mark()));
        {
            let _renaming = self.renaming();
            fs::rename(&folder, &old).map_err(|error| CatalogueError::io("remove", &folder, error))?;
        }
        import::sync_folder(&self.dir)?;
        fs::remove_dir_all(&old).map_err(|error| CatalogueError::io("remove", &old, error))
    }

    /// Names differ in more than case, because folders do not everywhere.
    fn folder_of(&self, name: &str) -> PathBuf {
        self.dir.join(name.to_lowercase())
    }

    fn renaming(&self) -> std::sync::MutexGuard<'_, ()> {
        self.renaming.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The folders whose names are wanted.
    fn folders(&self, wanted: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, CatalogueError> {
        let failed = |error| CatalogueError::io("read", &self.dir, error);
        let mut folders = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_name().to_str().is_some_and(&wanted) && is_folder(&entry).map_err(failed)? {
                folders.push(entry.path());
            }
        }
        Ok(folders)
    }
}

fn is_folder(entry: &fs::DirEntry) -> io::Result<bool> {
    entry.file_type().map(|kind| kind.is_dir())
}

#[cfg(test)]
mod tests;
