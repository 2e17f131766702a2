//! What the connections of one module share: its memory.

use std::cell::Cell;

/// Bytes of unfinished messages that the connections of an instance may keep together, and one of them in any case as much as
/// its own limit says. With twice as much while buffers grow it is less than the memory that an instance is given, so that a few
/// peers that finish nothing do not end the connections of strangers.
pub(crate) const MAX_SHARED: usize = 192 << 20;

thread_local! {
    /// A module has one thread, so these are the bytes of one instance.
    static KEPT: Cell<usize> = const { Cell::new(0) };
}

/// The bytes of one unfinished message. They are given back when it is dropped.
///
/// Linked plugins have no memory of their own to share: there each connection has its own limit, and no other.
#[derive(Debug, Default)]
pub(crate) struct Unfinished(usize);

impl Unfinished {
    /// Whether so many more bytes may be kept, of a message that may have `max` at most. If so, they count.
    pub(crate) fn keep(&mut self, more: usize, max: usize) -> bool {
        if !cfg!(target_arch = "wasm32") {
            return true;
        }
        let kept = KEPT.get().saturating_add(more);
        if kept > MAX_SHARED.max(max) {
            return false;
        }
        KEPT.set(kept);
        self.0 += more;
        true
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        KEPT.set(KEPT.get().saturating_sub(self.0));
    }
}
