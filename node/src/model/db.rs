//! Typed objects in the store.

use ratatosk_objects::typed::{Typed, VersionNode, Versioned};
use ratatosk_objects::{IdHash, ObjectHash, Recipes};
use ratatosk_store::{Transaction, View};

use super::ModelError;

/// One version of an object, with its hash.
pub(super) struct Version<T> {
    pub(super) hash: ObjectHash,
    pub(super) value: T,
}

/// An object, if it is there.
pub(super) fn object<T: Typed>(view: &View<'_>, hash: ObjectHash) -> Result<Option<T>, ModelError> {
    let Some(microdata) = view.object(&hash)? else { return Ok(None) };
    T::read(&microdata).map(Some).map_err(|error| ModelError::Read { hash, error })
}

/// An object that has to be there.
pub(super) fn needed<T: Typed>(view: &View<'_>, hash: ObjectHash) -> Result<T, ModelError> {
    object(view, hash)?.ok_or(ModelError::MissingObject(hash))
}

/// An object if it is there and of this type: lists of others may hold types that are not ours.
pub(super) fn object_of<T: Typed>(view: &View<'_>, hash: ObjectHash) -> Result<Option<T>, ModelError> {
    let microdata = view.object(&hash)?.filter(|microdata| microdata.type_name() == T::TYPE);
    Ok(microdata.and_then(|microdata| T::read(&microdata).ok()))
}

/// The current version of an object, if it has any.
pub(super) fn current<T: Typed>(view: &View<'_>, id: IdHash) -> Result<Option<Version<T>>, ModelError> {
    let Some(node) = view.current(&id)? else { return Ok(None) };
    let hash = data_of(view, node)?;
    Ok(Some(Version { hash, value: needed(view, hash)? }))
}

/// What a version node is a version of.
pub(super) fn data_of(view: &View<'_>, node: ObjectHash) -> Result<ObjectHash, ModelError> {
    let microdata = view.object(&node)?.ok_or(ModelError::MissingObject(node))?;
    Ok(VersionNode::read(&microdata).map_err(|error| ModelError::Read { hash: node, error })?.data())
}

/// Keeps an object without versions.
pub(super) fn put<T: Typed>(tx: &mut Transaction<'_>, value: &T) -> Result<ObjectHash, ModelError> {
    Ok(tx.put(&value.microdata()?)?)
}

/// Keeps an id object.
pub(super) fn put_id<T: Versioned>(tx: &mut Transaction<'_>, value: &T) -> Result<IdHash, ModelError> {
    Ok(tx.put_id(&value.id_microdata()?)?)
}

/// Makes an object the current version. One that is it already changes nothing.
pub(super) fn store<T: Versioned>(tx: &mut Transaction<'_>, value: &T, now: u64) -> Result<Version<()>, ModelError> {
    let stored = ratatosk_versions::store_version(tx, Recipes::standard(), &value.to_object(), now)?;
    Ok(Version { hash: stored.object, value: () })
}
