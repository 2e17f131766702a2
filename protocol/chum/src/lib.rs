//! CHUM 8: how two peers bring each other's objects up to date (`spec/one.md §5`).
//!
//! [`Chum`] is both sides of one connection: it serves what the remote person may see, and fetches what that person shares with us.
//! It does no IO and reads no clock; the storage is a [`Library`] that each call is given.
//!
//! ```text
//! session ──messages──▶ Chum::handle(input, &mut library, now)
//!                       Chum::poll_output(&mut library, now) ──▶ send, events, close
//!                       Chum::poll_timeout() ──▶ when to come back
//! ```
//!
//! | Room | What lives there |
//! | --- | --- |
//! | [`message`] | requests, answers, errors, streams as they stand on the wire |
//! | [`root`], [`children`] | the lists that travel in them |
//! | [`library`] | what the machine asks of the storage |
//! | [`draft`] | what is being written at this moment |
//! | `exporter` | our things for the peer |
//! | `importer` | the peer's things for us |
//! | [`machine`] | both on one connection |
//! | [`memory`] | a library in memory |
//!
//! # What is done otherwise than in the reference
//!
//! * Lists of children are cut down to what is new, plus what that refers to, when the peer is known to have an older version of the
//!   same thing: a message more in a channel of 100,000 costs what it costs in a channel of 100. The reference takes such lists: it
//!   skips what it has, and checks direct references only. If it asks for something that we thought it had, it gets whole lists again.
//! * Requests go out ahead of answers, in a window.
//! * Service 3 is used: whoever polls is told when there is something new, instead of after 5 s. The reference takes note of it and does
//!   nothing.
//! * What an object refers to must have been sent by this peer, or be something that it may see anyway: to know a hash is not to have
//!   what lies behind it. If it is stored here for other reasons, the peer is asked for it all the same, as evidence. The reference is
//!   content with what stands in the list, and skips what it has; so whoever knows a hash can have its peer share what lies behind it.
//! * What was named as a BLOB is served as a BLOB and not as an object. The reference has one set of names for all kinds.
//! * A BLOB that cannot be had does not keep back what refers to it. The reference on Node cannot send BLOBs at all (`spec/one.md
//!   §6`, trap (e)); one that comes empty is asked for a second time as text, which does arrive if it is text.
//! * Service 100 shows what is being written ([`draft`]). To the reference it is unknown, which it says once.
//! * Objects of unknown types are taken as they are.

pub mod children;
pub mod draft;
pub mod event;
pub mod fault;
pub mod library;
pub mod machine;
pub mod memory;
pub mod message;
pub mod root;
pub mod settings;

mod closure;
mod difference;
mod exporter;
mod importer;
mod list;

pub use self::draft::{AnswerId, Draft, DraftState};
pub use self::event::{Event, Input, Output};
pub use self::fault::{Fault, Refusal};
pub use self::library::{Imported, Item, Library};
pub use self::list::ListError;
pub use self::machine::Chum;
pub use self::root::Root;
pub use self::settings::Settings;
