//! Reading objects and versions.

use ratatosk_objects::{IdHash, Limits, Microdata, ObjectHash, Reference};
use rusqlite::{Connection, params};

use crate::error::Error;
use crate::row;

/// What was stored was checked when it came; here only the parser's own depth has to be bounded.
const LIMITS: Limits = Limits { bytes: usize::MAX, values: usize::MAX, ..Limits::DEFAULT };

/// One state of the store. A [`Transaction`](crate::Transaction) is one that can be changed, and sees its own changes.
#[derive(Debug)]
pub struct View<'a> {
    pub(crate) connection: &'a Connection,
}

impl View<'_> {
    /// The object with this hash.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`], or the database's.
    pub fn object(&self, hash: &ObjectHash) -> Result<Option<Microdata>, Error> {
        self.text("SELECT text FROM objects WHERE hash = ?1", &Reference::Object(*hash))
    }

    /// The id object with this hash.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`], or the database's.
    pub fn id_object(&self, id: &IdHash) -> Result<Option<Microdata>, Error> {
        self.text("SELECT text FROM id_objects WHERE hash = ?1", &Reference::Id(*id))
    }

    /// Whether it is stored. A BLOB and a CLOB of the same bytes are the same.
    ///
    /// # Errors
    ///
    /// The database's.
    pub fn contains(&self, reference: &Reference) -> Result<bool, Error> {
        let sql = match reference {
            Reference::Object(_) => "SELECT 1 FROM objects WHERE hash = ?1",
            Reference::Id(_) => "SELECT 1 FROM id_objects WHERE hash = ?1",
            Reference::Blob(_) | Reference::Clob(_) => "SELECT 1 FROM blobs WHERE hash = ?1",
        };
        Ok(self.connection.prepare_cached(sql)?.exists([reference.hash_bytes()])?)
    }

    /// The hash of the current version node of an id.
    ///
    /// # Errors
    ///
    /// The database's.
    pub fn current(&self, id: &IdHash) -> Result<Option<ObjectHash>, Error> {
        let mut statement = self.connection.prepare_cached("SELECT node FROM versions WHERE id = ?1")?;
        let node = row::only(statement.query_row([id.as_bytes()], |row| row::hash(row, 0)))?;
        Ok(node.map(ObjectHash::from_bytes))
    }

    /// Up to `limit` ids that have a current version, with its node, in the order of ids: those behind `after`.
    ///
    /// # Errors
    ///
    /// The database's.
    pub fn currents(&self, after: Option<IdHash>, limit: usize) -> Result<Vec<(IdHash, ObjectHash)>, Error> {
        let after = after.as_ref().map_or(&[][..], |id| id.as_bytes());
        let sql = "SELECT id, node FROM versions WHERE id > ?1 ORDER BY id LIMIT ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map(params![after, i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
            Ok((IdHash::from_bytes(row::hash(row, 0)?), ObjectHash::from_bytes(row::hash(row, 1)?)))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn text(&self, sql: &str, reference: &Reference) -> Result<Option<Microdata>, Error> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([reference.hash_bytes()])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        // A disk that has changed a bit of the text, or made it no text, shows here.
        let text = row.get_ref(0)?.as_str().map_err(|_| Error::Damaged(*reference))?;
        let microdata = Microdata::check(text, &LIMITS).map_err(|_| Error::Damaged(*reference))?;
        if microdata.hash().as_bytes() != reference.hash_bytes() {
            return Err(Error::Damaged(*reference));
        }
        Ok(Some(microdata))
    }
}
