//! One entry of a list.

use ratatosk_objects::{Object, ObjectHash, Objects, ObjectsMut, Recipes, Reference, Value};

use crate::error::Error;
use crate::read;
use crate::timestamp::{self, Timestamp};

/// The most metadata that an entry may have: all of it is looked at when the message is shown.
pub const MAX_METADATA: usize = ratatosk_objects::affirm::MAX_METADATA;

/// An entry of a list, with the time of what was posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The `LinkedListEntry`.
    pub hash: ObjectHash,
    /// The `CreationTime`.
    pub creation_time: ObjectHash,
    /// When it was posted, as its author says.
    pub timestamp: Timestamp,
    /// What was posted.
    pub data: ObjectHash,
    /// What was posted with it, e.g. a signature, in order. An empty bag is not the same as none.
    pub metadata: Option<Vec<ObjectHash>>,
    /// The entry below.
    pub previous: Option<ObjectHash>,
}

/// The place of an entry in a list. Greater ones stand above.
pub(super) type Key = (Timestamp, ObjectHash);

impl Entry {
    /// The place in the list.
    pub(super) const fn key(&self) -> Key {
        (self.timestamp, self.creation_time)
    }

    /// Reads an entry.
    pub(super) fn load<O: Objects>(objects: &O, hash: ObjectHash) -> Result<Self, Error<O::Error>> {
        let wrong = || Error::WrongType { hash, expected: "LinkedListEntry" };
        let entry = read::object(objects, Recipes::standard(), hash)?;
        if entry.type_name != "LinkedListEntry" {
            return Err(wrong());
        }
        let creation_time = read::reference(&entry, "data").ok_or_else(wrong)?;
        let mut metadata = entry.get("metadata").map(read::references);
        if let Some(metadata) = &mut metadata {
            if metadata.len() > MAX_METADATA {
                return Err(Error::TooMuchMetadata(hash));
            }
            metadata.sort_unstable();
        }
        let (timestamp, data) = time(objects, creation_time)?;
        Ok(Self { hash, creation_time, timestamp, data, metadata, previous: read::reference(&entry, "previous") })
    }
}

/// Reads a `CreationTime`: when, and what.
pub(super) fn time<O: Objects>(objects: &O, hash: ObjectHash) -> Result<(Timestamp, ObjectHash), Error<O::Error>> {
    let wrong = || Error::WrongType { hash, expected: "CreationTime" };
    let object = read::object(objects, Recipes::standard(), hash)?;
    if object.type_name != "CreationTime" {
        return Err(wrong());
    }
    let timestamp = read::number(&object, "timestamp").and_then(timestamp::from_number).ok_or(Error::Time(hash))?;
    Ok((timestamp, read::reference(&object, "data").ok_or_else(wrong)?))
}

/// What an entry holds apart from its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) creation_time: ObjectHash,
    pub(super) metadata: Option<Vec<ObjectHash>>,
}

impl Content {
    /// Writes the entry with this content on top of a list, and gives its hash.
    pub(super) fn put<O: ObjectsMut>(
        &self,
        objects: &mut O,
        previous: Option<ObjectHash>,
    ) -> Result<ObjectHash, Error<O::Error>> {
        let reference = |hash: &ObjectHash| Value::Reference(Reference::Object(*hash));
        let mut object = Object::new("LinkedListEntry").with("data", reference(&self.creation_time));
        if let Some(metadata) = &self.metadata {
            object = object.with("metadata", Value::Bag(metadata.iter().map(reference).collect()));
        }
        if let Some(previous) = &previous {
            object = object.with("previous", reference(previous));
        }
        objects.put(&Recipes::standard().write(&object)?).map_err(Error::Store)
    }
}

impl From<Entry> for Content {
    fn from(entry: Entry) -> Self {
        Self { creation_time: entry.creation_time, metadata: entry.metadata }
    }
}

/// The metadata of two entries with one time: all of both. Of more than [`MAX_METADATA`] the smallest hashes stay, so that nobody
/// can make an entry that cannot be merged.
pub(super) fn unite(a: Option<Vec<ObjectHash>>, b: Option<Vec<ObjectHash>>) -> Option<Vec<ObjectHash>> {
    match (a, b) {
        (Some(a), Some(b)) if a == b => Some(a),
        (Some(mut a), Some(b)) => {
            a.extend(b);
            a.sort_unstable();
            a.dedup();
            a.truncate(MAX_METADATA);
            Some(a)
        }
        (a, b) => a.or(b),
    }
}
