//! Why something about models was not done, for people.

use std::io;
use std::path::{Path, PathBuf};

use ratatosk_engine::EngineError;

/// Why not. What failed has changed nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogueError {
    /// The file is no model that can be used.
    #[error("{path}: {error}")]
    Model {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        error: EngineError,
    },
    /// The path names something else than a file.
    #[error("{0} is not a file")]
    NotAFile(PathBuf),
    /// It cannot be called that.
    #[error("a model cannot be called \"{name}\"")]
    BadName {
        /// The name, escaped.
        name: String,
    },
    /// There is one of that name.
    #[error("there is a model called {name} already")]
    Exists {
        /// The name.
        name: String,
    },
    /// There is none of that name.
    #[error("there is no model called \"{name}\"")]
    Unknown {
        /// The name, escaped.
        name: String,
    },
    /// AIs use it.
    #[error("the model {name} is used by {agents}")]
    InUse {
        /// The name.
        name: String,
        /// Their slugs.
        agents: String,
    },
    /// There are too many.
    #[error("there are {0} models already, and there can be no more")]
    TooMany(usize),
    /// The disk is too small.
    #[error("the model has {needs} bytes, and {free} are free where it would be copied to")]
    DiskFull {
        /// Bytes of the file.
        needs: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// Somebody has written to the file meanwhile.
    #[error("{0} has changed while it was read")]
    Changed(PathBuf),
    /// Whoever asked for it wants it no more.
    #[error("the import was stopped")]
    Stopped,
    /// What is kept about a model is not what was written.
    #[error("{path} cannot be read: {reason}")]
    Facts {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file system.
    #[error("cannot {what} {path}: {error}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// With what.
        path: PathBuf,
        /// What the operating system says.
        error: io::Error,
    },
}

impl CatalogueError {
    pub(super) fn io(what: &'static str, path: &Path, error: io::Error) -> Self {
        Self::Io { what, path: path.to_owned(), error }
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Model { error, .. } => error.help(),
            Self::NotAFile(_) => "Name a GGUF file.",
            Self::BadName { .. } => {
                "A name has at most 64 letters, digits, dots, hyphens and underscores, and begins with a letter or a digit."
            }
            Self::Exists { .. } => "Give it another name, or remove the other one.",
            Self::Unknown { .. } => "`ratatosk model list` lists all that there are.",
            Self::InUse { .. } => "Give these AIs another model first, or remove them.",
            Self::TooMany(_) => "Remove one that nobody uses.",
            Self::DiskFull { .. } => "Make room, or use the file where it lies: `ratatosk model import --link`.",
            Self::Changed(_) => "Wait until the download is complete, and import it then.",
            Self::Stopped => "Nothing of it is left; import it again.",
            Self::Facts { .. } => "Remove the folder that it lies in, and import the model again.",
            Self::Io { .. } => "Look at the permissions and at the disk.",
        }
    }
}
