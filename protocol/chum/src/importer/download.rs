//! A BLOB or CLOB on its way to us.

use ratatosk_objects::BlobHash;
use sha2::{Digest, Sha256};

use crate::library::Library;

/// What came of a stream so far.
pub(super) struct Download {
    pub(super) request: i64,
    pub(super) hash: BlobHash,
    /// It comes as text: a CLOB, or the second attempt at a BLOB.
    pub(super) is_text: bool,
    hasher: Sha256,
    received: u64,
}

/// What the end of a stream means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// It is stored.
    Stored,
    /// Nothing came at all, as from a reference on Node, which sends BLOBs as empty messages: as text it may come.
    Empty,
    /// What came is something else.
    Wrong,
}

impl Download {
    pub(super) fn new(request: i64, hash: BlobHash, is_text: bool) -> Self {
        Self { request, hash, is_text, hasher: Sha256::new(), received: 0 }
    }

    /// Takes a part. False: it is too large now.
    pub(super) fn part<L: Library>(&mut self, library: &mut L, part: &[u8], max: u64) -> Result<bool, L::Error> {
        let offset = self.received;
        self.received = offset.saturating_add(part.len() as u64);
        if self.received > max {
            self.discard(library)?;
            return Ok(false);
        }
        self.hasher.update(part);
        library.write_blob(&self.hash, offset, part)?;
        Ok(true)
    }

    /// The stream ended.
    pub(super) fn end<L: Library>(&mut self, library: &mut L) -> Result<Ended, L::Error> {
        let hash: [u8; 32] = std::mem::take(&mut self.hasher).finalize().into();
        if hash == *self.hash.as_bytes() {
            if self.received == 0 {
                library.write_blob(&self.hash, 0, &[])?;
            }
            library.finish_blob(&self.hash)?;
            return Ok(Ended::Stored);
        }
        if self.received == 0 {
            return Ok(Ended::Empty);
        }
        self.discard(library)?;
        Ok(Ended::Wrong)
    }

    /// It will not be finished.
    pub(super) fn discard<L: Library>(&self, library: &mut L) -> Result<(), L::Error> {
        if self.received > 0 { library.discard_blob(&self.hash) } else { Ok(()) }
    }
}
