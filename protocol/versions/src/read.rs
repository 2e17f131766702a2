//! Objects out of a store, and the values in them.

use ratatosk_objects::{Object, ObjectHash, Objects, ReadError, Recipes, Reference, Value};

use crate::error::Error;

/// An object that has to be there, by its recipe.
pub(crate) fn object<O: Objects>(objects: &O, recipes: &Recipes, hash: ObjectHash) -> Result<Object, Error<O::Error>> {
    let microdata = objects.object(&hash).map_err(Error::Store)?.ok_or(Error::Missing(hash))?;
    if microdata.is_id_object() {
        return Err(Error::Unreadable { hash, cause: ReadError::IdObject });
    }
    recipes.read(&microdata).map_err(|cause| Error::Unreadable { hash, cause })
}

/// A property that refers to an object.
pub(crate) fn reference(object: &Object, property: &str) -> Option<ObjectHash> {
    object.get(property).and_then(object_hash)
}

/// Items of a bag or a set that refer to objects.
pub(crate) fn references(value: &Value) -> Vec<ObjectHash> {
    match value {
        Value::Array(items) | Value::Bag(items) | Value::Set(items) => items.iter().filter_map(object_hash).collect(),
        _ => Vec::new(),
    }
}

/// A property that is a number.
pub(crate) fn number(object: &Object, property: &str) -> Option<f64> {
    match object.get(property) {
        Some(Value::Number(number)) => Some(*number),
        _ => None,
    }
}

fn object_hash(value: &Value) -> Option<ObjectHash> {
    match value {
        Value::Reference(Reference::Object(hash)) => Some(*hash),
        _ => None,
    }
}
