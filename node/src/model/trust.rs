//! Which keys belong to whom: signatures and certificates of ours, and what they say (`spec/one.md §3`).
//!
//! The reference trusts what stands in profiles and never looks at signatures of messages. Here a key is somebody's if a
//! TrustKeysCertificate of ours says so, whose signature verifies with our own key, over a profile version that was made of what
//! pairing brought, and of nothing that came later. The store has no index from a profile to its certificates; pins are that
//! index, and keep them from being garbage.

use ratatosk_objects::license;
use ratatosk_objects::sign::{SignPublicKey, SignSecretKey};
use ratatosk_objects::typed::{Keys, OneInstanceEndpoint, Profile, SignKey, Signature, TrustKeysCertificate};
use ratatosk_objects::{Object, ObjectHash, PersonId, Recipes, Reference, Value};
use ratatosk_protocol::key::PublicKey;
use ratatosk_store::{Transaction, View};

use super::{ModelError, db};

/// Who signs here: ourselves.
#[derive(Clone, Copy)]
pub(super) struct Issuer<'a> {
    pub(super) person: PersonId,
    pub(super) key: &'a SignSecretKey,
}

/// What we vouch for about a person.
#[derive(Clone, Debug, Default)]
pub(super) struct Vouched {
    /// Encryption keys of the person.
    pub(super) person_keys: Vec<PublicKey>,
    /// What the person signs with.
    pub(super) sign_keys: Vec<SignPublicKey>,
    /// OneInstanceEndpoints.
    pub(super) endpoints: Vec<ObjectHash>,
}

/// Whether keys are those of today or were replaced by a later pairing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    Present,
    Former,
}

/// Under which name the certificates about a person are pinned.
fn pin_name(person: PersonId, age: Age) -> String {
    match age {
        Age::Present => format!("trust {person}"),
        Age::Former => format!("former trust {person}"),
    }
}

/// Signs an object; the same object gives the same signature.
pub(super) fn sign(tx: &mut Transaction<'_>, issuer: Issuer<'_>, data: ObjectHash) -> Result<ObjectHash, ModelError> {
    let signature = issuer.key.sign(&data);
    db::put(tx, &Signature { issuer: issuer.person, data, signature })
}

/// Signs something that is to be kept although nothing refers to it.
pub(super) fn sign_and_keep(tx: &mut Transaction<'_>, issuer: Issuer<'_>, data: ObjectHash) -> Result<(), ModelError> {
    let signature = sign(tx, issuer, data)?;
    Ok(tx.pin("signature", Reference::Object(signature))?)
}

/// Says that the keys of this profile version are those of its person.
pub(super) fn certify(
    tx: &mut Transaction<'_>,
    issuer: Issuer<'_>,
    person: PersonId,
    profile: ObjectHash,
) -> Result<(), ModelError> {
    let license = db::put(tx, &license::trust_keys())?;
    let certificate = db::put(tx, &TrustKeysCertificate { profile, license })?;
    let signature = sign(tx, issuer, certificate)?;
    Ok(tx.pin(&pin_name(person, Age::Present), Reference::Object(signature))?)
}

/// From now on what was said about a person before is of the past.
pub(super) fn retire(tx: &mut Transaction<'_>, person: PersonId) -> Result<(), ModelError> {
    for reference in tx.pinned(&pin_name(person, Age::Present))? {
        tx.pin(&pin_name(person, Age::Former), reference)?;
        tx.unpin(&pin_name(person, Age::Present), reference)?;
    }
    Ok(())
}

/// What we vouch for about a person, as far as our signatures verify.
pub(super) fn vouched(
    view: &View<'_>,
    (issuer, key): (PersonId, SignPublicKey),
    person: PersonId,
    age: Age,
) -> Result<Vouched, ModelError> {
    let mut vouched = Vouched::default();
    for reference in view.pinned(&pin_name(person, age))? {
        let Reference::Object(signature) = reference else { continue };
        let Some(signature) = db::object_of::<Signature>(view, signature)? else { continue };
        if signature.issuer != issuer || !key.verify(&signature.data, &signature.signature) {
            continue;
        }
        let Some(certificate) = db::object_of::<TrustKeysCertificate>(view, signature.data)? else { continue };
        let Some(profile) = db::object_of::<Profile>(view, certificate.profile)? else { continue };
        if certificate.license != license::trust_keys_hash() || profile.person_id != person {
            continue;
        }
        vouched.add(view, &profile)?;
    }
    Ok(vouched)
}

impl Vouched {
    fn add(&mut self, view: &View<'_>, profile: &Profile) -> Result<(), ModelError> {
        for hash in &profile.person_description {
            if let Some(sign_key) = db::object_of::<SignKey>(view, *hash)? {
                add_new(&mut self.sign_keys, sign_key.key.into());
            }
        }
        for hash in &profile.communication_endpoint {
            let Some(endpoint) = db::object_of::<OneInstanceEndpoint>(view, *hash)? else { continue };
            add_new(&mut self.endpoints, *hash);
            let Some(keys) = db::object_of::<Keys>(view, endpoint.person_keys)? else { continue };
            if keys.owner == profile.person_id.id() {
                PublicKey::from_bytes(keys.public_key.0)
                    .into_iter()
                    .for_each(|key| add_new(&mut self.person_keys, key));
            }
        }
        Ok(())
    }
}

fn add_new<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

/// The rights that the reference gives the first person of an instance: to say which keys belong to others, and which to itself.
/// Only we read them here, and they have no recipe of ours to be read with.
pub(super) fn give_own_rights(tx: &mut Transaction<'_>, issuer: Issuer<'_>) -> Result<(), ModelError> {
    for (certificate, license, description) in OWN_RIGHTS {
        let license =
            ratatosk_objects::typed::License { name: license.to_owned(), description: description.to_owned() };
        let license = db::put(tx, &license)?;
        let object = Object::new(certificate)
            .with("beneficiary", Value::Reference(Reference::Id(issuer.person.id())))
            .with("license", Value::Reference(Reference::Object(license)));
        let certificate = tx.put(&rights().write(&object)?)?;
        sign_and_keep(tx, issuer, certificate)?;
    }
    Ok(())
}

/// Type of the certificate, name and words of its licence.
const OWN_RIGHTS: [(&str, &str, &str); 2] = [
    (
        "RightToDeclareTrustedKeysForEverybodyCertificate",
        "RightToDeclareTrustedKeysForEverybodyLicense",
        "[signature.issuer] gives [beneficiary] the right to declare any keys in profiles as trusted by issuing TrustKeys \
         certificates.",
    ),
    (
        "RightToDeclareTrustedKeysForSelfCertificate",
        "RightToDeclareTrustedKeysForSelf",
        "[signature.issuer] gives [beneficiary] the right to declare keys in his own profiles as trusted by issuing Affirmation \
         certificates.",
    ),
];

/// The standard recipes, and those of the two certificates.
fn rights() -> Recipes {
    use ratatosk_objects::recipe::{ItemType, Recipe, Rule};
    let mut recipes = Recipes::standard().clone();
    for (certificate, ..) in OWN_RIGHTS {
        let rules =
            vec![Rule::new("beneficiary", ItemType::ReferenceToId), Rule::new("license", ItemType::ReferenceToObject)];
        recipes.insert(Recipe::new(certificate, rules));
    }
    recipes
}
