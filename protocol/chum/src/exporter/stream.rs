//! A BLOB or CLOB on its way to the peer, piece by piece as the connection takes it.

use std::str;

use ratatosk_objects::BlobHash;
use ratatosk_protocol::message::Payload;

use crate::library::Library;
use crate::message::{BinaryFrame, stream_chunk, stream_end, stream_error};

pub(super) struct Stream {
    pub(super) id: i64,
    hash: BlobHash,
    text: bool,
    offset: u64,
}

impl Stream {
    pub(super) fn new(id: i64, hash: BlobHash, text: bool) -> Self {
        Self { id, hash, text, offset: 0 }
    }

    /// The next message, and whether it is the last one.
    pub(super) fn next<L: Library>(&mut self, library: &L, chunk: usize) -> Result<(Payload, bool), L::Error> {
        let Some(bytes) = library.blob(&self.hash, self.offset, chunk.max(4))? else { return Ok(self.broken()) };
        if bytes.is_empty() {
            return Ok((Payload::text(stream_end(self.id)), true));
        }
        if !self.text {
            self.advance(bytes.len());
            return Ok((Payload::Binary(BinaryFrame { id: self.id, data: bytes }.encode()), false));
        }
        // A character that the end of the piece cuts through comes with the next one.
        let text = match str::from_utf8(&bytes) {
            Ok(text) => text,
            Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => {
                bytes.get(..error.valid_up_to()).and_then(|valid| str::from_utf8(valid).ok()).unwrap_or_default()
            }
            Err(_) => return Ok(self.broken()),
        };
        let message = stream_chunk(self.id, text, self.offset == 0);
        self.advance(text.len());
        Ok((Payload::text(message), false))
    }

    fn advance(&mut self, by: usize) {
        self.offset = self.offset.saturating_add(by as u64);
    }

    fn broken(&self) -> (Payload, bool) {
        (Payload::text(stream_error(self.id)), true)
    }
}
