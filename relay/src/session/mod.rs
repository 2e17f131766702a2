//! What one connection means to the relay, as states that are consumed by transitions. Pure: time is an argument, what
//! is to be done comes out as values, and no socket, task or clock may come in here.
//!
//! ```text
//! Fresh ─ register ──────────────▶ Register ▶ Challenged ▶ Authenticated ▶ Spare ⇄ OwingSpare
//!   │                                                                        └──────┴──▶ HandedOver
//!   ├─ communication_request ────▶ Requesting ▶ (the hand-over messages, then a pair)
//!   └─ anything else ────────────▶ Refused
//! ```

mod close;
mod handshake;
mod request;
mod spare;
mod timer;

pub use close::{Cause, Close};
pub use handshake::{Authenticated, Challenged, First, Fresh, Refused, Register};
pub use request::Requesting;
pub use spare::{Claimed, HandedOver, Owed, OwingSpare, Spare};
pub use timer::{HANDSHAKE_TIMED_OUT, NOT_READ, Timeouts, Timer};

/// Messages of a client that may wait to be looked at; one more is a reason to close (`spec/wire.md §6`).
pub const QUEUE_LEN: usize = 10;

/// The text of that close.
const QUEUE_FULL: &str = "Queue is full, it reached its maximum length of 10";
