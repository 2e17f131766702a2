//! What can go wrong between a command and the daemon.

use std::io;

/// Why a call to the daemon failed. The texts are for people; those of the daemon are shown escaped by whoever shows them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Nobody listens there, or the connection ended.
    #[error("the node does not answer any more: {0}")]
    Gone(#[source] io::Error),
    /// It takes too long.
    #[error("the node takes too long to answer")]
    Silent,
    /// It said no.
    #[error("{message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What kind of refusal it is, for programs.
        code: String,
        /// What happened.
        message: String,
        /// What to do.
        help: Option<String>,
    },
    /// What it said is not what was expected.
    #[error("the node answered something else than expected: {0}")]
    Answer(String),
    /// What it said is longer than anything that it should say.
    #[error("the node answered more than is taken")]
    TooLong,
    /// A file of ours cannot be read or written.
    #[error("{0}")]
    File(#[source] io::Error),
}

impl ClientError {
    /// Whether nobody is there, so that a daemon may be started in its place.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::Gone(_))
    }

    /// The kind of a refusal.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            _ => None,
        }
    }
}
