//! Who may have what: Access and IdAccess objects, and the index that is made of them (`spec/one.md §5`).
//!
//! Nothing leaves this node but what stands here and what it refers to: our profile for each contact, a topic and its channel for
//! the participants. Groups are not used: this version of the protocol does not export by them.

use ratatosk_chum::Root;
use ratatosk_objects::typed::{Access, IdAccess, Typed, VersionNode, VersionNodeEdge};
use ratatosk_objects::{IdHash, Microdata, PersonId, Reference, Versioned};
use ratatosk_store::{SharedRoot, Store, Transaction, View};

use super::{ModelError, db};

/// Shares with these persons; ourselves are among them where the reference has it so, and cost nothing.
pub(super) fn share(
    tx: &mut Transaction<'_>,
    me: PersonId,
    root: SharedRoot,
    persons: &[PersonId],
    now: u64,
) -> Result<(), ModelError> {
    match root {
        SharedRoot::Object(object) => {
            let access = Access { object, person: Vec::new(), group: Vec::new() };
            let access = db::current::<Access>(tx, access.id_hash()?)?.map_or(access, |version| version.value);
            let person = united(&access.person, persons);
            db::store(tx, &Access { person, ..access }, now)?;
        }
        SharedRoot::Id(id) => {
            let access = IdAccess { id, person: Vec::new(), group: Vec::new() };
            let access = db::current::<IdAccess>(tx, access.id_hash()?)?.map_or(access, |version| version.value);
            let person = united(&access.person, persons);
            db::store(tx, &IdAccess { person, ..access }, now)?;
        }
    }
    for person in persons.iter().chain([&me]) {
        tx.share(person, root)?;
    }
    Ok(())
}

/// Shares an id no longer with these persons. What they have they keep.
pub(super) fn unshare(tx: &mut Transaction<'_>, id: IdHash, persons: &[PersonId], now: u64) -> Result<(), ModelError> {
    let access = IdAccess { id, person: Vec::new(), group: Vec::new() };
    if let Some(mut access) = db::current::<IdAccess>(tx, access.id_hash()?)?.map(|version| version.value) {
        access.person.retain(|person| !persons.contains(person));
        db::store(tx, &access, now)?;
    }
    for person in persons {
        tx.unshare(person, SharedRoot::Id(id))?;
    }
    Ok(())
}

/// With whom an id is shared.
pub(super) fn shared_with(view: &View<'_>, id: IdHash) -> Result<Vec<PersonId>, ModelError> {
    let access = IdAccess { id, person: Vec::new(), group: Vec::new() };
    Ok(db::current::<IdAccess>(view, access.id_hash()?)?.map(|version| version.value.person).unwrap_or_default())
}

/// Both, each once.
fn united(before: &[PersonId], more: &[PersonId]) -> Vec<PersonId> {
    let mut persons: Vec<_> = before.iter().chain(more).copied().collect();
    persons.sort_unstable();
    persons.dedup();
    persons
}

/// What a person is told is there for them: objects, ids, and of each id the one version node that we publish
/// (`spec/one.md §6`, trap (c)).
pub(super) fn roots(store: &Store, person: PersonId) -> Result<Vec<Root>, ModelError> {
    let (roots, missing) = store.read(|view| list(view, person))?;
    if !missing.is_empty() {
        store.transaction(|tx| missing.iter().try_for_each(|edge| tx.put(edge).map(drop)))?;
    }
    Ok(roots)
}

/// The roots, and the nodes among them that are not stored: nothing refers to them, so they may have gone as garbage.
fn list(view: &View<'_>, person: PersonId) -> Result<(Vec<Root>, Vec<Microdata>), ModelError> {
    let (mut roots, mut missing) = (Vec::new(), Vec::new());
    for root in view.roots(&person)? {
        match root {
            SharedRoot::Object(hash) => {
                let microdata = view.object(&hash)?.ok_or(ModelError::MissingObject(hash))?;
                roots.push(Root::Unversioned { hash, one_type: microdata.type_name().to_owned() });
            }
            SharedRoot::Id(id) => {
                let microdata = view.id_object(&id)?.ok_or(ModelError::MissingId(id))?;
                let one_type = microdata.type_name().to_owned();
                roots.push(Root::Id { id, one_type: one_type.clone() });
                if let Some(edge) = published(view, id)? {
                    let node = edge.hash();
                    roots.push(Root::VersionNode { node, id, one_type });
                    if !view.contains(&Reference::Object(node))? {
                        missing.push(edge);
                    }
                }
            }
        }
    }
    Ok((roots, missing))
}

/// The node that stands for the current version of an id: as `ratatosk_versions::published`, for a view that only reads.
fn published(view: &View<'_>, id: IdHash) -> Result<Option<Microdata>, ModelError> {
    let Some(hash) = view.current(&id)? else { return Ok(None) };
    let microdata = view.object(&hash)?.ok_or(ModelError::MissingObject(hash))?;
    let node = VersionNode::read(&microdata).map_err(|error| ModelError::Read { hash, error })?;
    let edge = VersionNodeEdge { data: node.data(), depth: 0, creation_time: node.creation_time() };
    Ok(Some(edge.microdata()?))
}
