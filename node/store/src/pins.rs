//! What is kept although nothing refers to it.

use ratatosk_objects::Reference;

use crate::error::Error;
use crate::row;
use crate::transaction::Transaction;
use crate::view::View;

impl View<'_> {
    /// What this `owner` has pinned, in the order of hashes.
    ///
    /// # Errors
    ///
    /// The database's.
    pub fn pinned(&self, owner: &str) -> Result<Vec<Reference>, Error> {
        let mut statement =
            self.connection.prepare_cached("SELECT kind, hash FROM pins WHERE owner = ?1 ORDER BY kind, hash")?;
        let rows = statement.query_map([owner], |row| Ok((row.get(0)?, row::hash(row, 1)?)))?;
        rows.map(|row| {
            let (kind, hash) = row?;
            row::reference(kind, hash).ok_or_else(|| Error::Corrupt(format!("a pin of kind {kind}")))
        })
        .collect()
    }
}

impl Transaction<'_> {
    /// Keeps something, and everything that it reaches, from being garbage until the same `owner` unpins it. Who owns a pin is a
    /// name for the purpose, so that two purposes do not unpin each other's.
    ///
    /// # Errors
    ///
    /// The database's.
    pub fn pin(&mut self, owner: &str, what: Reference) -> Result<(), Error> {
        let sql = "INSERT INTO pins (owner, kind, hash) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        self.connection.prepare_cached(sql)?.execute((owner, row::kind(&what), what.hash_bytes()))?;
        self.touch(&what)
    }

    /// Lets go what the same `owner` has pinned.
    ///
    /// # Errors
    ///
    /// The database's.
    pub fn unpin(&mut self, owner: &str, what: Reference) -> Result<(), Error> {
        let sql = "DELETE FROM pins WHERE owner = ?1 AND kind = ?2 AND hash = ?3";
        self.connection.prepare_cached(sql)?.execute((owner, row::kind(&what), what.hash_bytes()))?;
        Ok(())
    }
}
