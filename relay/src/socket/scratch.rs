//! What is read into. A read is used up before the next begins, so a thread has one buffer for all of its sockets: it can
//! be large, stays in the processor's cache, and a socket that has nothing to keep keeps nothing.

use std::cell::Cell;

/// Bytes that are read at once, at most.
pub(crate) const SCRATCH: usize = 512 * 1024;

thread_local! {
    static BUFFER: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
}

/// Lends the buffer. What is in it is of no meaning to anybody.
pub(super) fn with<T>(use_it: impl FnOnce(&mut [u8]) -> T) -> T {
    let mut buffer = BUFFER.take().unwrap_or_else(|| vec![0; SCRATCH].into());
    let result = use_it(&mut buffer);
    BUFFER.set(Some(buffer));
    result
}
