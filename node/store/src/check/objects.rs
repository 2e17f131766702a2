//! The objects themselves: their hashes, and what they refer to.

use ratatosk_objects::{BlobHash, IdHash, ObjectHash, Reference};
use sha2::{Digest, Sha256};

use super::{BATCH, Check, Finding};
use crate::blob::piece;
use crate::error::Error;
use crate::progress::{Progress, Step};
use crate::row;

impl<P: FnMut(Progress)> Check<'_, P> {
    pub(super) fn objects(&mut self) -> Result<(), Error> {
        self.report.objects = self.texts(Step::Objects, "objects", |hash| ObjectHash::from_bytes(hash).into())?;
        Ok(())
    }

    pub(super) fn id_objects(&mut self) -> Result<(), Error> {
        self.report.id_objects = self.texts(Step::IdObjects, "id_objects", |hash| IdHash::from_bytes(hash).into())?;
        Ok(())
    }

    fn texts(&mut self, step: Step, table: &str, reference: impl Fn([u8; 32]) -> Reference) -> Result<u64, Error> {
        let of = self.count(table)?;
        let view = self.view;
        let mut statement = view.connection.prepare(&format!("SELECT hash FROM {table} ORDER BY number"))?;
        let mut rows = statement.query([])?;
        let mut done = 0_u64;
        while let Some(row) = rows.next()? {
            self.text(reference(row::hash(row, 0)?))?;
            done += 1;
            if done.is_multiple_of(BATCH) {
                self.tell(step, done, of);
            }
        }
        self.tell(step, done, of);
        Ok(done)
    }

    fn text(&mut self, from: Reference) -> Result<(), Error> {
        let read = match from {
            Reference::Object(hash) => self.view.object(&hash),
            Reference::Id(id) => self.view.id_object(&id),
            Reference::Blob(_) | Reference::Clob(_) => Ok(None),
        };
        let microdata = match read {
            Ok(microdata) => microdata,
            Err(Error::Damaged(what)) => {
                self.report.add(Finding::Damaged(what));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let Some(microdata) = microdata else { return Err(Error::Corrupt("an index lacks a row".to_owned())) };
        if microdata.is_id_object() != matches!(from, Reference::Id(_)) {
            self.report.add(Finding::Damaged(from));
        }
        for to in microdata.references() {
            if !self.view.contains(&to)? {
                self.report.add(Finding::Missing { from, to });
            }
        }
        Ok(())
    }

    pub(super) fn blobs(&mut self) -> Result<(), Error> {
        let view = self.view;
        let all = "SELECT coalesce(sum(length), 0) FROM blobs WHERE hash IS NOT NULL";
        let of: i64 = view.connection.query_row(all, [], |row| row.get(0))?;
        let mut blobs = view.connection.prepare("SELECT number, hash, length FROM blobs WHERE hash IS NOT NULL")?;
        let mut rows = blobs.query([])?;
        let mut bytes = 0;
        while let Some(row) = rows.next()? {
            let (hash, length): (_, i64) = (row::hash(row, 1)?, row.get(2)?);
            if !self.is_blob_right(row.get(0)?, &hash, length.unsigned_abs())? {
                self.report.add(Finding::Damaged(BlobHash::from_bytes(hash).into()));
            }
            self.report.blobs += 1;
            bytes += length.unsigned_abs();
            self.tell(Step::Blobs, bytes, of.unsigned_abs());
        }
        let lost = "SELECT count(DISTINCT piece >> 24) FROM chunks WHERE NOT EXISTS (SELECT 1 FROM blobs WHERE number = piece >> 24)";
        let lost: i64 = view.connection.query_row(lost, [], |row| row.get(0))?;
        if lost > 0 {
            self.report.add(Finding::Database(format!("pieces of {lost} BLOBs that do not exist")));
        }
        Ok(())
    }

    fn is_blob_right(&self, blob: i64, hash: &[u8; 32], length: u64) -> Result<bool, Error> {
        let sql = "SELECT piece, bytes FROM chunks WHERE piece >= ?1 AND piece < ?2 ORDER BY piece";
        let mut statement = self.view.connection.prepare_cached(sql)?;
        let mut rows = statement.query([piece(blob, 0), piece(blob + 1, 0)])?;
        let (mut hasher, mut found, mut place) = (Sha256::new(), 0, 0);
        while let Some(row) = rows.next()? {
            let bytes = row.get_ref(1)?.as_blob().map_err(|error| Error::Corrupt(error.to_string()))?;
            if row.get::<_, i64>(0)? != piece(blob, place) {
                return Ok(false);
            }
            place += 1;
            found += bytes.len() as u64;
            hasher.update(bytes);
        }
        Ok(found == length && hasher.finalize()[..] == hash[..])
    }

    fn count(&self, table: &str) -> Result<u64, Error> {
        let count =
            self.view.connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0))?;
        Ok(count.unsigned_abs())
    }
}
