//! Removing what has no mark.

use rusqlite::{Connection, TransactionBehavior};

use super::mark::{Marking, with_marks};
use super::{Garbage, Marks, Table};
use crate::error::Error;
use crate::store::Writer;
use crate::view::View;

/// What was removed, and the numbers of the BLOBs of which the pieces are still there.
pub(super) type Removed = (Garbage, Vec<i64>);

impl Marking<'_> {
    /// Removes what has no mark, at a moment at which everything that is reached has one.
    pub(super) fn remove(&self) -> Result<Removed, Error> {
        loop {
            let mut writer = self.store.writer();
            if self.store.is_held() {
                return Err(Error::Held);
            }
            let Some(taken) = with_marks(&mut writer, Marks::take) else {
                // Still under the writer's lock: nothing can be reached anew before it is gone.
                return sweep(&mut writer);
            };
            drop(writer);
            self.follow_one(taken)?;
        }
    }
}

fn sweep(writer: &mut Writer) -> Result<Removed, Error> {
    writer.set_durable(true)?;
    let Writer { connection, marks, .. } = writer;
    let Some(marks) = marks else { return Ok(Removed::default()) };
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut removed = Removed::default();
    for table in Table::ALL {
        sweep_table(&transaction, marks, table, &mut removed)?;
    }
    transaction.commit()?;
    Ok(removed)
}

fn sweep_table(connection: &Connection, marks: &Marks, table: Table, removed: &mut Removed) -> Result<(), Error> {
    let (garbage, blobs) = removed;
    let mut statement = connection.prepare_cached(match table {
        Table::Objects => "DELETE FROM objects WHERE number = ?1",
        Table::IdObjects => "DELETE FROM id_objects WHERE number = ?1",
        // Without a hash it is gone for everybody; its pieces may be many and go one after another.
        Table::Blobs => "UPDATE blobs SET hash = NULL WHERE number = ?1",
    })?;
    let mut after = 0;
    loop {
        let page = View { connection }.sizes(table, after)?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = *last;
        for (number, bytes) in page.into_iter().filter(|(number, _)| !marks.is_reached(table, *number)) {
            statement.execute([number])?;
            garbage.add(table, bytes);
            if table == Table::Blobs {
                blobs.push(number);
            }
        }
    }
}
