//! Why the host has ended an instance.

use ratatosk_plugin::abi::MAX_FAILURE_LEN;

/// Why an instance was ended. What it held is gone, and every connection that it served fails with this.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Stopped {
    /// It did not come back in time.
    #[error("no answer within {deadline_ms} ms")]
    Deadline {
        /// The manifest's deadline.
        deadline_ms: u64,
    },
    /// It panicked, and said so.
    #[error("{0}")]
    Panicked(String),
    /// It did what WebAssembly does not allow.
    #[error("{0}")]
    Trapped(String),
    /// It broke a rule of the ABI, or one of its limits.
    #[error(transparent)]
    Misuse(#[from] Misuse),
}

/// A rule of the ABI, or a limit, that a module broke.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misuse {
    /// A pointer and a length that do not lie in the module's memory.
    #[error("{call} was given {len} bytes at {ptr}, outside its memory")]
    OutOfBounds {
        /// Which function.
        call: &'static str,
        /// The pointer.
        ptr: u32,
        /// The length.
        len: usize,
    },
    /// More memory than the manifest allows.
    #[error("more than {max} bytes of memory")]
    Memory {
        /// The manifest's limit.
        max: usize,
    },
    /// A larger table of functions than the host allows.
    #[error("more than {max} entries in a table")]
    Table {
        /// The host's limit.
        max: usize,
    },
    /// More events from one call than the host allows.
    #[error("more than {max} events from one call")]
    TooManyEvents {
        /// The host's limit.
        max: usize,
    },
    /// More bytes from one call than the module may have of memory.
    #[error("more than {max} bytes from one call")]
    TooManyBytes {
        /// The limit.
        max: usize,
    },
    /// More random bytes than one call of `random` gives.
    #[error("asked for {len} random bytes at once")]
    RandomLen {
        /// How many.
        len: u32,
    },
    /// An event that a plugin cannot emit, or not at this time.
    #[error("emitted an event that it may not: direction {direction}, kind {kind}")]
    Event {
        /// The direction.
        direction: u32,
        /// The kind.
        kind: u32,
    },
    /// A text that is not UTF-8.
    #[error("emitted a text that is not UTF-8")]
    NotText,
    /// A handle that belongs to another connection, or to none.
    #[error("used the handle {handle} during a call for another connection")]
    ForeignHandle {
        /// The handle.
        handle: u32,
    },
    /// A result that has no meaning.
    #[error("{call} returned {result}, which means nothing")]
    Result {
        /// Which function.
        call: &'static str,
        /// What it returned.
        result: i32,
    },
    /// An import was called while the module was set up.
    #[error("called {call} before it was ready")]
    TooEarly {
        /// Which import.
        call: &'static str,
    },
}

/// What a module says about itself, fit for a log and a close reason: bounded, in one line.
pub(crate) fn readable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_FAILURE_LEN)]);
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_module_says_stays_in_one_line() {
        assert_eq!(readable(b"a\nb\x1b[31m\xff"), "a b [31m\u{FFFD}");
        assert_eq!(readable(&[b'x'; 5000]).len(), MAX_FAILURE_LEN);
    }
}
