//! What is stored for somebody whom we pair with (`spec/one.md §3`): all of it or nothing, and the second time nothing new.

use ratatosk_objects::typed::{
    Instance, Key, Keys, Leute, OneInstanceEndpoint, Person, Profile, SignKey, Someone, Versioned,
};
use ratatosk_objects::{IdHash, InstanceId, ObjectHash, PersonId};
use ratatosk_pairing::Identity;
use ratatosk_protocol::entropy::{Entropy, array};
use ratatosk_store::{SharedRoot, Transaction};

use super::super::genesis::{Me, default_profile, empty_profile, leute_id};
use super::super::trust::{self, Age, Issuer};
use super::super::{ModelError, db, sharing};
use super::{MAX_CONTACTS, MAX_DEVICES, find, tell, told};

/// What came of a pairing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Added {
    /// Who it is.
    pub person: PersonId,
    /// Whether they were no contact before.
    pub new: bool,
}

/// Stores a contact.
pub(in super::super) fn add(
    tx: &mut Transaction<'_>,
    me: &Me,
    issuer: Issuer<'_>,
    identity: &Identity,
    now: u64,
    entropy: &mut dyn Entropy,
) -> Result<Added, ModelError> {
    let (person, instance) = identity.ids()?;
    if person == me.person {
        return Err(ModelError::OwnPerson);
    }
    check_keys(tx, me, identity)?;
    let endpoint = endpoint(tx, issuer, identity)?;
    let sign_key = db::put(tx, &SignKey { key: identity.person_sign_key.into() })?;

    // What we vouch for is this and nothing that the profile may hold besides.
    let certified =
        Profile { communication_endpoint: vec![endpoint], person_description: vec![sign_key], ..empty_profile(person) };
    let profile = certified.id_hash()?;
    let certified_hash = db::put(tx, &certified)?;
    let mut version = db::current::<Profile>(tx, profile)?.map_or(certified, |version| version.value);
    add_new(&mut version.communication_endpoint, endpoint);
    add_new(&mut version.person_description, sign_key);
    if version.communication_endpoint.len() > MAX_DEVICES {
        return Err(ModelError::TooMuch { what: "endpoints of a contact", limit: MAX_DEVICES });
    }
    db::store(tx, &version, now)?;
    trust::certify(tx, issuer, person, certified_hash)?;
    moved(tx, person, instance, endpoint)?;

    let new = remember(tx, person, profile, now, entropy)?;
    sharing::share(tx, me.person, SharedRoot::Id(me.profile()?), &[person], now)?;
    Ok(Added { person, new })
}

/// Refuses other keys than those that pairing has brought before: it may be somebody else.
fn check_keys(tx: &Transaction<'_>, me: &Me, identity: &Identity) -> Result<(), ModelError> {
    let (person, instance) = identity.ids()?;
    let known = trust::vouched(tx, (me.person, me.sign_key()), person, Age::Present)?;
    let changed = |what| Err(ModelError::KeysChanged { person, what });
    if !known.person_keys.is_empty() && !known.person_keys.contains(&identity.person_key) {
        return changed("the person's encryption key");
    }
    if !known.sign_keys.is_empty() && !known.sign_keys.contains(&identity.person_sign_key) {
        return changed("the person's key for signatures");
    }
    for hash in &known.endpoints {
        let Some(endpoint) = db::object::<OneInstanceEndpoint>(tx, *hash)? else { continue };
        let Some(keys) = db::object::<Keys>(tx, endpoint.instance_keys)? else { continue };
        if endpoint.instance_id == instance && keys.public_key.0 != *identity.instance_key.as_bytes() {
            return changed("the key of that device");
        }
    }
    Ok(())
}

/// From now on no key is theirs, until they are paired with again: then whatever keys they come with.
pub(in super::super) fn forget_keys(tx: &mut Transaction<'_>, person: PersonId, now: u64) -> Result<(), ModelError> {
    if find(tx, person)?.is_none() {
        return Err(ModelError::UnknownContact(person));
    }
    trust::retire(tx, person)?;
    let id = default_profile(person)?;
    let Some(mut profile) = db::current::<Profile>(tx, id)?.map(|version| version.value) else { return Ok(()) };
    for hash in std::mem::take(&mut profile.communication_endpoint) {
        if let Some(endpoint) = db::object_of::<OneInstanceEndpoint>(tx, hash)? {
            // A device that begins anew under its old name has nothing of what it had.
            tx.forget_instance(&endpoint.instance_id)?;
        }
    }
    let mut descriptions = Vec::new();
    for hash in profile.person_description {
        if db::object_of::<SignKey>(tx, hash)?.is_none() {
            descriptions.push(hash);
        }
    }
    profile.person_description = descriptions;
    let left = db::store(tx, &profile, now)?;
    tell(tx, person, left.hash).map(drop)
}

/// The ids, keys and endpoint of an identity, and our signatures of the keys. Gives the endpoint.
pub(in super::super) fn endpoint(
    tx: &mut Transaction<'_>,
    issuer: Issuer<'_>,
    identity: &Identity,
) -> Result<ObjectHash, ModelError> {
    let person_id: PersonId = db::put_id(tx, &Person::new(identity.email.as_str()))?.into();
    let instance = Instance::new(identity.instance_name.as_str(), person_id);
    let instance_id = db::put_id(tx, &instance)?;
    let keys = |owner: IdHash, public_key: &[u8; 32], public_sign_key: &[u8; 32]| Keys {
        owner,
        public_key: Key(*public_key),
        public_sign_key: Key(*public_sign_key),
    };
    let person_keys = keys(person_id.id(), identity.person_key.as_bytes(), identity.person_sign_key.as_bytes());
    let instance_keys = keys(instance_id, identity.instance_key.as_bytes(), identity.instance_sign_key.as_bytes());
    let (person_keys, instance_keys) = (db::put(tx, &person_keys)?, db::put(tx, &instance_keys)?);
    trust::sign_and_keep(tx, issuer, person_keys)?;
    trust::sign_and_keep(tx, issuer, instance_keys)?;
    let endpoint = OneInstanceEndpoint {
        person_id,
        instance_id: instance_id.into(),
        person_keys,
        instance_keys,
        url: identity.url.clone(),
    };
    db::put(tx, &endpoint)
}

/// Puts a profile of a person into the address book. Gives whether the person was not there before.
pub(in super::super) fn remember(
    tx: &mut Transaction<'_>,
    person: PersonId,
    profile: IdHash,
    now: u64,
    entropy: &mut dyn Entropy,
) -> Result<bool, ModelError> {
    if let Some(mut someone) = find(tx, person)? {
        for (identity, profiles) in &mut someone.identities {
            if *identity == person && !profiles.contains(&profile) {
                profiles.push(profile);
            }
        }
        db::store(tx, &someone, now)?;
        return Ok(false);
    }
    let id = leute_id()?;
    let mut leute = db::current::<Leute>(tx, id)?.ok_or(ModelError::MissingId(id))?.value;
    if leute.other.len() >= MAX_CONTACTS {
        return Err(ModelError::TooMuch { what: "contacts", limit: MAX_CONTACTS });
    }
    let someone = Someone {
        someone_id: hex::encode(array::<16>(entropy)),
        main_profile: default_profile(person)?,
        identities: vec![(person, vec![profile])],
    };
    leute.other.push(someone.id_hash()?);
    db::store(tx, &someone, now)?;
    db::store(tx, &leute, now)?;
    Ok(true)
}

/// What they say of themselves says from now on that this device is where pairing has found it.
pub(in super::super) fn moved(
    tx: &mut Transaction<'_>,
    person: PersonId,
    instance: InstanceId,
    endpoint: ObjectHash,
) -> Result<(), ModelError> {
    let mut said = told(tx, person)?.unwrap_or(empty_profile(person));
    let mut others = vec![endpoint];
    for known in said.communication_endpoint {
        let other = db::object_of::<OneInstanceEndpoint>(tx, known)?;
        if other.is_some_and(|other| other.instance_id != instance) {
            others.push(known);
        }
    }
    said.communication_endpoint = others;
    let said = db::put(tx, &said)?;
    tell(tx, person, said).map(drop)
}

fn add_new(list: &mut Vec<ObjectHash>, item: ObjectHash) {
    if !list.contains(&item) {
        list.push(item);
    }
}
