//! Reads the primitives of the format, never behind the end of the file or of the header's bound.

use std::io::{BufReader, Read, Seek, SeekFrom};

use super::error::{Error, damaged};

/// A file and how far it has been read.
pub(super) struct Source<R> {
    from: BufReader<R>,
    at: u64,
    size: u64,
    /// How far a header may reach.
    bound: u64,
}

impl<R: Read + Seek> Source<R> {
    /// Begins at the start of `from`, whose header has `bound` bytes at most.
    pub(super) fn new(mut from: R, bound: u64) -> Result<Self, Error> {
        let size = from.seek(SeekFrom::End(0))?;
        from.seek(SeekFrom::Start(0))?;
        Ok(Self { from: BufReader::new(from), at: 0, size, bound })
    }

    /// Where the next byte comes from.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// Bytes of the file.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Goes on at `at`, which has been read before.
    pub(super) fn return_to(&mut self, at: u64) -> Result<(), Error> {
        self.from.seek(SeekFrom::Start(at))?;
        self.at = at;
        Ok(())
    }

    /// Whether `bytes` more are there; `what` they are is said if not.
    pub(super) fn expect(&self, bytes: u64, what: &str) -> Result<(), Error> {
        match self.at.checked_add(bytes) {
            Some(end) if end <= self.size.min(self.bound) => Ok(()),
            Some(end) if end <= self.bound => Err(Error::Truncated { has: self.size, needs: end }),
            _ => damaged(format!("{what} would have {bytes} bytes")),
        }
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        self.expect(N as u64, "a number")?;
        let mut bytes = [0; N];
        self.from.read_exact(&mut bytes)?;
        self.at += N as u64;
        Ok(bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Error> {
        self.bytes().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Error> {
        self.bytes().map(u64::from_le_bytes)
    }

    /// Passes over `bytes`.
    pub(super) fn skip(&mut self, bytes: u64, what: &str) -> Result<(), Error> {
        self.expect(bytes, what)?;
        match i64::try_from(bytes) {
            Ok(offset) => self.from.seek_relative(offset)?,
            Err(_) => return damaged(format!("{what} would have {bytes} bytes")),
        }
        self.at += bytes;
        Ok(())
    }

    /// A text of at most `longest` bytes; `None` for a longer one, which is passed over. What is not UTF-8 is replaced.
    pub(super) fn text(&mut self, longest: u64, what: &str) -> Result<Option<String>, Error> {
        let length = self.u64()?;
        if length > longest {
            self.skip(length, what)?;
            return Ok(None);
        }
        self.expect(length, what)?;
        let mut bytes = Vec::new();
        // Reads as much as there is, so that no length of the file decides what is allocated before its bytes are there.
        let read = (&mut self.from).take(length).read_to_end(&mut bytes)? as u64;
        self.at += read;
        if read < length {
            return Err(Error::Truncated { has: self.at, needs: self.at + (length - read) });
        }
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }
}
