//! Rows by their numbers.

use ratatosk_objects::{IdHash, Microdata, Reference};
use rusqlite::params;

use super::{BATCH, Table};
use crate::error::Error;
use crate::row;
use crate::view::View;

/// The tables of roots, each in pages in the order of its first column: key, kind, hash, and the id that is reached with it.
const ROOTS: [&str; 4] = [
    "SELECT id, 0, node, id FROM versions WHERE id > ?1 ORDER BY id LIMIT ?2",
    "SELECT DISTINCT root, kind, root, NULL FROM access WHERE root > ?1 ORDER BY root LIMIT ?2",
    "SELECT CAST(instance || id AS BLOB), 0, node, id FROM known
     WHERE (instance, id) > (coalesce(substr(?1, 1, 32), X''), coalesce(substr(?1, 33), X'')) ORDER BY instance, id LIMIT ?2",
    "SELECT DISTINCT hash, kind, hash, NULL FROM pins WHERE hash > ?1 ORDER BY hash LIMIT ?2",
];

/// A page of roots: the key behind which the next one begins, and the rows that are reached.
pub(super) type RootPage = (Option<Vec<u8>>, Vec<(Table, i64)>);

/// How many tables of roots there are.
pub(super) const ROOT_TABLES: usize = ROOTS.len();

impl View<'_> {
    /// The page of a table of roots behind `after`.
    pub(super) fn roots_after(&self, table: usize, after: &[u8]) -> Result<RootPage, Error> {
        let mut statement = self.connection.prepare_cached(ROOTS[table])?;
        let mut rows = statement.query(params![after, BATCH as i64])?;
        let (mut next, mut reached) = (None, Vec::new());
        while let Some(row) = rows.next()? {
            next = Some(row.get(0)?);
            let root = row::reference(row.get(1)?, row::hash(row, 2)?);
            let id = row.get::<_, Option<[u8; 32]>>(3)?.map(|id| Reference::Id(IdHash::from_bytes(id)));
            for reference in root.iter().chain(&id) {
                reached.extend(self.number(reference)?);
            }
        }
        Ok((next, reached))
    }

    /// The greatest number of a table, which is at least how many rows it has.
    pub(super) fn greatest(&self, table: Table) -> Result<u64, Error> {
        let sql = match table {
            Table::Objects => "SELECT coalesce(max(number), 0) FROM objects",
            Table::IdObjects => "SELECT coalesce(max(number), 0) FROM id_objects",
            Table::Blobs => "SELECT coalesce(max(number), 0) FROM blobs",
        };
        Ok(self.connection.prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0))?.unsigned_abs())
    }

    /// Where the target of a reference lies, if it is stored.
    pub(crate) fn number(&self, reference: &Reference) -> Result<Option<(Table, i64)>, Error> {
        let table = Table::of(reference);
        let mut statement = self.connection.prepare_cached(table.number())?;
        let number = row::only(statement.query_row([reference.hash_bytes()], |row| row.get(0)))?;
        Ok(number.map(|number| (table, number)))
    }

    /// The object in a row, if the row is still there.
    pub(super) fn numbered(&self, table: Table, number: i64) -> Result<Option<Microdata>, Error> {
        let (sql, is_id) = match table {
            Table::Objects => ("SELECT hash FROM objects WHERE number = ?1", false),
            Table::IdObjects => ("SELECT hash FROM id_objects WHERE number = ?1", true),
            Table::Blobs => return Ok(None),
        };
        let mut statement = self.connection.prepare_cached(sql)?;
        let hash = row::only(statement.query_row([number], |row| row::hash(row, 0)))?;
        let Some(hash) = hash else { return Ok(None) };
        match row::reference(i64::from(is_id), hash) {
            Some(Reference::Object(hash)) => self.object(&hash),
            Some(Reference::Id(id)) => self.id_object(&id),
            _ => Ok(None),
        }
    }

    /// The next page of a table: numbers and sizes.
    pub(super) fn sizes(&self, table: Table, after: i64) -> Result<Vec<(i64, i64)>, Error> {
        let sql = match table {
            Table::Objects => {
                "SELECT number, octet_length(text) FROM objects WHERE number > ?1 ORDER BY number LIMIT ?2"
            }
            Table::IdObjects => {
                "SELECT number, octet_length(text) FROM id_objects WHERE number > ?1 ORDER BY number LIMIT ?2"
            }
            Table::Blobs => {
                "SELECT number, length FROM blobs WHERE number > ?1 AND hash IS NOT NULL ORDER BY number LIMIT ?2"
            }
        };
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([after, BATCH as i64], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
