//! Nothing is stored that was not verified.

use ratatosk_objects::typed::VersionNode;
use ratatosk_objects::{IdHash, Limits, Microdata, ObjectHash, ReadError, Recipes, Reference};
use sha2::{Digest, Sha256};

use crate::fault::Refusal;
use crate::root::Root;

/// Types that give rights: nobody may send them (the reference: `REJECTED_TYPES`).
const FORBIDDEN: [&str; 3] = ["Access", "IdAccess", "Group"];

/// Levels of nesting in an object.
const MAX_DEPTH: usize = 32;

/// An object that is what its hash says.
pub(super) struct Checked {
    pub(super) microdata: Microdata,
    /// Its id object, if its type has versions.
    pub(super) id_object: Option<Microdata>,
}

/// Checks a text that came for `asked`, which is an object or an id object.
pub(super) fn check(asked: Reference, text: &str, max: usize) -> Result<Checked, Refusal> {
    let malformed = |reason: String| Refusal::Malformed { hash: asked, reason };
    let limits = Limits { bytes: max, depth: MAX_DEPTH, ..Limits::DEFAULT };
    let microdata = Microdata::check(text, &limits).map_err(|error| {
        let hash: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        if hash == *asked.hash_bytes() { malformed(error.to_string()) } else { Refusal::Hash(asked) }
    })?;
    if microdata.hash().as_bytes() != asked.hash_bytes() {
        return Err(Refusal::Hash(asked));
    }
    if microdata.is_id_object() != matches!(asked, Reference::Id(_)) {
        return Err(malformed("an object in place of an id object, or the other way round".to_owned()));
    }
    if FORBIDDEN.contains(&microdata.type_name()) {
        return Err(Refusal::ForbiddenType);
    }
    let recipes = Recipes::standard();
    let object = match recipes.read(&microdata) {
        Ok(object) => object,
        // What we do not know is kept as it is.
        Err(ReadError::UnknownType(_)) => return Ok(Checked { microdata, id_object: None }),
        Err(error) => return Err(malformed(error.to_string())),
    };
    let is_versioned = recipes.get(&object.type_name).is_some_and(ratatosk_objects::Recipe::is_versioned);
    let id_object = if is_versioned && !microdata.is_id_object() {
        Some(recipes.write_id(&object).map_err(|error| malformed(error.to_string()))?)
    } else {
        None
    };
    Ok(Checked { microdata, id_object })
}

/// The hash of what an object is a version of; none if its type is unknown or has no versions.
pub(super) fn id_of(microdata: &Microdata) -> Option<IdHash> {
    let recipes = Recipes::standard();
    recipes.write_id(&recipes.read(microdata).ok()?).ok()?.id_hash()
}

/// The data and depth of a version node.
pub(super) fn node(microdata: &Microdata) -> Option<(ObjectHash, u64)> {
    let node = VersionNode::is_node_type(microdata.type_name()).then(|| VersionNode::read(microdata).ok())??;
    Some((node.data(), node.depth()))
}

/// Checks that a root is what it was announced as. `data` is the data of a version node.
pub(super) fn check_root(root: &Root, object: &Checked, data: Option<&Microdata>) -> Result<(), Refusal> {
    let is_type = |microdata: &Microdata| microdata.type_name() == root.one_type();
    match root {
        Root::Unversioned { .. } | Root::Id { .. } => is_type(&object.microdata).then_some(()).ok_or(Refusal::Type),
        Root::Versioned { id, .. } => {
            if !is_type(&object.microdata) {
                return Err(Refusal::Type);
            }
            let found = object.id_object.as_ref().and_then(Microdata::id_hash);
            (found.as_ref() == Some(id)).then_some(()).ok_or(Refusal::Id)
        }
        Root::VersionNode { id, .. } => {
            let data = data.ok_or(Refusal::Type)?;
            if id_of(data).as_ref() != Some(id) {
                return Err(Refusal::Id);
            }
            is_type(data).then_some(()).ok_or(Refusal::Type)
        }
    }
}
