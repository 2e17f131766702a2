//! Bytes come in.

use std::io;
use std::mem;

use ratatosk_objects::BlobHash;
use sha2::{Digest, Sha256};

use super::{BATCH, MOST, PIECE, piece, remove};
use crate::error::Error;
use crate::garbage::Table;
use crate::store::Store;

/// Takes bytes, hashes them on the way, and holds at most 1 MiB of them in memory. Nobody sees them before
/// [`finish`](Self::finish); dropped before, they are removed.
#[derive(Debug)]
pub struct BlobWriter {
    store: Store,
    /// Its number, when the first batch was written.
    blob: Option<i64>,
    hasher: Sha256,
    buffer: Vec<u8>,
    /// Pieces written.
    pieces: i64,
    length: u64,
    limit: u64,
}

impl Store {
    /// Begins to store bytes, at most `limit` of them and at most 1 TiB.
    #[must_use]
    pub fn write_blob(&self, limit: u64) -> BlobWriter {
        BlobWriter {
            store: self.clone(),
            blob: None,
            hasher: Sha256::new(),
            buffer: Vec::new(),
            pieces: 0,
            length: 0,
            limit: limit.min(MOST),
        }
    }
}

impl BlobWriter {
    /// Takes more bytes.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] beyond the limit, or the database's. The writer can then only be dropped.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        self.length = self.length.saturating_add(bytes.len() as u64);
        if self.length > self.limit {
            return Err(Error::TooLarge(self.limit));
        }
        self.hasher.update(bytes);
        while !bytes.is_empty() {
            let (now, rest) = bytes.split_at(bytes.len().min(BATCH * PIECE - self.buffer.len()));
            self.buffer.extend_from_slice(now);
            bytes = rest;
            if self.buffer.len() == BATCH * PIECE {
                self.write_batch()?;
            }
        }
        Ok(())
    }

    /// How many bytes came.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Makes the bytes visible and durable under their hash, which has to be the expected one if there is one. The hash of a
    /// CLOB is the same, of another type.
    ///
    /// Until an object refers to them they are garbage: take a [`hold`](Store::hold) before, and drop it after that.
    ///
    /// # Errors
    ///
    /// [`Error::WrongHash`], or the database's; nothing is kept then.
    pub fn finish(mut self, expected: Option<&[u8; 32]>) -> Result<BlobHash, Error> {
        let hash: [u8; 32] = mem::take(&mut self.hasher).finalize().into();
        if let Some(expected) = expected.filter(|expected| **expected != hash) {
            return Err(Error::WrongHash { expected: *expected, found: hash });
        }
        let (rest, first, length) = (mem::take(&mut self.buffer), self.pieces, self.length);
        let blob = self.blob;
        let is_new = self.store.transaction(|tx| {
            if tx.contains(&BlobHash::from_bytes(hash).into())? {
                tx.touch(&BlobHash::from_bytes(hash).into())?;
                return Ok(false);
            }
            let blob = tx.write_pieces(blob, first, &rest)?;
            let sql = "UPDATE blobs SET hash = ?2, length = ?3 WHERE number = ?1";
            let length = i64::try_from(length).map_err(|_| Error::TooLarge(length))?;
            tx.connection.prepare_cached(sql)?.execute((blob, &hash, length))?;
            tx.written(Table::Blobs, blob);
            Ok::<_, Error>(true)
        })?;
        if is_new {
            // What is finished is not removed when the writer is dropped.
            self.blob = None;
        }
        Ok(BlobHash::from_bytes(hash))
    }

    fn write_batch(&mut self) -> Result<(), Error> {
        let (blob, first, buffer) = (self.blob, self.pieces, &self.buffer);
        // Durable with the last one, if that comes.
        let blob = self.store.quick_transaction(|tx| tx.write_pieces(blob, first, buffer))?;
        self.blob = Some(blob);
        self.pieces += BATCH as i64;
        self.buffer.clear();
        Ok(())
    }
}

impl crate::Transaction<'_> {
    /// Writes pieces of a BLOB from the place `first` on, and gives its number.
    fn write_pieces(&mut self, blob: Option<i64>, first: i64, bytes: &[u8]) -> Result<i64, Error> {
        let blob = match blob {
            Some(blob) => blob,
            None => {
                self.connection.prepare_cached("INSERT INTO blobs (length) VALUES (0)")?.execute([])?;
                self.connection.last_insert_rowid()
            }
        };
        let mut statement = self.connection.prepare_cached("INSERT INTO chunks (piece, bytes) VALUES (?1, ?2)")?;
        for (place, bytes) in (first..).zip(bytes.chunks(PIECE)) {
            statement.execute((piece(blob, place), bytes))?;
        }
        Ok(blob)
    }
}

impl io::Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(bytes).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for BlobWriter {
    fn drop(&mut self) {
        if let Some(blob) = self.blob.take() {
            // If that fails, the next opening does it.
            let _ = remove(&self.store, blob);
        }
    }
}
