//! Why a header cannot be used.

use std::io;
use std::path::Path;

use crate::EngineError;

/// What is wrong with a file. [`Self::of`] makes an error for people of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system did not let us read on.
    #[error("reading failed: {0}")]
    Io(#[from] io::Error),
    /// Something else than a model in this format.
    #[error("{0}")]
    NotAModel(String),
    /// The file ends too early.
    #[error("it ends after {has} bytes of {needs}")]
    Truncated {
        /// Bytes that are there.
        has: u64,
        /// Bytes that it needs at least.
        needs: u64,
    },
    /// It contradicts itself, or a bound.
    #[error("{0}")]
    Damaged(String),
}

impl Error {
    /// The same for the person who imports or loads the file at `path`.
    pub fn of(self, path: &Path) -> EngineError {
        let path = || path.display().to_string();
        match self {
            Self::Io(error) if error.kind() == io::ErrorKind::NotFound => EngineError::FileMissing { path: path() },
            Self::Io(error) => EngineError::Unreadable { path: path(), reason: error.to_string() },
            Self::NotAModel(reason) => EngineError::NotGguf { reason },
            Self::Truncated { has, needs } => EngineError::Truncated { has, needs },
            Self::Damaged(reason) => EngineError::Damaged { reason },
        }
    }
}

/// [`Error::Damaged`], said shortly.
pub(super) fn damaged<T>(reason: impl Into<String>) -> Result<T, Error> {
    Err(Error::Damaged(reason.into()))
}

/// At most 80 characters of a text of the file, without control characters, for the middle of a message.
pub(super) fn quoted(text: &str) -> String {
    let mut short: String = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(80).collect();
    if short.len() < text.len() && text.chars().nth(80).is_some() {
        short.push('…');
    }
    format!("\"{short}\"")
}
