//! Why versions could not be stored or merged.

use ratatosk_objects::{IdHash, ObjectHash, ReadError, WriteError};

/// Why versions could not be stored or merged. After any of them the caller rolls back its transaction.
#[derive(Debug, thiserror::Error)]
pub enum Error<E> {
    /// The store could not answer, or not keep something.
    #[error("the store: {0}")]
    Store(E),
    /// An object that something refers to is not there.
    #[error("object {0} is not there")]
    Missing(ObjectHash),
    /// An object that is there is not what its place asks for, or its type is not known.
    #[error("object {hash}: {cause}")]
    Unreadable {
        /// The object.
        hash: ObjectHash,
        /// Why.
        cause: ReadError,
    },
    /// An object of another type stands where a version node, an entry of a list, or the time of an entry should.
    #[error("object {hash} is no {expected}")]
    WrongType {
        /// The object.
        hash: ObjectHash,
        /// What it should be.
        expected: &'static str,
    },
    /// The result cannot be written, e.g. because it is larger than objects may be; or the given object fits no recipe.
    #[error("cannot be written: {0}")]
    Write(#[from] WriteError),
    /// The data of a version node belong to another object than the one that was announced.
    #[error("the data belong to object {found}, not {expected}")]
    OtherObject {
        /// The object that the caller asked for.
        expected: IdHash,
        /// The object that the data belong to.
        found: IdHash,
    },
    /// A point in time that is no whole number of milliseconds between the years 1970 and 275760.
    #[error("object {0} has a time that is none")]
    Time(ObjectHash),
    /// An entry is not older than the entry on top of it, in a list that should be one of ours. Those of others may be so:
    /// [`crate::list::merge`] puts their entries in order.
    #[error("the list is not in order at entry {0}")]
    Unsorted(ObjectHash),
    /// One merge would have to read more entries than [`crate::Limits::entries`].
    #[error("more than {0} entries to read")]
    TooManyEntries(usize),
    /// An entry with more metadata than [`crate::list::MAX_METADATA`].
    #[error("entry {0} has too much metadata")]
    TooMuchMetadata(ObjectHash),
}
