//! Who may see what: person → shared roots.
//!
//! Each person has a generation, which grows when the roots change or when one that is an id gets another current version. An
//! unchanged number means that a list of roots made before still holds.

use ratatosk_objects::{IdHash, ObjectHash, PersonId, Reference};

use crate::error::Error;
use crate::row;
use crate::transaction::Transaction;
use crate::view::View;

/// What is shared with a person: it, and everything that can be reached from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SharedRoot {
    /// An object without versions (`spec/one.md §5`: Access).
    Object(ObjectHash),
    /// An id and its versions (`spec/one.md §5`: IdAccess).
    Id(IdHash),
}

impl From<SharedRoot> for Reference {
    fn from(root: SharedRoot) -> Self {
        match root {
            SharedRoot::Object(hash) => hash.into(),
            SharedRoot::Id(id) => id.into(),
        }
    }
}

impl View<'_> {
    /// What is shared with a person, objects first, in the order of their hashes.
    ///
    /// # Errors
    ///
    /// The database's.
    pub fn roots(&self, person: &PersonId) -> Result<Vec<SharedRoot>, Error> {
        let sql = "SELECT kind, root FROM access WHERE person = ?1 ORDER BY kind, root";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([person.id().as_bytes()], |row| Ok((row.get(0)?, row::hash(row, 1)?)))?;
        rows.map(|row| {
            let (kind, hash) = row?;
            match row::reference(kind, hash) {
                Some(Reference::Object(hash)) => Ok(SharedRoot::Object(hash)),
                Some(Reference::Id(id)) => Ok(SharedRoot::Id(id)),
                _ => Err(Error::Corrupt(format!("a shared root of kind {kind}"))),
            }
        })
        .collect()
    }

    /// Whether it is shared with a person: it itself, not through something that refers to it.
    ///
    /// # Errors
    ///
    /// The database's.
    pub fn is_shared(&self, person: &PersonId, root: SharedRoot) -> Result<bool, Error> {
        let sql = "SELECT 1 FROM access WHERE person = ?1 AND kind = ?2 AND root = ?3";
        let root = Reference::from(root);
        let key = (*person.id().as_bytes(), row::kind(&root), *root.hash_bytes());
        Ok(self.connection.prepare_cached(sql)?.exists(key)?)
    }

    /// The person's generation; 0 while nothing was ever shared.
    ///
    /// # Errors
    ///
    /// The database's.
    pub fn generation(&self, person: &PersonId) -> Result<u64, Error> {
        let mut statement = self.connection.prepare_cached("SELECT generation FROM generations WHERE person = ?1")?;
        let generation: Option<i64> = row::only(statement.query_row([person.id().as_bytes()], |row| row.get(0)))?;
        Ok(generation.map_or(0, i64::unsigned_abs))
    }
}

impl Transaction<'_> {
    /// Shares it with a person. Gives whether it was not shared before.
    ///
    /// # Errors
    ///
    /// The database's.
    pub fn share(&mut self, person: &PersonId, root: SharedRoot) -> Result<bool, Error> {
        let sql = "INSERT INTO access (person, kind, root) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        self.touch(&root.into())?;
        self.change(sql, person, root)
    }

    /// Shares it with a person no longer. Gives whether it was shared before.
    ///
    /// # Errors
    ///
    /// The database's.
    pub fn unshare(&mut self, person: &PersonId, root: SharedRoot) -> Result<bool, Error> {
        self.change("DELETE FROM access WHERE person = ?1 AND kind = ?2 AND root = ?3", person, root)
    }

    fn change(&mut self, sql: &str, person: &PersonId, root: SharedRoot) -> Result<bool, Error> {
        let root = Reference::from(root);
        let key = (*person.id().as_bytes(), row::kind(&root), *root.hash_bytes());
        let changed = self.connection.prepare_cached(sql)?.execute(key)? > 0;
        if changed {
            let sql = "INSERT INTO generations (person, generation) VALUES (?1, 1)
                       ON CONFLICT DO UPDATE SET generation = generation + 1";
            self.connection.prepare_cached(sql)?.execute([person.id().as_bytes()])?;
        }
        Ok(changed)
    }

    /// Takes everybody a generation further with whom the id is shared.
    pub(crate) fn advance_all(&mut self, id: &IdHash) -> Result<(), Error> {
        let sql = "UPDATE generations SET generation = generation + 1
                   WHERE person IN (SELECT person FROM access WHERE root = ?1 AND kind = ?2)";
        let kind = row::kind(&Reference::Id(*id));
        self.connection.prepare_cached(sql)?.execute((id.as_bytes(), kind))?;
        Ok(())
    }
}
