//! What goes wrong: with a root, or with the connection.

use ratatosk_objects::Reference;
use thiserror::Error;

use crate::list::ListError;
use crate::message::RemoteError;

/// Why a root was not taken over. Other roots are not affected.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The peer answered with an error.
    #[error("the peer answered with an error: {0}")]
    Remote(RemoteError),
    /// An answer of another kind than was asked for.
    #[error("an answer of the wrong kind")]
    WrongKind,
    /// The list of children is none, or too long.
    #[error(transparent)]
    List(#[from] ListError),
    /// The text is not what the hash stands for.
    #[error("{0:?} came with another content")]
    Hash(Reference),
    /// The text is no object.
    #[error("{hash:?} is no object: {reason}")]
    Malformed {
        /// What was asked for.
        hash: Reference,
        /// What is wrong with it.
        reason: String,
    },
    /// An object refers to something that is neither stored nor stands behind it in the list (the reference: `CI-ACO`).
    #[error("{child:?} needs {missing:?}, which is neither stored nor listed behind it")]
    Dependency {
        /// The object.
        child: Reference,
        /// What it needs.
        missing: Reference,
    },
    /// An object refers to something of ours that the peer neither sent nor may see: by that it would come to see it.
    #[error("{child:?} needs {missing:?}, which the peer has not shown to have")]
    Unproven {
        /// The object.
        child: Reference,
        /// What it needs.
        missing: Reference,
    },
    /// A type that nobody may send: it would give rights (the reference: `CIEC-FO3`).
    #[error("objects of this type are not taken from anybody")]
    ForbiddenType,
    /// The root is not of the type that was announced (the reference: `CI-CCI2`).
    #[error("the root is of another type than announced")]
    Type,
    /// The root is a version of something else than was announced (the reference: `CI-CCI1`).
    #[error("the root is a version of something else than announced")]
    Id,
    /// It cannot be merged with what is here.
    #[error("it cannot be merged: {0}")]
    Merge(String),
    /// Answers wait for one that does not come.
    #[error("too many bytes wait for an answer that is missing")]
    HeldBack,
}

/// Why a connection ends. The text becomes the reason of the close frame.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// The first message is not `synchronisation`.
    #[error("Expected synchronisation")]
    NoSynchronisation,
    /// `synchronisation`, or an answer, did not come in time.
    #[error("No answer in time")]
    Silence,
    /// The peer speaks another version.
    #[error("CHUM version mismatch")]
    Version,
    /// A message is longer than allowed.
    #[error("Message too long")]
    TooLong,
    /// The list of roots is none.
    #[error("Malformed list of roots")]
    Roots,
    /// The peer refused to name its roots.
    #[error("No list of roots")]
    NoRoots,
    /// Too many requests at a time.
    #[error("Too many requests")]
    TooManyRequests,
    /// Answers to requests that were not sent yet.
    #[error("Answers to what was not asked")]
    Unasked,
    /// Too many messages that mean nothing.
    #[error("Too many invalid messages")]
    Odd,
}
