//! Nodes of the history of versioned objects (`spec/one.md §5`, Versions).

use super::Typed;
use super::field::typed;
use crate::error::{ReadError, WriteError};
use crate::hash::ObjectHash;
use crate::microdata::Microdata;

typed! {
    /// A version with nothing before it that matters.
    VersionNodeEdge {
        /// The version.
        data: ObjectHash = One "data",
        /// 0 where real peers make it.
        depth: u64 = One "depth",
        /// Milliseconds since 1970.
        creation_time: u64 = One "creationTime",
    }
}

typed! {
    /// A version that was made out of the one before.
    VersionNodeChange {
        /// The node before.
        prev: Option<ObjectHash> = One "prev",
        /// The version.
        data: ObjectHash = One "data",
        /// One more than the node before.
        depth: u64 = One "depth",
        /// Milliseconds since 1970.
        creation_time: u64 = One "creationTime",
    }
}

typed! {
    /// A version that was made out of several.
    VersionNodeMerge {
        /// The nodes before.
        nodes: Vec<ObjectHash> = Set "nodes",
        /// The version.
        data: ObjectHash = One "data",
        /// One more than the deepest node before.
        depth: u64 = One "depth",
        /// The latest of the nodes before, in milliseconds since 1970.
        creation_time: u64 = One "creationTime",
    }
}

/// A node of any kind.
#[derive(Clone, Debug, PartialEq)]
pub enum VersionNode {
    /// Nothing before.
    Edge(VersionNodeEdge),
    /// One before.
    Change(VersionNodeChange),
    /// Several before.
    Merge(VersionNodeMerge),
}

impl VersionNode {
    /// Whether objects of this type are nodes.
    #[must_use]
    pub fn is_node_type(type_name: &str) -> bool {
        [VersionNodeEdge::TYPE, VersionNodeChange::TYPE, VersionNodeMerge::TYPE].contains(&type_name)
    }

    /// Reads a node.
    ///
    /// # Errors
    ///
    /// As [`Typed::read`].
    pub fn read(microdata: &Microdata) -> Result<Self, ReadError> {
        match microdata.type_name() {
            VersionNodeChange::TYPE => VersionNodeChange::read(microdata).map(Self::Change),
            VersionNodeMerge::TYPE => VersionNodeMerge::read(microdata).map(Self::Merge),
            _ => VersionNodeEdge::read(microdata).map(Self::Edge),
        }
    }

    /// The canonical text.
    ///
    /// # Errors
    ///
    /// As [`Typed::microdata`].
    pub fn microdata(&self) -> Result<Microdata, WriteError> {
        match self {
            Self::Edge(node) => node.microdata(),
            Self::Change(node) => node.microdata(),
            Self::Merge(node) => node.microdata(),
        }
    }

    /// The version.
    #[must_use]
    pub const fn data(&self) -> ObjectHash {
        match self {
            Self::Edge(node) => node.data,
            Self::Change(node) => node.data,
            Self::Merge(node) => node.data,
        }
    }

    /// How many nodes lie below it, on the longest way.
    #[must_use]
    pub const fn depth(&self) -> u64 {
        match self {
            Self::Edge(node) => node.depth,
            Self::Change(node) => node.depth,
            Self::Merge(node) => node.depth,
        }
    }

    /// When it was made, in milliseconds since 1970.
    #[must_use]
    pub const fn creation_time(&self) -> u64 {
        match self {
            Self::Edge(node) => node.creation_time,
            Self::Change(node) => node.creation_time,
            Self::Merge(node) => node.creation_time,
        }
    }

    /// The nodes before.
    #[must_use]
    pub fn before(&self) -> Vec<ObjectHash> {
        match self {
            Self::Edge(_) => Vec::new(),
            Self::Change(node) => node.prev.into_iter().collect(),
            Self::Merge(node) => node.nodes.clone(),
        }
    }
}
