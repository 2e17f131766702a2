//! What is known about a model, in a small file beside it.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use super::CatalogueError;

/// The longest such file, in bytes.
const MAX_FACTS: u64 = 64 << 10;
const FACTS: &str = "model.json";
/// The model itself, if it is not used where it lies.
pub(super) const WEIGHTS: &str = "model.gguf";

/// A model as it was when it was imported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// What it is called here.
    pub name: String,
    /// Where its file lies, if that is not beside this.
    pub elsewhere: Option<PathBuf>,
    /// Bytes of the file.
    pub size: u64,
    /// When the file was changed last, in milliseconds since 1970.
    pub modified: u64,
    /// Hash of the file, in hex.
    pub sha256: String,
    /// The family of its architecture.
    pub architecture: String,
    /// How many parameters.
    pub parameters: u64,
    /// How most of its weights are stored.
    pub quantisation: String,
    /// Tokens of context that it was trained for.
    pub context: u32,
    /// Whether it has a chat template.
    pub chat: bool,
    /// What it calls itself: text of whoever made it.
    pub title: Option<String>,
}

/// A model as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// What is known about it.
    pub entry: Entry,
    /// Where its file lies.
    pub path: PathBuf,
    /// What is wrong with the file now, if anything.
    pub problem: Option<String>,
}

impl Model {
    /// The model in a folder.
    pub(super) fn of(entry: Entry, folder: &Path) -> Self {
        let path = entry.elsewhere.clone().unwrap_or_else(|| folder.join(WEIGHTS));
        let problem = match state(&path) {
            Ok(state) if state == (entry.size, entry.modified) => None,
            Ok((size, _)) if size != entry.size => {
                Some(format!("its file had {} bytes and has {size} now", entry.size))
            }
            Ok(_) => Some("its file was written to since it was imported".to_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some("its file is gone".to_owned()),
            Err(error) => Some(format!("its file cannot be read: {error}")),
        };
        Self { entry, path, problem }
    }
}

/// Size, and when it was changed last.
pub(super) fn state(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::metadata(path)?;
    let since = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok((metadata.len(), u64::try_from(since.as_millis()).unwrap_or(u64::MAX)))
}

impl Entry {
    /// What a folder says; `None` if it is no model's.
    pub(super) fn read(folder: &Path) -> Result<Option<Self>, CatalogueError> {
        let path = folder.join(FACTS);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(CatalogueError::io("open", &path, error)),
        };
        let mut text = Vec::new();
        file.take(MAX_FACTS).read_to_end(&mut text).map_err(|error| CatalogueError::io("read", &path, error))?;
        let read = serde_json::from_slice(&text);
        read.map(Some).map_err(|error| CatalogueError::Facts { path, reason: error.to_string() })
    }

    /// Writes it into a new folder.
    pub(super) fn write(&self, folder: &Path) -> Result<(), CatalogueError> {
        let path = folder.join(FACTS);
        let failed = |error| CatalogueError::io("write", &path, error);
        let text = serde_json::to_vec_pretty(self).map_err(|error| failed(error.into()))?;
        let mut file = File::create_new(&path).map_err(failed)?;
        file.write_all(&text).and_then(|()| file.sync_all()).map_err(failed)
    }
}
