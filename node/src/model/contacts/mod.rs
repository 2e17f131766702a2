//! People that we know: who they are, where they can be reached, and which keys are theirs.

pub(super) mod record;

use std::collections::{BTreeMap, BTreeSet};

use ratatosk_objects::sign::SignPublicKey;
use ratatosk_objects::typed::{Keys, Leute, OneInstanceEndpoint, PersonName, Profile, Someone};
use ratatosk_objects::{IdHash, InstanceId, ObjectHash, PersonId, Recipes, Reference, Value};
use ratatosk_pairing::Identity;
use ratatosk_protocol::key::PublicKey;
use ratatosk_store::{Transaction, View};

pub use self::record::Added;
use super::ai::AgentEmail;
use super::genesis::{Me, default_profile, leute_id};
use super::home::MAX_NAME;
use super::trust::{self, Age};
use super::{ModelError, db};

/// The most contacts.
pub const MAX_CONTACTS: usize = 10_000;
/// The most endpoints of one contact that are used, and that pairing adds.
pub const MAX_DEVICES: usize = 64;

/// Under which name AIs are pinned that their owners have introduced.
const INTRODUCED: &str = "introduced";

/// Notes that an AI was introduced by its owner.
pub(super) fn introduce(tx: &mut Transaction<'_>, person: PersonId) -> Result<(), ModelError> {
    Ok(tx.pin(INTRODUCED, Reference::Id(person.id()))?)
}

/// Whether this is an AI that was introduced by its owner.
pub(super) fn is_introduced(view: &View<'_>, person: PersonId) -> Result<bool, ModelError> {
    Ok(view.pinned(INTRODUCED)?.contains(&Reference::Id(person.id())))
}

/// How many AIs of this owner were introduced, without this one.
pub(super) fn introduced(view: &View<'_>, owner: PersonId, without: PersonId) -> Result<usize, ModelError> {
    let mut count = 0;
    for reference in view.pinned(INTRODUCED)? {
        let Reference::Id(id) = reference else { continue };
        let ai = id_text(view, id, "email")?.and_then(|email| AgentEmail::parse(&email));
        count += usize::from(id != without.id() && ai.is_some_and(|email| email.owner == owner));
    }
    Ok(count)
}

/// Somebody we know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Who it is.
    pub person: PersonId,
    /// The e-mail. Text of the other person: not to be shown unescaped.
    pub email: String,
    /// The name from their profile, if they have shared it. Text of the other person.
    pub name: Option<String>,
    /// What their profile says about them in one line, if it does; of an AI that it is one. Text of the other person.
    pub status: Option<String>,
    /// Whether this is an AI that its owner has introduced to us: that it is theirs, and which keys it has, is their word.
    /// Otherwise nothing but its own e-mail says whose it is.
    pub introduced: bool,
    /// Where they can be reached.
    pub endpoints: Vec<Endpoint>,
    /// Their encryption keys, as pairing brought them: one of these has to be proven in phase 6.
    pub person_keys: Vec<PublicKey>,
    /// What they sign with, as pairing brought it.
    pub sign_keys: Vec<SignPublicKey>,
    /// What they signed with before a later pairing. What only such a key has signed counts as unverified.
    pub former_sign_keys: Vec<SignPublicKey>,
    /// The OneInstanceEndpoints that we vouch for.
    pub(super) vouched: Vec<ObjectHash>,
}

/// A device of a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Whose.
    pub person: PersonId,
    /// Which one.
    pub instance: InstanceId,
    /// Its key: the one to dial, and to be dialled by.
    pub key: PublicKey,
    /// The CommServer. Text of the other person; `None`: the one that we use.
    pub url: Option<String>,
    /// Whether we have paired with it; otherwise the contact has told of it in their profile.
    pub paired: bool,
}

/// All contacts at one moment.
#[derive(Debug, Default)]
pub(super) struct Contacts {
    by_person: BTreeMap<PersonId, Contact>,
    by_instance_key: BTreeMap<PublicKey, (PersonId, InstanceId)>,
}

impl Contacts {
    /// Reads the address book. Costs some ten lookups and two verifications a contact, so the model keeps it.
    pub(super) fn load(view: &View<'_>, me: &Me) -> Result<Self, ModelError> {
        let mut contacts = Self::default();
        let Some(leute) = db::current::<Leute>(view, leute_id()?)? else { return Ok(contacts) };
        let introduced: BTreeSet<_> = view.pinned(INTRODUCED)?.into_iter().collect();
        for someone in leute.value.other.into_iter().take(MAX_CONTACTS) {
            let Some(someone) = db::current::<Someone>(view, someone)? else { continue };
            for (person, profiles) in someone.value.identities {
                let mut contact = load(view, me, person, &profiles)?;
                contact.introduced = introduced.contains(&Reference::Id(person.id()));
                contact.endpoints.retain(|endpoint| endpoint.key != me.identity.instance_key);
                for endpoint in &contact.endpoints {
                    // Whoever was paired with has the key; somebody else's profile cannot take it away.
                    let entry = contacts.by_instance_key.entry(endpoint.key);
                    let owner = entry.or_insert((person, endpoint.instance));
                    if endpoint.paired {
                        *owner = (person, endpoint.instance);
                    }
                }
                contacts.by_person.insert(person, contact);
            }
        }
        Ok(contacts)
    }

    pub(super) fn get(&self, person: PersonId) -> Option<&Contact> {
        self.by_person.get(&person)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Contact> {
        self.by_person.values()
    }

    /// Whose key it is.
    pub(super) fn owner(&self, instance_key: &PublicKey) -> Option<(PersonId, InstanceId)> {
        self.by_instance_key.get(instance_key).copied()
    }
}

fn load(view: &View<'_>, me: &Me, person: PersonId, profiles: &[IdHash]) -> Result<Contact, ModelError> {
    let issuer = (me.person, me.sign_key());
    let (now, before) =
        (trust::vouched(view, issuer, person, Age::Present)?, trust::vouched(view, issuer, person, Age::Former)?);
    let mut contact = Contact {
        person,
        email: email(view, person)?,
        name: None,
        status: None,
        introduced: false,
        endpoints: Vec::new(),
        person_keys: now.person_keys,
        sign_keys: now.sign_keys,
        former_sign_keys: before.sign_keys,
        vouched: now.endpoints,
    };
    for hash in contact.vouched.clone() {
        contact.add_endpoint(view, hash, true)?;
    }
    // What they said last comes first, then all that they ever said.
    if let Some(told) = told(view, person)? {
        contact.add_profile(view, &told)?;
        contact.moved(view, &told)?;
    }
    let own = default_profile(person)?;
    let others = profiles.iter().copied().filter(|profile| *profile != own);
    for id in std::iter::once(own).chain(others) {
        let Some(profile) = db::current::<Profile>(view, id)? else { continue };
        contact.add_profile(view, &profile.value)?;
    }
    Ok(contact)
}

impl Contact {
    /// Whose AI this is, by its e-mail; `None` for people. Whether that owner says so as well: [`Contact::introduced`].
    #[must_use]
    pub fn ai(&self) -> Option<AgentEmail> {
        AgentEmail::parse(&self.email)
    }

    /// Adds what a profile says and was not known.
    fn add_profile(&mut self, view: &View<'_>, profile: &Profile) -> Result<(), ModelError> {
        for hash in profile.communication_endpoint.iter().take(MAX_DEVICES) {
            self.add_endpoint(view, *hash, false)?;
        }
        if self.name.is_none()
            && let Some(hash) = name_object(view, profile)?
        {
            self.name = name(view, hash)?;
        }
        if self.status.is_none() {
            self.status = super::profile::status_of(view, profile)?.map(short);
        }
        Ok(())
    }

    /// Where devices are reached now: keys are those of pairing, the CommServer may be another one since.
    fn moved(&mut self, view: &View<'_>, told: &Profile) -> Result<(), ModelError> {
        for hash in told.communication_endpoint.iter().take(MAX_DEVICES) {
            let Some(told) = db::object_of::<OneInstanceEndpoint>(view, *hash)? else { continue };
            let known = self.endpoints.iter_mut().find(|known| known.instance == told.instance_id);
            if let (Some(known), Some(url)) = (known, told.url) {
                known.url = Some(url);
            }
        }
        Ok(())
    }

    /// Adds an endpoint if everything in it belongs together, and to a person key that pairing brought.
    fn add_endpoint(&mut self, view: &View<'_>, hash: ObjectHash, paired: bool) -> Result<(), ModelError> {
        let Some(endpoint) = db::object_of::<OneInstanceEndpoint>(view, hash)? else { return Ok(()) };
        let Some(person_keys) = db::object_of::<Keys>(view, endpoint.person_keys)? else { return Ok(()) };
        let Some(instance_keys) = db::object_of::<Keys>(view, endpoint.instance_keys)? else { return Ok(()) };
        let (Ok(person_key), Ok(key)) =
            (PublicKey::from_bytes(person_keys.public_key.0), PublicKey::from_bytes(instance_keys.public_key.0))
        else {
            return Ok(());
        };
        let belongs = endpoint.person_id == self.person
            && person_keys.owner == self.person.id()
            && instance_keys.owner == endpoint.instance_id.id()
            && self.person_keys.contains(&person_key);
        let known = self.endpoints.iter().any(|known| known.instance == endpoint.instance_id || known.key == key);
        if belongs && !known && self.endpoints.len() < MAX_DEVICES {
            self.endpoints.push(Endpoint {
                person: self.person,
                instance: endpoint.instance_id,
                key,
                url: endpoint.url,
                paired,
            });
        }
        Ok(())
    }
}

/// The e-mail of a person.
pub(super) fn email(view: &View<'_>, person: PersonId) -> Result<String, ModelError> {
    id_text(view, person.id(), "email")?.ok_or(ModelError::MissingId(person.id()))
}

/// The e-mail of a person, if it is here.
pub(super) fn email_of(view: &View<'_>, person: PersonId) -> Result<Option<String>, ModelError> {
    id_text(view, person.id(), "email")
}

/// A text in an id object; `None` if the object is not there or has no such text.
fn id_text(view: &View<'_>, id: IdHash, property: &str) -> Result<Option<String>, ModelError> {
    let Some(microdata) = view.id_object(&id)? else { return Ok(None) };
    let object = Recipes::standard().read(&microdata);
    Ok(match object.ok().and_then(|object| object.fields.get(property).cloned()) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    })
}

/// What an endpoint says about somebody, as pairing would tell it; `None` if it is none, or does not belong together.
pub(super) fn identity(view: &View<'_>, endpoint: ObjectHash) -> Result<Option<Identity>, ModelError> {
    let Some(endpoint) = db::object_of::<OneInstanceEndpoint>(view, endpoint)? else { return Ok(None) };
    let Some(person) = db::object_of::<Keys>(view, endpoint.person_keys)? else { return Ok(None) };
    let Some(instance) = db::object_of::<Keys>(view, endpoint.instance_keys)? else { return Ok(None) };
    let (Some(email), Some(instance_name)) =
        (id_text(view, endpoint.person_id.id(), "email")?, id_text(view, endpoint.instance_id.id(), "name")?)
    else {
        return Ok(None);
    };
    let (Ok(person_key), Ok(instance_key)) =
        (PublicKey::from_bytes(person.public_key.0), PublicKey::from_bytes(instance.public_key.0))
    else {
        return Ok(None);
    };
    let identity = Identity {
        email,
        instance_name,
        person_key,
        person_sign_key: person.public_sign_key.into(),
        instance_key,
        instance_sign_key: instance.public_sign_key.into(),
        url: endpoint.url,
    };
    // The ids follow from the texts: an instance of somebody else shows here.
    let belongs = (person.owner, instance.owner) == (endpoint.person_id.id(), endpoint.instance_id.id())
        && identity.ids()? == (endpoint.person_id, endpoint.instance_id);
    Ok(belongs.then_some(identity))
}

/// The first PersonName in a profile.
pub(super) fn name_object(view: &View<'_>, profile: &Profile) -> Result<Option<ObjectHash>, ModelError> {
    for hash in &profile.person_description {
        if db::object_of::<PersonName>(view, *hash)?.is_some() {
            return Ok(Some(*hash));
        }
    }
    Ok(None)
}

/// A name as it can be shown: somebody else may have written a book there.
fn name(view: &View<'_>, hash: ObjectHash) -> Result<Option<String>, ModelError> {
    Ok(db::object_of::<PersonName>(view, hash)?.map(|name| short(name.name)))
}

fn short(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MAX_NAME));
    text
}

/// Under which name what a contact last said of themselves is pinned: a merged profile keeps all that they ever said.
fn told_pin(person: PersonId) -> String {
    format!("told {person}")
}

fn told(view: &View<'_>, person: PersonId) -> Result<Option<Profile>, ModelError> {
    for reference in view.pinned(&told_pin(person))? {
        if let Reference::Object(hash) = reference {
            return db::object_of(view, hash);
        }
    }
    Ok(None)
}

/// Keeps what a contact says of themselves now. Gives whether that is new.
pub(super) fn tell(tx: &mut Transaction<'_>, person: PersonId, profile: ObjectHash) -> Result<bool, ModelError> {
    let (pin, profile) = (told_pin(person), Reference::Object(profile));
    let known = tx.pinned(&pin)?;
    if known == [profile] {
        return Ok(false);
    }
    for reference in known {
        tx.unpin(&pin, reference)?;
    }
    tx.pin(&pin, profile)?;
    Ok(true)
}

/// The profiles of a person that are kept.
pub(super) fn profiles(view: &View<'_>, person: PersonId) -> Result<Vec<IdHash>, ModelError> {
    let identities = find(view, person)?.map(|someone| someone.identities).unwrap_or_default();
    Ok(identities.into_iter().filter(|(identity, _)| *identity == person).flat_map(|(_, profiles)| profiles).collect())
}

/// Whether a person stands in the address book.
pub(super) fn is_known(view: &View<'_>, person: PersonId) -> Result<bool, ModelError> {
    Ok(find(view, person)?.is_some())
}

/// Everybody in the address book who is no AI.
pub(super) fn people(view: &View<'_>) -> Result<Vec<PersonId>, ModelError> {
    let mut people = Vec::new();
    let Some(leute) = db::current::<Leute>(view, leute_id()?)? else { return Ok(people) };
    for someone in leute.value.other {
        let Some(someone) = db::current::<Someone>(view, someone)? else { continue };
        for (person, _) in someone.value.identities {
            if AgentEmail::parse(&email(view, person)?).is_none() {
                people.push(person);
            }
        }
    }
    Ok(people)
}

/// The Someone of the address book that stands for a person.
fn find(view: &View<'_>, person: PersonId) -> Result<Option<Someone>, ModelError> {
    let Some(leute) = db::current::<Leute>(view, leute_id()?)? else { return Ok(None) };
    for someone in leute.value.other {
        if let Some(someone) = db::current::<Someone>(view, someone)?
            && someone.value.identities.iter().any(|(identity, _)| *identity == person)
        {
            return Ok(Some(someone.value));
        }
    }
    Ok(None)
}
