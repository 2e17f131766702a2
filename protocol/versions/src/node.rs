//! Version nodes (`spec/one.md §4`).

use ratatosk_objects::{Microdata, Object, ObjectHash, Objects, Recipes, Reference, Value, WriteError};

use crate::error::Error;
use crate::read;
use crate::timestamp::{self, Timestamp};

/// What a version node is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What stands before it.
    pub kind: Kind,
    /// The data: one version of an object.
    pub data: ObjectHash,
    /// How many nodes stand below it on the longest way, as its writer says. Nothing rests on it.
    pub depth: u64,
    /// When the data came to be, as their writer says.
    pub creation_time: Timestamp,
}

/// What stands before a version node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing that this node tells of (`VersionNodeEdge`).
    Edge,
    /// The version that was changed (`VersionNodeChange`).
    Change(Option<ObjectHash>),
    /// The versions that were merged (`VersionNodeMerge`). They are written in the order of their hashes.
    Merge(Vec<ObjectHash>),
}

impl Node {
    /// The node that tells of data and their time, and of nothing before.
    #[must_use]
    pub const fn edge(data: ObjectHash, creation_time: Timestamp) -> Self {
        Self { kind: Kind::Edge, data, depth: 0, creation_time }
    }

    /// The canonical text.
    ///
    /// # Errors
    ///
    /// Never, as long as the recipes of version nodes are those of the network.
    pub fn microdata(&self) -> Result<Microdata, WriteError> {
        let reference = |hash: &ObjectHash| Value::Reference(Reference::Object(*hash));
        let object = match &self.kind {
            Kind::Edge => Object::new("VersionNodeEdge"),
            Kind::Change(None) => Object::new("VersionNodeChange"),
            Kind::Change(Some(prev)) => Object::new("VersionNodeChange").with("prev", reference(prev)),
            Kind::Merge(nodes) => {
                Object::new("VersionNodeMerge").with("nodes", Value::Set(nodes.iter().map(reference).collect()))
            }
        };
        Recipes::standard().write(
            &object
                .with("data", reference(&self.data))
                .with("depth", Value::Number(timestamp::to_number(self.depth)))
                .with("creationTime", Value::Number(timestamp::to_number(self.creation_time))),
        )
    }

    /// Reads a node from a store.
    ///
    /// # Errors
    ///
    /// If it is not there, is no version node, or has a time that is none.
    pub fn load<O: Objects>(objects: &O, hash: ObjectHash) -> Result<Self, Error<O::Error>> {
        let wrong = || Error::WrongType { hash, expected: "version node" };
        let object = read::object(objects, Recipes::standard(), hash)?;
        let kind = match object.type_name.as_str() {
            "VersionNodeEdge" => Kind::Edge,
            "VersionNodeChange" => Kind::Change(read::reference(&object, "prev")),
            "VersionNodeMerge" => Kind::Merge(object.get("nodes").map(read::references).unwrap_or_default()),
            _ => return Err(wrong()),
        };
        let time = |property| read::number(&object, property).and_then(timestamp::from_number);
        Ok(Self {
            kind,
            data: read::reference(&object, "data").ok_or_else(wrong)?,
            depth: time("depth").unwrap_or(0),
            creation_time: time("creationTime").ok_or(Error::Time(hash))?,
        })
    }
}
