//! The ABI between host and module, version 1. `plugins/README.md` is its text; these are its numbers.

/// The module that all imports come from.
pub const MODULE: &str = "ratatosk_plugin_1";

/// How the marker exports of all versions begin; the major version follows.
pub const MARKER_PREFIX: &str = "ratatosk_plugin_abi_";

/// The marker export of this version.
pub const MARKER: &str = "ratatosk_plugin_abi_1";

/// The major version.
pub const VERSION: u32 = 1;

/// Direction: from the socket to the application.
pub const INCOMING: u32 = 0;
/// Direction: from the application to the socket.
pub const OUTGOING: u32 = 1;

/// Kind: a text message, in UTF-8.
pub const TEXT: u32 = 1;
/// Kind: a binary message.
pub const BINARY: u32 = 2;
/// Kind: the connection is open. Incoming only, no data.
pub const OPENED: u32 = 3;
/// Kind: the connection is closed. Incoming only; [`ORIGIN_LOCAL`] or [`ORIGIN_REMOTE`], then the reason in UTF-8.
pub const CLOSED: u32 = 4;
/// Kind: close the connection. Outgoing only; one of the `CLOSE_` bytes, then the text in UTF-8.
pub const CLOSE: u32 = 5;
/// Kind: a line about the connection, for its timeline and the log. Emitted only, outgoing, in UTF-8; no other plugin sees it.
pub const NOTE: u32 = 6;

/// First byte of [`CLOSED`]: this end has closed.
pub const ORIGIN_LOCAL: u8 = 0;
/// First byte of [`CLOSED`]: the other end has, or the network between.
pub const ORIGIN_REMOTE: u8 = 1;

/// First byte of [`CLOSE`]: `Close called.`, no text follows.
pub const CLOSE_PLAIN: u8 = 0;
/// First byte of [`CLOSE`]: `Close called: ` and the text.
pub const CLOSE_BECAUSE: u8 = 1;
/// First byte of [`CLOSE`]: `Terminate called: ` and the text.
pub const CLOSE_TERMINATE: u8 = 2;

/// Result of `on_event`: the event goes no further.
pub const CONSUMED: i32 = 0;
/// Result of `on_event`: the event goes on unchanged, after everything that was emitted. Of `on_timer`: done.
pub const PASS: i32 = 1;
/// Result of `on_event` and `on_timer`: the connection has to end; `fail` has said why.
pub const ERROR: i32 = 2;
/// Added to a result of `on_event`: the buffer that was promised to be steady is another one now.
pub const MOVED: i32 = 256;
/// Result of `open`: refused; `fail` has said why.
pub const REFUSED: i32 = -1;

/// The time that switches a timer off.
pub const NEVER: u64 = u64::MAX;

/// Bytes in front of a message that a guest of the SDK has for headers and tags.
pub const HEADROOM: usize = 512;

/// What a guest of the SDK says about its buffer: messages of so many bytes need no further call of `alloc`.
pub const STEADY_LEN: usize = 1024;

/// Longest text that `fail` takes, in bytes; the rest is cut off.
pub const MAX_FAILURE_LEN: usize = 1024;

/// Longest [`NOTE`], in bytes; the rest is cut off.
pub const MAX_NOTE_LEN: usize = 1024;

/// Most [`NOTE`]s of one call; what comes after them is dropped.
pub const MAX_NOTES: usize = 16;

/// Most bytes that one call of `random` gives.
pub const MAX_RANDOM_LEN: usize = 65_536;

/// The bit of an event in the mask that `subscribe` returns.
#[must_use]
pub const fn bit(direction: u32, kind: u32) -> u32 {
    1 << (kind + 16 * direction)
}

/// The mask of all messages, in both directions.
pub const MESSAGES: u32 = bit(INCOMING, TEXT) | bit(INCOMING, BINARY) | bit(OUTGOING, TEXT) | bit(OUTGOING, BINARY);

/// The mask of all events.
pub const EVERYTHING: u32 = u32::MAX;
