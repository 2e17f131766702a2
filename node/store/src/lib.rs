//! Where a node keeps its objects: one crash-safe file.
//!
//! A [`Store`] is a folder with one SQLite database in it. It holds objects and id objects by their hashes, BLOBs and CLOBs in
//! pieces, the current version node of each id, who may see what ([`View::roots`]), what other instances are known to have
//! ([`View::known`]), and small settings. Secret keys are not in it.
//!
//! # What holds
//!
//! - What [`Store::transaction`] or [`BlobWriter::finish`] has returned survives the end of the process and of the machine's
//!   power (write-ahead log, synchronous = FULL); what did not return is there as a whole or not at all.
//! - One process at a time: a second one gets [`Error::InUse`].
//! - Readers ([`Store::read`]) see one state from beginning to end, do not wait for a writer and do not make one wait. A
//!   reader that stays for long keeps the log from being cut, so it grows.
//! - Everything blocks on the disk: call it from a thread that may wait (`spawn_blocking`).
//! - An object whose bytes do not have its hash is reported ([`Error::Damaged`]), not handed out.
//!
//! # Rooms
//!
//! | Module | What it knows |
//! | --- | --- |
//! | `schema` | the tables, and which version of them this is |
//! | `open`, `lock` | one folder, one process |
//! | `store` | the writer, the readers, holds |
//! | `view`, `transaction` | objects and versions |
//! | `access`, `known`, `pins`, `settings` | the smaller tables |
//! | `blob` | bytes of any size, in bounded memory |
//! | `copy` | a copy of one state, while others write |
//! | `check` | what is wrong with a store |
//! | `garbage` | what nothing reaches |

mod access;
mod blob;
mod check;
mod copy;
mod error;
mod garbage;
mod known;
mod lock;
mod open;
mod pins;
mod progress;
mod row;
mod schema;
mod settings;
mod store;
mod traits;
mod transaction;
mod view;

pub use access::SharedRoot;
pub use blob::{BlobReader, BlobWriter};
pub use check::{Finding, Report};
pub use error::Error;
pub use garbage::Garbage;
pub use progress::{Progress, Step};
pub use settings::{Setting, SettingKey};
pub use store::{Hold, Store};
pub use transaction::Transaction;
pub use view::View;
