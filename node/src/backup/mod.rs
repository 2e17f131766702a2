//! Backups: one encrypted file with everything that a node is, and a node made of it on this machine or another one.
//!
//! | File | What lives there |
//! | --- | --- |
//! | `seal` | bytes under a passphrase, in pieces that can neither be changed, nor moved, nor left out |
//! | `archive` | files in a stream: names, lengths, contents |
//! | `make` | a backup of a node, while it is in use |
//! | `restore` | a node of a backup |
//! | `error` | why not, for people |
//!
//! What is in it: the identity, the database as it is at one moment, the settings, and the same of each AI; files of models only if
//! that is asked for. Neither a backup nor a restored node is there before it is complete: both grow beside their place and move there
//! at the end. All calls block.

mod archive;
mod error;
mod make;
mod restore;
mod seal;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use self::error::BackupError;
pub use self::make::{Made, Source, make, sweep};
pub use self::restore::{Restored, restore};

/// The name of the entry that comes first.
const MANIFEST: &str = "manifest.json";

/// What a backup says of itself, inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    /// The e-mail of the node's owner.
    email: String,
    /// When it was made, in milliseconds since 1970.
    created: u64,
    /// The program that made it.
    version: String,
    /// What is not in it, for a person.
    left_out: Vec<String>,
}

/// How far something is, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is done.
    pub done: u64,
    /// Of how much, as far as that can be told.
    pub total: u64,
}
