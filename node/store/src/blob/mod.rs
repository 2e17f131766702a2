//! Bytes of any size: BLOBs and CLOBs.
//!
//! They lie in the database, in pieces of 64 KiB. Files beside it would be written once instead of twice (log and table), but
//! would be a second thing to be kept crash-safe, copied, checked and cleaned; so one commit decides for a message together with
//! its attachment. A BLOB that is being written has no hash, and what has no hash is not there for anybody.

mod read;
mod write;

use rusqlite::OptionalExtension;

pub use self::read::BlobReader;
pub use self::write::BlobWriter;
use crate::error::Error;
use crate::store::Store;

/// Bytes of a piece. The last one is shorter.
pub(crate) const PIECE: usize = 64 << 10;

/// Bits of a piece's number that are its place. The others are the number of the BLOB.
const PLACE_BITS: u32 = 24;

/// The most bytes of a BLOB: 1 TiB.
const MOST: u64 = (PIECE as u64) << PLACE_BITS;

/// The number of a piece.
pub(crate) const fn piece(blob: i64, place: i64) -> i64 {
    (blob << PLACE_BITS) | place
}

/// How many pieces are written or removed in one transaction, so that others do not wait long: 1 MiB.
const BATCH: usize = 16;

/// Removes what was not written to its end, or not removed to its end, before the process ended.
pub(crate) fn remove_unfinished(store: &Store) -> Result<(), Error> {
    let next = "SELECT number FROM blobs WHERE hash IS NULL LIMIT 1";
    loop {
        let blob = store.writer().connection.query_row(next, [], |row| row.get(0)).optional()?;
        let Some(blob) = blob else { return Ok(()) };
        remove(store, blob)?;
    }
}

/// Removes a BLOB that has no hash.
pub(crate) fn remove(store: &Store, blob: i64) -> Result<(), Error> {
    let pieces =
        "DELETE FROM chunks WHERE piece IN (SELECT piece FROM chunks WHERE piece >= ?1 AND piece < ?2 LIMIT ?3)";
    loop {
        let done = store.quick_transaction(|tx| {
            let all = (piece(blob, 0), piece(blob + 1, 0), BATCH as i64);
            let removed = tx.connection.prepare_cached(pieces)?.execute(all)?;
            if removed > 0 {
                return Ok(false);
            }
            tx.connection.prepare_cached("DELETE FROM blobs WHERE number = ?1 AND hash IS NULL")?.execute([blob])?;
            Ok::<_, Error>(true)
        })?;
        if done {
            return Ok(());
        }
    }
}
