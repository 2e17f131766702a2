//! The buffer in which a message reaches a plugin: room in front for headers and tags, and behind for a mark.

use std::fmt;
use std::ops::{Deref, DerefMut};

use crate::abi::HEADROOM;
use crate::wipe::wipe;

/// Bytes behind a message that can be appended in place.
const TAILROOM: usize = 16;

/// A buffer of more than this is given back after the message that needed it.
const KEEP: usize = 256 * 1024;

/// A message that can be changed in place.
///
/// It reads as the message's bytes. [`Self::prepend`] and [`Self::skip`] move its beginning.
#[derive(Default)]
pub struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    /// An empty buffer that has no memory yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Vec::new(), start: 0, end: 0 }
    }

    /// Makes room for a message of `len` bytes, with [`HEADROOM`] in front of it. Its content is not defined.
    pub fn prepare(&mut self, len: usize) -> &mut [u8] {
        let needed = HEADROOM + len + TAILROOM;
        if self.bytes.len() < needed {
            // The old one is freed first: both together would be the largest thing in the memory of a guest.
            self.wipe();
            self.bytes = vec![0; if needed < KEEP { needed.next_power_of_two() } else { needed }];
        }
        (self.start, self.end) = (HEADROOM, HEADROOM + len);
        &mut self.bytes[HEADROOM..HEADROOM + len]
    }

    /// A message of `len` bytes lies where [`Self::prepare`] gave room for at least as many. Of a longer one nothing is there.
    pub fn expect(&mut self, len: usize) {
        let fits = self.bytes.len() >= HEADROOM + len + TAILROOM;
        (self.start, self.end) = if fits { (HEADROOM, HEADROOM + len) } else { (0, 0) };
    }

    /// Takes a copy of `message`.
    pub fn fill(&mut self, message: &[u8]) {
        self.prepare(message.len()).copy_from_slice(message);
    }

    /// `len` more bytes at the beginning, with undefined content. `None` if there is no room; then nothing has changed.
    pub fn prepend(&mut self, len: usize) -> Option<&mut [u8]> {
        let start = self.start.checked_sub(len)?;
        self.start = start;
        self.bytes.get_mut(start..start + len)
    }

    /// Leaves out the first `len` bytes, or all if there are fewer.
    pub fn skip(&mut self, len: usize) {
        self.start = self.end.min(self.start.saturating_add(len));
    }

    /// Forgets the message. Memory that only a large one needed is freed, after it has been wiped.
    pub fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
        if self.bytes.len() > KEEP {
            self.wipe();
        }
    }

    /// Where its memory is, and how much: another place if it was taken away or had to grow.
    #[must_use]
    pub fn place(&self) -> (usize, usize) {
        (self.bytes.as_ptr().addr(), self.bytes.len())
    }

    /// Bytes of memory that it has.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.bytes.len()
    }

    /// Overwrites all of the memory, whatever of it was used, and frees it.
    pub fn wipe(&mut self) {
        wipe(&mut self.bytes);
        *self = Self::new();
    }
}

/// Messages are nobody's business in a log.
impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer").field("len", &self.len()).field("capacity", &self.capacity()).finish()
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_go_in_place() {
        let mut buffer = Buffer::new();
        buffer.fill(b"message");
        buffer.prepend(2).unwrap().copy_from_slice(b"a ");
        assert_eq!(&buffer[..], b"a message");
        buffer.skip(3);
        assert_eq!(&buffer[..], b"essage");
        buffer.skip(usize::MAX);
        assert_eq!(&buffer[..], b"");
    }

    #[test]
    fn there_is_as_much_room_in_front_as_promised() {
        let mut buffer = Buffer::new();
        buffer.fill(b"m");
        assert!(buffer.prepend(HEADROOM + 1).is_none());
        assert_eq!(&buffer[..], b"m");
        assert!(buffer.prepend(HEADROOM).is_some());
        assert_eq!(buffer.len(), HEADROOM + 1);
    }

    #[test]
    fn a_message_may_come_where_a_longer_one_had_room() {
        let mut buffer = Buffer::new();
        buffer.prepare(100)[..3].copy_from_slice(b"abc");
        buffer.clear();
        buffer.expect(3);
        assert_eq!(&buffer[..], b"abc");
        buffer.expect(10_000);
        assert_eq!(&buffer[..], b"");
    }

    #[test]
    fn memory_of_large_messages_is_given_back() {
        let mut buffer = Buffer::new();
        buffer.fill(&[1; 100]);
        buffer.clear();
        assert_eq!(buffer.bytes.len(), 1024);
        buffer.fill(&[1; KEEP]);
        buffer.clear();
        assert_eq!(buffer.bytes.capacity(), 0);
    }
}
