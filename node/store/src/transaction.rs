//! Changing objects and versions.

use std::ops::Deref;

use ratatosk_objects::{IdHash, Microdata, ObjectHash, Reference};

use crate::error::Error;
use crate::view::View;

/// Changes that become visible and durable together, when [`Store::transaction`](crate::Store::transaction) returns, or not at all.
#[derive(Debug)]
pub struct Transaction<'a> {
    pub(crate) view: View<'a>,
}

impl<'a> Deref for Transaction<'a> {
    type Target = View<'a>;

    fn deref(&self) -> &View<'a> {
        &self.view
    }
}

impl Transaction<'_> {
    /// Stores an object. One that is there already costs only looking for it.
    ///
    /// # Errors
    ///
    /// [`Error::WrongKind`] for an id object, or the database's.
    pub fn put(&mut self, microdata: &Microdata) -> Result<ObjectHash, Error> {
        let hash = microdata.hash();
        if microdata.is_id_object() {
            return Err(Error::WrongKind(hash, true));
        }
        self.insert("INSERT INTO objects (hash, text) VALUES (?1, ?2) ON CONFLICT DO NOTHING", microdata, hash.into())?;
        Ok(hash)
    }

    /// Stores an id object.
    ///
    /// # Errors
    ///
    /// [`Error::WrongKind`] for one that is none, or the database's.
    pub fn put_id(&mut self, microdata: &Microdata) -> Result<IdHash, Error> {
        let Some(id) = microdata.id_hash() else { return Err(Error::WrongKind(microdata.hash(), false)) };
        self.insert(
            "INSERT INTO id_objects (hash, text) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            microdata,
            id.into(),
        )?;
        Ok(id)
    }

    /// Makes `node` the current version node of an id, and takes those persons a generation further with whom the id is shared.
    ///
    /// # Errors
    ///
    /// The database's.
    pub fn set_current(&mut self, id: IdHash, node: ObjectHash) -> Result<(), Error> {
        let sql = "INSERT INTO versions (id, node) VALUES (?1, ?2)
                   ON CONFLICT DO UPDATE SET node = excluded.node WHERE node <> excluded.node";
        let changed = self.connection.prepare_cached(sql)?.execute([id.as_bytes(), node.as_bytes()])?;
        if changed > 0 {
            self.advance_all(&id)?;
        }
        Ok(())
    }

    fn insert(&mut self, sql: &str, microdata: &Microdata, reference: Reference) -> Result<(), Error> {
        let mut statement = self.connection.prepare_cached(sql)?;
        statement.execute((reference.hash_bytes(), microdata.as_str()))?;
        Ok(())
    }
}
