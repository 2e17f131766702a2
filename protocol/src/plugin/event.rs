//! What travels through the stack.

use crate::close::CloseRequest;
use crate::message::Payload;

/// An event on its way from the socket to the application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// The connection is open. A plugin that joins an open connection sees it at once.
    Opened,
    /// A message.
    Message(Payload),
    /// The connection is closed; nothing follows.
    Closed {
        /// The reason of the close frame, empty if there was none.
        reason: String,
        /// Who closed.
        origin: Origin,
    },
}

/// An event on its way from the application to the socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// A message.
    Message(Payload),
    /// Close the connection.
    Close(CloseRequest),
}

/// Which end did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// This end.
    Local,
    /// The other end, or the network between.
    Remote,
}
