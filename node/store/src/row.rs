//! Hashes and references as columns.

use ratatosk_objects::{BlobHash, ClobHash, IdHash, ObjectHash, Reference};
use rusqlite::{OptionalExtension, Row};

use crate::error::Error;

/// Gives the 32 bytes in a column.
pub(crate) fn hash(row: &Row<'_>, column: usize) -> rusqlite::Result<[u8; 32]> {
    row.get(column)
}

/// Gives the first column of the only row, if there is one.
pub(crate) fn only<T>(row: rusqlite::Result<T>) -> Result<Option<T>, Error> {
    Ok(row.optional()?)
}

/// The kind of a reference in tables.
pub(crate) const fn kind(reference: &Reference) -> i64 {
    match reference {
        Reference::Object(_) => 0,
        Reference::Id(_) => 1,
        Reference::Blob(_) => 2,
        Reference::Clob(_) => 3,
    }
}

/// The reference of which [`kind`] and hash stand in tables.
pub(crate) const fn reference(kind: i64, hash: [u8; 32]) -> Option<Reference> {
    Some(match kind {
        0 => Reference::Object(ObjectHash::from_bytes(hash)),
        1 => Reference::Id(IdHash::from_bytes(hash)),
        2 => Reference::Blob(BlobHash::from_bytes(hash)),
        3 => Reference::Clob(ClobHash::from_bytes(hash)),
        _ => return None,
    })
}
