//! What is kept although nothing refers to it.

use ratatosk_objects::Reference;

use crate::error::Error;
use crate::row;
use crate::transaction::Transaction;

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
