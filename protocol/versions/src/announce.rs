//! What we tell others of an object.

use ratatosk_objects::{IdHash, Microdata, ObjectHash, Versions};

use crate::error::Error;
use crate::node::Node;
use crate::timestamp::Timestamp;

/// The one node that we announce for an object, as root `version_node` (`spec/one.md §5`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The node itself, a `VersionNodeEdge`. It is in the store.
    pub node: Microdata,
    /// Its data.
    pub data: ObjectHash,
    /// The time of its data.
    pub creation_time: Timestamp,
}

/// The node that we announce: the current data and their time, without anything of the history. `None` if there is no version.
///
/// It depends on nothing else, so that two peers with the same data announce the same. [`crate::store_version`] and
/// [`crate::merge_remote`] have put it into the store.
///
/// # Errors
///
/// If the current node cannot be read.
pub fn published<V: Versions>(versions: &V, id: &IdHash) -> Result<Option<Published>, Error<V::Error>> {
    let Some(current) = versions.current(id).map_err(Error::Store)? else { return Ok(None) };
    let Node { data, creation_time, .. } = Node::load(versions, current)?;
    Ok(Some(Published { node: Node::edge(data, creation_time).microdata()?, data, creation_time }))
}

/// Makes a node the current one, and puts it and what is published of it into the store.
pub(crate) fn set<V: Versions>(versions: &mut V, id: IdHash, node: &Node) -> Result<ObjectHash, Error<V::Error>> {
    let edge = Node::edge(node.data, node.creation_time);
    if edge != *node {
        versions.put(&edge.microdata()?).map_err(Error::Store)?;
    }
    let hash = versions.put(&node.microdata()?).map_err(Error::Store)?;
    versions.set_current(id, hash).map_err(Error::Store)?;
    Ok(hash)
}
