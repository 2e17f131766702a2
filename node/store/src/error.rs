//! What can go wrong with a store.

use std::io;
use std::path::PathBuf;

use ratatosk_objects::{ObjectHash, Reference};
use rusqlite::ErrorCode;

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another process, or another [`Store`](crate::Store) of this one, has the folder open.
    #[error(
        "{} is in use by another process; stop that one (is the node running already?) or name another folder",
        .0.display()
    )]
    InUse(PathBuf),
    /// The store was written by a later version of this program.
    #[error(
        "{} was written by a newer version (tables of version {found}; this program knows up to {known}); \
         use that version, or restore an older copy of the folder",
        .file.display()
    )]
    Newer {
        /// The database.
        file: PathBuf,
        /// The version of its tables.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// The file is no store.
    #[error("{} is not a store of Ratatosk; it was left as it is", .0.display())]
    Foreign(PathBuf),
    /// The folder, or a file in it, cannot be used.
    #[error("{}: {source}", .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No space is left. Nothing of the transaction was kept.
    #[error("the disk is full; nothing was changed")]
    Full,
    /// The file contradicts itself. [`Store::check`](crate::Store::check) says where.
    #[error("the store is damaged ({0}); check it, and restore a copy of the folder")]
    Corrupt(String),
    /// What lies under a hash does not have that hash.
    #[error("what is stored as {} {} is damaged", .0.data_type(), hex(.0))]
    Damaged(Reference),
    /// An id object was given where an object is stored, or the other way round.
    #[error("{0} is {is} id object", is = if *.1 { "an" } else { "no" })]
    WrongKind(ObjectHash, bool),
    /// Bytes do not have the hash that was expected. Nothing of them was kept.
    #[error("bytes were to have the hash {expected}, and have {found}", expected = text(.expected), found = text(.found))]
    WrongHash {
        /// What was expected.
        expected: [u8; 32],
        /// What they have.
        found: [u8; 32],
    },
    /// More bytes than were allowed. Nothing of them was kept.
    #[error("more than the {0} bytes that are allowed")]
    TooLarge(u64),
    /// Bytes that were being read were removed as garbage meanwhile.
    #[error("it was removed while it was being read")]
    Gone,
    /// A setting has another type than it is read as.
    #[error("the setting {0:?} has another type")]
    SettingType(String),
    /// Something is being imported ([`Store::hold`](crate::Store::hold)), so garbage cannot be told from what is still to be used.
    #[error("something is being stored at this moment; garbage cannot be removed until that is done")]
    Held,
    /// Anything else that SQLite reports.
    #[error("the database: {0}")]
    Database(#[source] rusqlite::Error),
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt(error.to_string()),
            _ => Self::Database(error),
        }
    }
}

fn hex(reference: &Reference) -> String {
    text(reference.hash_bytes())
}

fn text(hash: &[u8; 32]) -> String {
    ObjectHash::from_bytes(*hash).to_string()
}
