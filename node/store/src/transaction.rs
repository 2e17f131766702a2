//! Changing objects and versions.

use std::ops::Deref;

use ratatosk_objects::{IdHash, Microdata, ObjectHash, Reference};

use crate::error::Error;
use crate::garbage::{Marks, Table};
use crate::view::View;

/// Changes that become visible and durable together, when [`Store::transaction`](crate::Store::transaction) returns, or not at all.
#[derive(Debug)]
pub struct Transaction<'a> {
    pub(crate) view: View<'a>,
    /// While garbage is looked for: what is touched here is none.
    pub(crate) marks: Option<&'a mut Marks>,
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
        self.touch(&id.into())?;
        self.touch(&node.into())
    }

    fn insert(&mut self, sql: &str, microdata: &Microdata, reference: Reference) -> Result<(), Error> {
        let row = (reference.hash_bytes(), microdata.as_str());
        if self.connection.prepare_cached(sql)?.execute(row)? == 0 {
            return self.touch(&reference);
        }
        let number = self.connection.last_insert_rowid();
        self.written(Table::of(&reference), number);
        Ok(())
    }

    /// Keeps from being removed what is there already and is used again.
    pub(crate) fn touch(&mut self, reference: &Reference) -> Result<(), Error> {
        if let Some(marks) = &mut self.marks
            && let Some((table, number)) = self.view.number(reference)?
        {
            marks.reach(table, number);
        }
        Ok(())
    }

    /// Keeps from being removed what was just written.
    pub(crate) fn written(&mut self, table: Table, number: i64) {
        if let Some(marks) = &mut self.marks {
            marks.reach_anew(table, number);
        }
    }
}
