//! What nothing reaches.
//!
//! Reached is, with everything that it refers to: current version nodes and their ids, what is shared with somebody, what other
//! instances are known to have, pins. First the newest state is marked from there, in small steps beside everything else that
//! goes on. Whatever a transaction stores, stores again or refers to meanwhile is marked by the transaction itself, so it stays.
//! Then what has no mark is removed in one transaction: never an object without what refers to it, so that nobody finds an
//! object of which a part has gone already.

mod mark;
mod marks;
mod remove;
mod rows;

use self::mark::Marking;
pub(crate) use self::marks::{Marks, Table};
use crate::error::Error;
use crate::progress::{Progress, Step};
use crate::store::Store;

/// Rows that are looked at in one step.
const BATCH: usize = 512;

/// What nothing reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Garbage {
    /// How many objects.
    pub objects: u64,
    /// How many id objects.
    pub id_objects: u64,
    /// How many BLOBs and CLOBs.
    pub blobs: u64,
    /// Bytes of all of them.
    pub bytes: u64,
}

impl Garbage {
    fn add(&mut self, table: Table, bytes: i64) {
        let count = match table {
            Table::Objects => &mut self.objects,
            Table::IdObjects => &mut self.id_objects,
            Table::Blobs => &mut self.blobs,
        };
        *count += 1;
        self.bytes = self.bytes.saturating_add(bytes.unsigned_abs());
    }
}

impl Store {
    /// Looks for garbage and leaves it where it is. Takes two bits of memory for each object.
    ///
    /// What is being imported counts as garbage until it is connected.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] if something that is needed cannot be read, or the database's.
    pub fn find_garbage(&self, mut progress: impl FnMut(Progress)) -> Result<Garbage, Error> {
        let marking = Marking::begin(self);
        marking.mark(&mut progress)?;
        marking.count(&mut progress)
    }

    /// Removes garbage and gives the space back to the disk. Readers go on all the time; transactions wait while what was found
    /// is being removed.
    ///
    /// # Errors
    ///
    /// [`Error::Held`] while somebody has a [`hold`](Store::hold); [`Error::Damaged`] if something that is needed cannot be read:
    /// then it is not known what it needs, and nothing is removed; or the database's.
    pub fn remove_garbage(&self, mut progress: impl FnMut(Progress)) -> Result<Garbage, Error> {
        if self.is_held() {
            return Err(Error::Held);
        }
        let marking = Marking::begin(self);
        marking.mark(&mut progress)?;
        let (garbage, blobs) = marking.remove()?;
        drop(marking);
        for blob in blobs {
            crate::blob::remove(self, blob)?;
        }
        self.shrink(&mut progress)?;
        Ok(garbage)
    }

    /// Gives free space back to the disk, in small steps.
    fn shrink(&self, progress: &mut impl FnMut(Progress)) -> Result<(), Error> {
        let free = |connection: &rusqlite::Connection| {
            connection.pragma_query_value(None, "freelist_count", |row| row.get::<_, i64>(0)).map(i64::unsigned_abs)
        };
        let all = free(&self.writer().connection)?;
        let mut left = all;
        while left > 0 {
            let writer = self.writer();
            // Gives a row for each page, and frees one for each that is asked for.
            writer
                .connection
                .prepare_cached("PRAGMA incremental_vacuum(256)")?
                .query_map([], |_| Ok(()))?
                .for_each(drop);
            let now = free(&writer.connection)?;
            if now >= left {
                break;
            }
            left = now;
            drop(writer);
            progress(Progress { step: Step::Shrink, done: all - left.min(all), of: all });
        }
        Ok(())
    }
}
