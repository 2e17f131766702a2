//! A client of a daemon's HTTP API: what the commands for people speak with.
//!
//! | File | What lives there |
//! | --- | --- |
//! | `calls` | one function for each thing that can be asked for |
//! | `files` | files to the daemon and from it, in pieces |
//! | `events` | what happens, for as long as one listens; connects again by itself |
//! | `sse` | server-sent events, parsed from bytes |
//! | `transport` | requests and answers over HTTP/1.1 |
//! | `record` | `daemon.json`: where the daemon of a folder listens |
//!
//! Every answer, line and event is bounded, every wait has a deadline. Texts in answers are of other people: whoever shows them
//! escapes them.

mod calls;
mod error;
mod events;
mod files;
mod record;
pub mod sse;
#[cfg(test)]
mod tests;
mod transport;

pub use self::error::ClientError;
pub use self::events::Events;
pub use self::record::Record;
use self::transport::Transport;

/// A client of one daemon. Costs nothing as long as nothing is asked.
#[derive(Clone)]
pub struct Client {
    transport: Transport,
}

impl Client {
    /// A client of the daemon that listens on this port of the loopback interface, and asks for this token.
    #[must_use]
    pub fn new(port: u16, token: impl Into<String>) -> Self {
        Self { transport: Transport { port, token: token.into() } }
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("port", &self.transport.port).finish_non_exhaustive()
    }
}
