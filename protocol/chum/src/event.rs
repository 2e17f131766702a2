//! What the machine tells whoever drives it.

use ratatosk_objects::{BlobHash, IdHash, ObjectHash};
use ratatosk_protocol::message::Payload;

use crate::draft::Draft;
use crate::fault::{Fault, Refusal};
use crate::root::Root;

/// What comes in.
#[derive(Debug)]
pub enum Input {
    /// A message of the peer.
    Message(Payload),
    /// The time that [`crate::Chum::poll_timeout`] named may have come.
    Timeout,
    /// What we share may have changed.
    RootsChanged,
    /// We are writing something that the peer may look on at.
    Draft(Draft),
}

/// What the machine wants done.
#[derive(Debug)]
pub enum Output {
    /// Send this.
    Send(Payload),
    /// Something happened.
    Event(Event),
    /// Close the connection; nothing comes after this. The text is for the close frame.
    Close(Fault),
}

/// What happened on a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Both sides speak the same version.
    Started,
    /// A list of roots of the peer was worked through.
    Synchronised {
        /// For the first time on this connection.
        first: bool,
        /// How many of its roots were taken over.
        imported: usize,
    },
    /// A root of the peer was taken over, with everything that it needs.
    Imported {
        /// The root.
        root: Root,
        /// Objects and id objects that were fetched for it.
        objects: usize,
        /// Their bytes.
        bytes: u64,
    },
    /// A root of the peer was not taken over. It is tried again later.
    Refused {
        /// The root.
        root: Root,
        /// Why.
        refusal: Refusal,
    },
    /// A BLOB could not be had; what refers to it was stored without it.
    BlobMissing(BlobHash),
    /// The peer is writing something. Whether it may write there is for the application to say.
    Draft(Draft),
    /// The peer has fetched a version of ours, with everything that it needs.
    Delivered {
        /// What it is a version of.
        id: IdHash,
        /// The version node.
        node: ObjectHash,
    },
}
