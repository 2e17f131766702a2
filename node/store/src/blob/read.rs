//! Bytes go out.

use std::io;

use ratatosk_objects::BlobHash;
use sha2::{Digest, Sha256};

use super::piece;
use crate::error::Error;
use crate::row;
use crate::store::Store;

/// Gives bytes piece by piece; holds one piece in memory and, between pieces, nothing of the database.
#[derive(Debug)]
pub struct BlobReader {
    store: Store,
    hash: BlobHash,
    blob: i64,
    length: u64,
    place: i64,
    given: u64,
    hasher: Sha256,
    /// What [`io::Read`] is taking, and how much of it was taken.
    current: (Vec<u8>, usize),
}

impl Store {
    /// Begins to read bytes, if they are stored.
    ///
    /// # Errors
    ///
    /// The database's.
    pub fn read_blob(&self, hash: &BlobHash) -> Result<Option<BlobReader>, Error> {
        let found = self.read(|view| {
            let mut statement = view.connection.prepare_cached("SELECT number, length FROM blobs WHERE hash = ?1")?;
            row::only(statement.query_row([hash.as_bytes()], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?))))
        })?;
        Ok(found.map(|(blob, length)| BlobReader {
            store: self.clone(),
            hash: *hash,
            blob,
            length: length.unsigned_abs(),
            place: 0,
            given: 0,
            hasher: Sha256::new(),
            current: (Vec::new(), 0),
        }))
    }
}

impl BlobReader {
    /// How many bytes there are in all.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The next piece, of at most 64 KiB; `None` behind the last one. The hash is compared when the last piece is read, before it
    /// is given.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`], [`Error::Gone`] if it was removed as garbage meanwhile, or the database's.
    pub fn piece(&mut self) -> Result<Option<Vec<u8>>, Error> {
        if self.given == self.length {
            return Ok(None);
        }
        let (hash, blob, place) = (self.hash, self.blob, self.place);
        // With the hash, so that a number that was given anew is not taken for this one.
        let sql = "SELECT bytes FROM chunks WHERE piece = ?1 AND EXISTS (SELECT 1 FROM blobs WHERE number = ?2 AND hash = ?3)";
        let piece: Option<Vec<u8>> = self.store.read(|view| {
            let mut statement = view.connection.prepare_cached(sql)?;
            row::only(statement.query_row((piece(blob, place), blob, hash.as_bytes()), |row| row.get(0)))
        })?;
        let Some(piece) = piece else {
            let is_there = self.store.read(|view| view.contains(&hash.into()))?;
            return Err(if is_there { Error::Damaged(hash.into()) } else { Error::Gone });
        };
        self.place += 1;
        self.given = self.given.saturating_add(piece.len() as u64);
        self.hasher.update(&piece);
        let is_over = self.given >= self.length;
        if piece.is_empty() || is_over && !self.is_right() {
            return Err(Error::Damaged(hash.into()));
        }
        Ok(Some(piece))
    }

    fn is_right(&self) -> bool {
        self.given == self.length && self.hasher.clone().finalize()[..] == self.hash.as_bytes()[..]
    }
}

impl io::Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.current.0.len() == self.current.1 {
            let Some(piece) = self.piece().map_err(io::Error::other)? else { return Ok(0) };
            self.current = (piece, 0);
        }
        let (piece, taken) = &mut self.current;
        let rest = &piece[*taken..];
        let count = buffer.len().min(rest.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        *taken += count;
        Ok(count)
    }
}
