//! Phase 6: identity exchange, key proofs and pairing, and the invitations that lead to it (`spec/one.md §2.6–3`).
//!
//! [`Completion`] is the machine of one connection, for both roles. It does no IO and reads no clock: messages go in with
//! [`Completion::handle_message`], what is to be done comes out of [`Completion::poll_output`]. What it has to know of the
//! contacts and invitations of this end it asks through [`Acquaintances`] and [`Invitations`].
//!
//! It has no deadline of its own: all deadlines stand in `ratatosk_protocol::phase::Deadlines`, and the connection keeps the one
//! of this phase.
//!
//! | Room | What lives there |
//! | --- | --- |
//! | [`identity`] | who somebody is: the public identity, and our own with its secret |
//! | [`machine`] | the phase itself |
//! | [`circle`] | what the machine asks its owner |
//! | [`error`] | what goes wrong, whose fault it is, what the other end is told |
//! | [`invitation`], [`book`] | invitations as JSON and URL, and those that are open |
//! | [`qr`] | invitations for a camera |
//!
//! # What is proven, and where this is stricter than the reference
//!
//! Both ends prove the key of their connection in phase 5 and their person key here. The second proof is not bound to the connection,
//! so somebody in the middle could have it made by others. Therefore:
//!
//! - An acceptor pairs only over a connection that was made with the proven person key, as the reference's initiators make it.
//! - The final identity has to be of the one who is there: email address, instance name and all keys that were seen before are
//!   compared; an initiator insists on the instance key that it dialled, which is the one of the invitation.
//! - Nobody may name an instance key that is on record for somebody else, or ours. The instance key of an initiator is proven when
//!   it first synchronises, not before.
//! - The instance has to belong to the person. Nobody is taken for our own person: further instances of one person are not supported.
//! - A token is taken by one connection at a time, and names and messages have a length.
//! - Every failure closes the connection; the reference leaves some of them open.

pub mod book;
pub mod circle;
pub mod error;
pub mod identity;
mod ids;
pub mod invitation;
pub mod machine;
pub mod qr;
mod wire;

pub use book::InvitationBook;
pub use circle::{Acquaintances, Circle, Invitations, Known, Refusal, Unavailable};
pub use error::CompletionError;
pub use identity::{Identity, Myself, MyselfError};
pub use invitation::{Invitation, InvitationError, Token};
pub use machine::{Completion, Ends, Group, Output, Paired, Purpose, Verified};
pub use wire::MAX_MESSAGE_LEN;
