//! WebSocket frames (RFC 6455 §5) as a relay needs them, as bytes in and bytes out. Pure: no socket, task or clock may
//! come in here, and nothing is allocated for a frame.
//!
//! | File | What it knows |
//! | --- | --- |
//! | `header` | how a header is written and read, and what no header may say |
//! | `mask` | the masking of clients |
//! | `utf8` | text that comes in pieces |
//! | `inbound` | which frame may follow which, and how large a message may be |
//! | `client` | whole messages, for what a client says to the relay itself |
//! | `forward` | cut-through: frames for the other side of a pair, out of the bytes that are here |
//! | `close` | what is in a close frame |

mod client;
mod close;
mod forward;
mod header;
mod inbound;
mod mask;
#[cfg(test)]
mod tests;
mod utf8;

pub(crate) use client::{Client, Event, Next};
pub(crate) use close::Closing;
pub(crate) use forward::{End, Forwarded, HEADROOM};
pub(crate) use header::{Opcode, append};

/// What a client did against the rules. The connection cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A frame that RFC 6455 §5 does not allow.
    Violation,
    /// A text, or the reason of a close, is not UTF-8 (§8.1).
    NotUtf8,
    /// A message is larger than the client may send.
    TooLarge,
}
