//! The first objects of a node: who we are, and an address book in which nobody else stands (`spec/one.md §3`, `§4`).

use ratatosk_objects::sign::SignPublicKey;
use ratatosk_objects::typed::{
    Instance, LEUTE_APP_ID, Leute, Person, PersonName, Profile, SignKey, Someone, Versioned,
};
use ratatosk_objects::{IdHash, InstanceId, PersonId};
use ratatosk_pairing::Identity;
use ratatosk_store::Transaction;

use super::contacts::record;
use super::trust::{self, Issuer};
use super::{Home, ModelError, db, home};

/// The profile that is shared with contacts.
pub(super) const DEFAULT_PROFILE: &str = "default";
/// The Someone that is ourselves.
const ME: &str = "me";

/// Who we are, in public.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Me {
    /// Our person id.
    pub person: PersonId,
    /// Our instance id.
    pub instance: InstanceId,
    /// What pairing tells others. The url is missing here.
    pub identity: Identity,
}

impl Me {
    /// Follows from the keys and what they were made for.
    pub(super) fn new(home: &Home) -> Result<Self, ModelError> {
        let (home::NewPerson { email, instance, .. }, secrets) = (home.person(), home.secrets());
        let identity = Identity {
            email,
            instance_name: instance,
            person_key: *secrets.person.public(),
            person_sign_key: secrets.person_sign.public_key(),
            instance_key: *secrets.instance.public(),
            instance_sign_key: secrets.instance_sign.public_key(),
            url: None,
        };
        let (person, instance) = identity.ids()?;
        Ok(Self { person, instance, identity })
    }

    /// The id of our shared profile.
    pub(super) fn profile(&self) -> Result<IdHash, ModelError> {
        default_profile(self.person)
    }

    /// Our key for signatures, as others know it.
    pub(super) fn sign_key(&self) -> SignPublicKey {
        self.identity.person_sign_key
    }
}

/// The id of the profile in which somebody speaks of themselves.
pub(super) fn default_profile(person: PersonId) -> Result<IdHash, ModelError> {
    Ok(empty_profile(person).id_hash()?)
}

/// The profile in which somebody speaks of themselves, as long as they say nothing.
pub(super) fn empty_profile(person: PersonId) -> Profile {
    Profile {
        profile_id: DEFAULT_PROFILE.to_owned(),
        person_id: person,
        owner: person,
        communication_endpoint: Vec::new(),
        person_description: Vec::new(),
    }
}

/// The id of the address book: the same in every store.
pub(super) fn leute_id() -> Result<IdHash, ModelError> {
    let nobody = IdHash::from_bytes([0; 32]);
    Ok(Leute { app_id: LEUTE_APP_ID.to_owned(), me: nobody, other: Vec::new(), group: Vec::new() }.id_hash()?)
}

/// Creates what is missing, all of it or nothing; a store that has an address book is complete.
///
/// # Errors
///
/// [`ModelError::OtherPerson`] if the address book is somebody else's.
pub(super) fn create(
    tx: &mut Transaction<'_>,
    me: &Me,
    issuer: Issuer<'_>,
    name: &str,
    now: u64,
) -> Result<(), ModelError> {
    let profile = me.profile()?;
    if let Some(leute) = db::current::<Leute>(tx, leute_id()?)? {
        let someone = db::current::<Someone>(tx, leute.value.me)?.ok_or(ModelError::MissingId(leute.value.me))?;
        let found = someone.value.identities.first().map(|(person, _)| *person);
        return match found {
            Some(found) if found != me.person => Err(ModelError::OtherPerson { found, expected: me.person }),
            _ => Ok(()),
        };
    }
    db::store(tx, &Person::new(me.identity.email.as_str()), now)?;
    db::store(tx, &Instance::new(me.identity.instance_name.as_str(), me.person), now)?;
    let endpoint = record::endpoint(tx, issuer, &me.identity)?;
    let sign_key = db::put(tx, &SignKey { key: me.sign_key().into() })?;
    let person_name = db::put(tx, &PersonName { name: name.to_owned() })?;
    let version = Profile {
        communication_endpoint: vec![endpoint],
        person_description: vec![person_name, sign_key],
        ..empty_profile(me.person)
    };
    let version = db::store(tx, &version, now)?;
    trust::give_own_rights(tx, issuer)?;
    trust::certify(tx, issuer, me.person, version.hash)?;
    let someone =
        Someone { someone_id: ME.to_owned(), main_profile: profile, identities: vec![(me.person, vec![profile])] };
    let me = someone.id_hash()?;
    db::store(tx, &someone, now)?;
    db::store(tx, &Leute { app_id: LEUTE_APP_ID.to_owned(), me, other: Vec::new(), group: Vec::new() }, now)?;
    Ok(())
}
