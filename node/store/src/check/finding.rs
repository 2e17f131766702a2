//! What a check finds, for a person.

use std::fmt;

use ratatosk_objects::{IdHash, ObjectHash, Reference};

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// What SQLite says about its file.
    Database(String),
    /// What is stored does not have the hash under which it is stored, or is no object.
    Damaged(Reference),
    /// The current version node of an id is not stored.
    NodeMissing {
        /// Of what.
        id: IdHash,
        /// Its current version node.
        node: ObjectHash,
    },
    /// The current version node of an id is no version node, or what it points at is not stored.
    NodeWithoutData {
        /// Of what.
        id: IdHash,
        /// Its current version node.
        node: ObjectHash,
    },
    /// An object refers to something that is not stored. It may never have come.
    Missing {
        /// The object.
        from: Reference,
        /// What is missing.
        to: Reference,
    },
    /// A table points at something that is not stored.
    Root {
        /// Which: `access`, `known` or `pins`.
        table: &'static str,
        /// What is missing.
        what: Reference,
    },
}

impl Finding {
    /// Whether the store has lost something that it had. Otherwise something has not come yet, or was never sent.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Database(_) | Self::Damaged(_) | Self::NodeMissing { .. } | Self::NodeWithoutData { .. } => true,
            Self::Missing { .. } | Self::Root { .. } => false,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |what: &Reference| format!("{} {}", what.data_type(), ObjectHash::from_bytes(*what.hash_bytes()));
        match self {
            Self::Database(what) => write!(f, "the database file: {}", what.escape_debug()),
            Self::Damaged(what) => write!(f, "{} is damaged: its content has another hash", name(what)),
            Self::NodeMissing { id, node } => write!(f, "id {id}: its current version node {node} is missing"),
            Self::NodeWithoutData { id, node } => {
                write!(f, "id {id}: its current version node {node} points at no data of this id")
            }
            Self::Missing { from, to } => write!(f, "{} refers to {}, which is not here", name(from), name(to)),
            Self::Root { table, what } => write!(f, "{} stands in the table {table} and is not here", name(what)),
        }
    }
}

/// What a check has looked at and found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How many objects were checked.
    pub objects: u64,
    /// How many id objects.
    pub id_objects: u64,
    /// How many BLOBs and CLOBs.
    pub blobs: u64,
    /// How many current version nodes.
    pub versions: u64,
    /// The first [`Report::MOST`] findings.
    pub findings: Vec<Finding>,
    /// How many more there are.
    pub more: u64,
    damage: u64,
}

impl Report {
    /// The most findings that are kept.
    pub const MOST: usize = 1000;

    /// Whether nothing of what was stored is lost. There may be findings nevertheless: things that never came.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.damage == 0
    }

    pub(super) fn add(&mut self, finding: Finding) {
        self.damage += u64::from(finding.is_damage());
        if self.findings.len() < Self::MOST {
            self.findings.push(finding);
        } else {
            self.more += 1;
        }
    }
}
