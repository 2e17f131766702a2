//! The smaller tables: what they point at.

use ratatosk_objects::typed::VersionNode;
use ratatosk_objects::{IdHash, Microdata, ObjectHash, Recipes, Reference};

use super::{BATCH, Check, Finding};
use crate::error::Error;
use crate::progress::{Progress, Step};
use crate::row;

/// Tables of which each row names something by kind and hash.
const TABLES: [(&str, &str); 3] = [
    ("access", "SELECT kind, root FROM access"),
    ("known", "SELECT 0, node FROM known"),
    ("pins", "SELECT kind, hash FROM pins"),
];

impl<P: FnMut(Progress)> Check<'_, P> {
    pub(super) fn roots(&mut self) -> Result<(), Error> {
        self.versions()?;
        for (table, sql) in TABLES {
            let view = self.view;
            let mut statement = view.connection.prepare(sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let Some(what) = row::reference(row.get(0)?, row::hash(row, 1)?) else {
                    self.report.add(Finding::Database(format!("a row of the table {table} is of no kind")));
                    continue;
                };
                if !view.contains(&what)? {
                    self.report.add(Finding::Root { table, what });
                }
            }
        }
        Ok(())
    }

    fn versions(&mut self) -> Result<(), Error> {
        let view = self.view;
        let mut statement = view.connection.prepare("SELECT id, node FROM versions")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (id, node) = (IdHash::from_bytes(row::hash(row, 0)?), ObjectHash::from_bytes(row::hash(row, 1)?));
            match view.object(&node) {
                Ok(None) => self.report.add(Finding::NodeMissing { id, node }),
                Ok(Some(microdata)) if !self.has_data(&microdata, id)? => {
                    self.report.add(Finding::NodeWithoutData { id, node });
                }
                // What is damaged was found among the objects.
                Ok(Some(_)) | Err(Error::Damaged(_)) => {}
                Err(error) => return Err(error),
            }
            self.report.versions += 1;
            if self.report.versions.is_multiple_of(BATCH) {
                self.tell(Step::Roots, self.report.versions, self.report.versions);
            }
        }
        Ok(())
    }

    /// Whether a version node points at an object of this id. Of a type that is not known the id cannot be told.
    fn has_data(&self, node: &Microdata, id: IdHash) -> Result<bool, Error> {
        let Ok(node) = VersionNode::read(node) else { return Ok(false) };
        let data = match self.view.object(&node.data()) {
            Ok(Some(data)) => data,
            Ok(None) => return Ok(false),
            Err(Error::Damaged(_)) => return Ok(true),
            Err(error) => return Err(error),
        };
        let recipes = Recipes::standard();
        let Ok(object) = recipes.read(&data) else { return Ok(true) };
        let own = recipes.write_id(&object).ok().and_then(|microdata| microdata.id_hash());
        Ok(own.is_none_or(|own| own == id) && self.view.contains(&Reference::Id(id))?)
    }
}
