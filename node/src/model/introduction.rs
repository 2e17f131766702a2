//! AIs that a contact introduces: the one case in which somebody gives us the profile of somebody else.
//!
//! An AI's e-mail says whose it is, and a person id commits to the e-mail; so a contact can introduce AIs of their own name space
//! and nobody else. Which keys such an AI has is the contact's word. It is taken once: other keys later are refused, as with
//! people. Whoever was only paired with under such an e-mail has nobody's word but their own, and the owner's takes its place: so
//! nobody can pass for the AI of somebody else, or keep it from being introduced. AIs introduce nobody, and the node of an AI learns whom it knows from its owner ([`Node::mirror`](super::Node::mirror)).

use ratatosk_objects::typed::{Profile, SignKey};
use ratatosk_objects::{Fields, ObjectHash, PersonId, Reference, Value};
use ratatosk_pairing::Identity;
use ratatosk_protocol::entropy::Entropy;
use ratatosk_store::{Transaction, View};

use super::ai::AgentEmail;
use super::contacts::{self, Endpoint, record};
use super::exchange::{Gate, Refusal};
use super::genesis::DEFAULT_PROFILE;
use super::trust::{self, Age, Issuer};
use super::{ModelError, db};

/// The most AIs that one contact can introduce.
pub const MAX_INTRODUCED: usize = 32;
/// The most that such a profile says about its AI.
const MAX_DESCRIPTIONS: usize = 16;

/// Whose profile somebody gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// Their own.
    Own,
    /// That of an AI of theirs.
    Agent(PersonId),
    /// That of somebody whose e-mail is not here yet.
    Unheard,
}

impl Gate<'_> {
    /// Whose profile this is, by the properties of its id object.
    pub(super) fn subject(&self, view: &View<'_>, fields: &Fields) -> Result<Result<Subject, Refusal>, ModelError> {
        let (Some(Value::Reference(Reference::Id(person))), Some(Value::Reference(Reference::Id(owner)))) =
            (fields.get("personId"), fields.get("owner"))
        else {
            return Ok(Err(Refusal::ForeignProfile));
        };
        if (*person, *owner) == (self.from.id(), self.from.id()) {
            return Ok(Ok(Subject::Own));
        }
        let person = PersonId::from(*person);
        let is_default = fields.get("profileId") == Some(&Value::String(DEFAULT_PROFILE.to_owned()));
        let may_introduce = AgentEmail::parse(&self.me.identity.email).is_none()
            && self.contacts.get(self.from).is_some_and(|contact| contact.ai().is_none());
        if person.id() != *owner || !is_default || !may_introduce || person == self.me.person {
            return Ok(Err(Refusal::ForeignProfile));
        }
        Ok(match contacts::email_of(view, person)?.map(|email| AgentEmail::parse(&email)) {
            None => Ok(Subject::Unheard),
            Some(Some(email)) if email.owner == self.from => Ok(Subject::Agent(person)),
            Some(_) => Err(Refusal::ForeignProfile),
        })
    }

    /// Makes a contact of an AI, or renews what is known of it. `said` is its profile as its owner gives it.
    pub(super) fn introduce(
        &self,
        tx: &mut Transaction<'_>,
        issuer: Issuer<'_>,
        agent: PersonId,
        said: ObjectHash,
        now: u64,
        entropy: &mut dyn Entropy,
    ) -> Result<Result<bool, Refusal>, ModelError> {
        let identity = match self.introduced(tx, agent, said)? {
            Ok(identity) => identity,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let trusted = trust::vouched(tx, (self.me.person, self.me.sign_key()), agent, Age::Present)?;
        if !self.has_same_keys(tx, &trusted.endpoints, &identity)? {
            if !trusted.person_keys.is_empty() {
                if contacts::is_introduced(tx, agent)? {
                    return Ok(Err(Refusal::KeysChanged));
                }
                record::forget_keys(tx, agent, now)?;
            }
            if contacts::introduced(tx, self.from, agent)? >= MAX_INTRODUCED {
                return Ok(Err(Refusal::TooManyAgents));
            }
            match record::add(tx, self.me, issuer, &identity, now, entropy) {
                Ok(_) => {}
                Err(ModelError::KeysChanged { .. }) => return Ok(Err(Refusal::KeysChanged)),
                Err(ModelError::TooMuch { .. }) => return Ok(Err(Refusal::TooManyAgents)),
                Err(error) => return Err(error),
            }
        }
        contacts::introduce(tx, agent)?;
        contacts::tell(tx, agent, said).map(Ok)
    }

    /// Who the profile of an AI says that it is, if that is said in the one way that there is for it.
    fn introduced(
        &self,
        view: &View<'_>,
        agent: PersonId,
        said: ObjectHash,
    ) -> Result<Result<Identity, Refusal>, ModelError> {
        let Some(profile) = db::object_of::<Profile>(view, said)? else {
            return Ok(Err(Refusal::Malformed("a profile that is none".to_owned())));
        };
        let ([endpoint], true) =
            (profile.communication_endpoint.as_slice(), profile.person_description.len() <= MAX_DESCRIPTIONS)
        else {
            return Ok(Err(Refusal::ForeignAgent));
        };
        let Some(identity) = contacts::identity(view, *endpoint)? else { return Ok(Err(Refusal::ForeignAgent)) };
        let mut has_sign_key = false;
        for hash in &profile.person_description {
            if let Some(SignKey { key }) = db::object_of(view, *hash)? {
                if identity.person_sign_key != key.into() {
                    return Ok(Err(Refusal::ForeignAgent));
                }
                has_sign_key = true;
            }
        }
        let is_theirs = identity.ids()?.0 == agent && has_sign_key && !self.is_taken(agent, &identity);
        Ok(if is_theirs { Ok(identity) } else { Err(Refusal::ForeignAgent) })
    }

    /// Whether one of these keys belongs to us or to another contact: it would be dialled, or believed, as the AI. What a contact
    /// merely says of their devices takes no key away from anybody.
    fn is_taken(&self, agent: PersonId, identity: &Identity) -> bool {
        let ours = &self.me.identity;
        let keys = [identity.person_key, identity.instance_key];
        let is_ours = keys.iter().any(|key| [ours.person_key, ours.instance_key].contains(key))
            || identity.person_sign_key == ours.person_sign_key;
        is_ours
            || self.contacts.all().filter(|contact| contact.person != agent).any(|contact| {
                contact.sign_keys.contains(&identity.person_sign_key)
                    || keys.iter().any(|key| {
                        let is_paired = |known: &Endpoint| known.paired && known.key == *key;
                        contact.person_keys.contains(key) || contact.endpoints.iter().any(is_paired)
                    })
            })
    }

    /// Whether these are the keys that we vouch for; where the AI is reached may be another place.
    fn has_same_keys(
        &self,
        view: &View<'_>,
        endpoints: &[ObjectHash],
        identity: &Identity,
    ) -> Result<bool, ModelError> {
        for hash in endpoints {
            if let Some(known) = contacts::identity(view, *hash)?
                && (Identity { url: identity.url.clone(), ..known }) == *identity
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
