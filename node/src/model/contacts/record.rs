//! What is stored for somebody whom we pair with (`spec/one.md §3`): all of it or nothing, and the second time nothing new.

use ratatosk_objects::typed::{
    Instance, Key, Keys, Leute, OneInstanceEndpoint, Person, Profile, SignKey, Someone, Typed, Versioned,
};
use ratatosk_objects::{IdHash, InstanceId, ObjectHash, PersonId};
use ratatosk_pairing::Identity;
use ratatosk_protocol::entropy::{Entropy, array};
use ratatosk_store::{SharedRoot, Transaction};

use super::super::genesis::{Me, default_profile, empty_profile, leute_id};
use super::super::trust::{self, Age, Issuer};
use super::super::{ModelError, db, sharing};
use super::{MAX_CONTACTS, MAX_DEVICES, find, tell, told};

/// What to do if a contact comes with other keys than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherKeys {
    /// Refuse: it may be somebody else.
    Refuse,
    /// Somebody has said that the keys were changed: from now on only the new ones count.
    Replace,
}

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
    other_keys: OtherKeys,
    now: u64,
    entropy: &mut dyn Entropy,
) -> Result<Added, ModelError> {
    let (person, instance) = identity.ids()?;
    if person == me.person {
        return Err(ModelError::OwnPerson);
    }
    let replaced = check_keys(tx, me, identity, other_keys)?;
    if !replaced.is_empty() {
        trust::retire(tx, person)?;
    }
    let endpoint = endpoint(tx, issuer, identity)?;
    let sign_key = db::put(tx, &SignKey { key: identity.person_sign_key.into() })?;

    // What we vouch for is this and nothing that the profile may hold besides.
    let certified =
        Profile { communication_endpoint: vec![endpoint], person_description: vec![sign_key], ..empty_profile(person) };
    let profile = certified.id_hash()?;
    let certified_hash = db::put(tx, &certified)?;
    let mut version = db::current::<Profile>(tx, profile)?.map_or(certified, |version| version.value);
    version.communication_endpoint.retain(|hash| !replaced.contains(hash));
    version.person_description.retain(|hash| !replaced.contains(hash));
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

/// What is to be replaced: endpoints and sign keys that pairing has brought before and that are not these.
fn check_keys(
    tx: &Transaction<'_>,
    me: &Me,
    identity: &Identity,
    other_keys: OtherKeys,
) -> Result<Vec<ObjectHash>, ModelError> {
    let (person, instance) = identity.ids()?;
    let known = trust::vouched(tx, (me.person, me.sign_key()), person, Age::Present)?;
    let sign_key = identity.person_sign_key;
    let mut changed = None;
    if !known.person_keys.is_empty() && !known.person_keys.contains(&identity.person_key) {
        changed = Some("the person's encryption key");
    } else if !known.sign_keys.is_empty() && !known.sign_keys.contains(&sign_key) {
        changed = Some("the person's key for signatures");
    }
    let mut same_instance = Vec::new();
    for hash in &known.endpoints {
        let Some(endpoint) = db::object::<OneInstanceEndpoint>(tx, *hash)? else { continue };
        let Some(keys) = db::object::<Keys>(tx, endpoint.instance_keys)? else { continue };
        if endpoint.instance_id == instance && keys.public_key.0 != *identity.instance_key.as_bytes() {
            changed = changed.or(Some("the key of that device"));
            same_instance.push(*hash);
        }
    }
    match changed {
        None => Ok(Vec::new()),
        Some(what) if other_keys == OtherKeys::Refuse => Err(ModelError::KeysChanged { person, what }),
        // With another person key, what was known of other devices is of no use either.
        Some(_) => {
            let mut replaced = known.endpoints;
            for key in known.sign_keys.into_iter().filter(|key| *key != sign_key) {
                replaced.push(SignKey { key: key.into() }.microdata()?.hash());
            }
            Ok(replaced)
        }
    }
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
fn moved(
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
