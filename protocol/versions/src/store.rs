//! A change of ours.

use ratatosk_objects::{IdHash, Object, ObjectHash, Recipes, Versions};

use crate::announce;
use crate::error::Error;
use crate::node::{Kind, Node};
use crate::timestamp::{MAX_TIMESTAMP, Timestamp};

/// What came of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The object as it was given.
    pub object: ObjectHash,
    /// Its identity.
    pub id: IdHash,
    /// The current version node.
    pub node: ObjectHash,
    /// Whether the object was another one before.
    pub changed: bool,
}

/// Stores an object as the new current version: a `VersionNodeEdge` if it is the first, or a `VersionNodeChange` on top of the
/// current node. If it is what is current anyway, nothing happens.
///
/// `now_ms` is the time in milliseconds since 1970. A change is later than what it changes, whatever the clock says, because
/// others tell by the time which of two values is meant to stay.
///
/// # Errors
///
/// If the object fits no recipe or has no versions, if the current node cannot be read, or if the store fails.
pub fn store_version<V: Versions>(
    versions: &mut V,
    recipes: &Recipes,
    object: &Object,
    now_ms: Timestamp,
) -> Result<Stored, Error<V::Error>> {
    let (data, id_object) = (recipes.write(object)?, recipes.write_id(object)?);
    // It is an id object: write_id makes no others.
    let id = IdHash::from_bytes(*id_object.hash().as_bytes());

    let current = versions.current(&id).map_err(Error::Store)?;
    let node = match current {
        None => Node::edge(data.hash(), now_ms.min(MAX_TIMESTAMP)),
        Some(current) => {
            let before = Node::load(versions, current)?;
            if before.data == data.hash() {
                return Ok(Stored { object: data.hash(), id, node: current, changed: false });
            }
            Node {
                kind: Kind::Change(Some(current)),
                data: data.hash(),
                depth: before.depth.saturating_add(1),
                creation_time: now_ms.max(before.creation_time.saturating_add(1)).min(MAX_TIMESTAMP),
            }
        }
    };
    versions.put_id(&id_object).map_err(Error::Store)?;
    let object = versions.put(&data).map_err(Error::Store)?;
    let node = announce::set(versions, id, &node)?;
    Ok(Stored { object, id, node, changed: true })
}
