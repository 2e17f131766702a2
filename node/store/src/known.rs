//! What other instances are known to have: (instance, id) → version node.

use ratatosk_objects::{IdHash, InstanceId, ObjectHash};

use crate::error::Error;
use crate::row;
use crate::transaction::Transaction;
use crate::view::View;

impl View<'_> {
    /// The version node of an id that an instance is known to have, with everything that it reaches.
    ///
    /// # Errors
    ///
    /// The database's.
    pub fn known(&self, instance: &InstanceId, id: &IdHash) -> Result<Option<ObjectHash>, Error> {
        let sql = "SELECT node FROM known WHERE instance = ?1 AND id = ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let key = [instance.id(), *id];
        let node = row::only(statement.query_row(key.map(|hash| *hash.as_bytes()), |row| row::hash(row, 0)))?;
        Ok(node.map(ObjectHash::from_bytes))
    }
}

impl Transaction<'_> {
    /// Remembers that an instance has a version node, with everything that it reaches.
    ///
    /// # Errors
    ///
    /// The database's.
    pub fn set_known(&mut self, instance: &InstanceId, id: &IdHash, node: ObjectHash) -> Result<(), Error> {
        let sql =
            "INSERT INTO known (instance, id, node) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET node = excluded.node";
        let row = [instance.id().as_bytes(), id.as_bytes(), node.as_bytes()].map(|hash| *hash);
        self.connection.prepare_cached(sql)?.execute(row)?;
        self.touch(&(*id).into())?;
        self.touch(&node.into())
    }

    /// Forgets what an instance has of one id.
    ///
    /// # Errors
    ///
    /// The database's.
    pub fn forget_known(&mut self, instance: &InstanceId, id: &IdHash) -> Result<(), Error> {
        let sql = "DELETE FROM known WHERE instance = ?1 AND id = ?2";
        self.connection.prepare_cached(sql)?.execute([instance.id(), *id].map(|hash| *hash.as_bytes()))?;
        Ok(())
    }

    /// Forgets everything that is known of an instance: it has shown that it lost its data.
    ///
    /// # Errors
    ///
    /// The database's.
    pub fn forget_instance(&mut self, instance: &InstanceId) -> Result<(), Error> {
        self.connection.prepare_cached("DELETE FROM known WHERE instance = ?1")?.execute([instance.id().as_bytes()])?;
        Ok(())
    }
}
