//! A version of somebody else.

use ratatosk_objects::{IdHash, Object, ObjectHash, Recipes, Versions};

use crate::announce;
use crate::error::Error;
use crate::limits::Limits;
use crate::merge::{self, Sides};
use crate::node::{Kind, Node};
use crate::read;

/// What came of a merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The object that was merged.
    pub id: IdHash,
    /// Its current version now.
    pub object: ObjectHash,
    /// What was current before, if anything was.
    pub before: Option<ObjectHash>,
    /// The current version node now.
    pub node: ObjectHash,
    /// Whether the object is another one than before.
    pub changed: bool,
    /// Whether [`crate::published`] gives another node than before. It may also be that only its time is another one.
    pub announce: bool,
    /// Whose version it is now.
    pub became: Became,
}

/// Whose version an object is after a merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Became {
    /// What it was before.
    Local,
    /// What the other one has.
    Remote,
    /// One that has something of both.
    New,
}

/// Merges a version node of somebody else into the current version of the object `id`.
///
/// The node and everything that it refers to, over any number of steps, are in the store. Of its history nothing is used: as real
/// peers do, it is taken for a `VersionNodeEdge` with its data and its time.
///
/// The result has the later of both times. It is told to others as it is, so two peers that merge each other's nodes announce the
/// same node, and a node that is merged once more changes nothing.
///
/// # Errors
///
/// If something that has to be read is not there or not what it should be, if the data belong to another object, are of a type
/// without recipe, or have a list that is too long. Nothing was written then, except when the store itself
/// fails; the caller rolls back.
pub fn merge_remote<V: Versions>(
    versions: &mut V,
    recipes: &Recipes,
    id: &IdHash,
    node: ObjectHash,
    limits: &Limits,
) -> Result<Merged, Error<V::Error>> {
    let remote = Node::load(versions, node)?;
    let theirs = read::object(versions, recipes, remote.data)?;
    let id_object = recipes.write_id(&theirs)?;
    let found = IdHash::from_bytes(*id_object.hash().as_bytes());
    if found != *id {
        return Err(Error::OtherObject { expected: *id, found });
    }

    let Some(current) = versions.current(id).map_err(Error::Store)? else {
        let data = recipes.write(&merge::in_order(versions, recipes, &theirs, limits)?)?;
        let object = versions.put(&data).map_err(Error::Store)?;
        versions.put_id(&id_object).map_err(Error::Store)?;
        let node = announce::set(versions, *id, &Node::edge(object, remote.creation_time))?;
        let became = if object == remote.data { Became::Remote } else { Became::New };
        return Ok(Merged { id: *id, object, before: None, node, changed: true, announce: true, became });
    };

    let local = Node::load(versions, current)?;
    let data = if local.data == remote.data {
        local.data
    } else {
        let ours = read::object(versions, recipes, local.data)?;
        let sides = Sides { ours: &ours, theirs: &theirs, order: local.creation_time.cmp(&remote.creation_time) };
        write(versions, recipes, &sides, limits)?
    };
    let creation_time = local.creation_time.max(remote.creation_time);
    let became = match data {
        data if data == local.data => Became::Local,
        data if data == remote.data => Became::Remote,
        _ => Became::New,
    };
    let changed = data != local.data;
    let announce = changed || creation_time != local.creation_time;
    let node = match became {
        _ if !announce => current,
        Became::Local | Became::Remote => announce::set(versions, *id, &Node::edge(data, creation_time))?,
        Became::New => {
            let edge = Node::edge(remote.data, remote.creation_time).microdata()?;
            let edge = versions.put(&edge).map_err(Error::Store)?;
            let depth = local.depth.saturating_add(1);
            announce::set(versions, *id, &Node { kind: Kind::Merge(vec![current, edge]), data, depth, creation_time })?
        }
    };
    Ok(Merged { id: *id, object: data, before: Some(local.data), node, changed, announce, became })
}

/// Merges both sides and stores the result.
fn write<V: Versions>(
    versions: &mut V,
    recipes: &Recipes,
    sides: &Sides<'_, Object>,
    limits: &Limits,
) -> Result<ObjectHash, Error<V::Error>> {
    let merged = merge::objects(versions, recipes, sides, limits)?;
    let data = recipes.write(&merged)?;
    versions.put(&data).map_err(Error::Store)
}
