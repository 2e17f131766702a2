//! Looking after a node: what is wrong with it, and a copy of all of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What an examination has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// What is good as well.
    pub findings: Vec<Finding>,
}

/// Something that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// Whose, if not the owner's: the slug of an AI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// What was looked at, like `relay` or `store`.
    pub subject: String,
    /// What was found.
    pub what: String,
    /// What that means for the person.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub meaning: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub help: String,
    /// Whether `repair` can do it.
    pub repairable: bool,
}

/// How bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// As it should be.
    Good,
    /// Works, and could be better.
    Warning,
    /// Does not work.
    Error,
}

/// What a repair has done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Repair {
    /// What was repaired, for a person.
    pub repaired: Vec<String>,
    /// What there is now.
    pub report: Report,
}

/// Asks for a backup.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBackup {
    /// The file that is to be made, on the machine of the daemon; absolute, and not there yet.
    pub path: String,
    /// What encrypts it. Without it nobody can read the backup.
    pub passphrase: String,
    /// Whether the files of models are to be in it: they are large, and can be imported again.
    #[serde(default)]
    pub models: bool,
}

impl std::fmt::Debug for NewBackup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewBackup").field("path", &self.path).field("models", &self.models).finish_non_exhaustive()
    }
}

/// A backup that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BackupDone {
    /// Where it is.
    pub path: String,
    /// Its bytes.
    pub size: u64,
    /// How many files are in it.
    pub files: u64,
    /// Models whose files are not in it.
    #[serde(default)]
    pub left_out: Vec<String>,
}
