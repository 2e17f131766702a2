//! Why there is no backup, or no node of it, for people.

use std::io;
use std::path::{Path, PathBuf};

use crate::model::{HomeError, ModelError};

/// Why not. What failed has left nothing behind.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The backup would replace something.
    #[error("{0} exists already")]
    Exists(PathBuf),
    /// The node would mix with something.
    #[error("{0} is not empty")]
    NotEmpty(PathBuf),
    /// No passphrase, or one that is too long.
    #[error("the passphrase has to have 1 to 1024 bytes")]
    Passphrase,
    /// It is something else.
    #[error("{0} is no backup of a node")]
    NoBackup(PathBuf),
    /// A later version of this program made it.
    #[error("the backup has format {0}, which this program does not know")]
    Format(u32),
    /// It does not open.
    #[error("the passphrase is wrong, or the beginning of the backup was damaged")]
    WrongPassphrase,
    /// It is not what was written.
    #[error("the backup is damaged: {0}")]
    Damaged(&'static str),
    /// What is in it is no node that works.
    #[error("what is in the backup does not work: {0}")]
    Broken(String),
    /// Whoever asked for it wants it no more.
    #[error("it was stopped")]
    Stopped,
    /// The node.
    #[error(transparent)]
    Model(#[from] ModelError),
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

impl BackupError {
    pub(super) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Io { what, path: path.to_owned(), error }
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Exists(_) => "name another file; nothing is ever replaced",
            Self::NotEmpty(_) => "a node is restored into a folder that is empty or not there yet; name another one",
            Self::Passphrase => "choose one that you will know when you need it; a few words are good",
            Self::NoBackup(_) => "name a file that `ratatosk backup` has written",
            Self::Format(_) => "restore it with the version of the program that made it, or a later one",
            Self::WrongPassphrase => "try again; without the passphrase nobody can open it, you included",
            Self::Damaged(_) | Self::Broken(_) => "restore another backup; nothing was left of this one",
            Self::Stopped => "nothing of it is left; begin again",
            Self::Model(_) => "`ratatosk doctor` examines the node",
            Self::Io { .. } => "look at the permissions and at the disk",
        }
    }
}

impl From<ratatosk_store::Error> for BackupError {
    fn from(error: ratatosk_store::Error) -> Self {
        Self::Model(error.into())
    }
}

impl From<HomeError> for BackupError {
    fn from(error: HomeError) -> Self {
        Self::Model(error.into())
    }
}
