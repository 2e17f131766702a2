//! Why the host has ended an instance.

use ratatosk_protocol::plugin::abi::{EmitError, readable};

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

/// What wasmtime says, which may quote the module: in one line, and not too long.
pub(crate) fn explain(error: &wasmtime::Error) -> String {
    readable(format!("{error:#}").as_bytes(), MAX_EXPLANATION_LEN)
}

/// Longest explanation, in bytes.
const MAX_EXPLANATION_LEN: usize = 1024;

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
    /// Something that a plugin cannot emit.
    #[error(transparent)]
    Emit(#[from] EmitError),
    /// A handle that belongs to another connection, or to none.
    #[error("used the handle {handle} during a call for another connection")]
    ForeignHandle {
        /// The handle.
        handle: u32,
    },
    /// A new connection was given the handle of another one, so that both would be taken for the same.
    #[error("open returned the handle {handle}, which another connection has")]
    HandleTaken {
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
