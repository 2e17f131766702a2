//! What the owner's store gets of an AI: all of it or nothing.

use std::collections::BTreeSet;

use ratatosk_objects::typed::{Capability, Llm, ModelType, Profile, Versioned};
use ratatosk_objects::{IdHash, Microdata, ObjectHash, PersonId, Reference};
use ratatosk_pairing::Identity;
use ratatosk_protocol::driver::os_entropy;
use ratatosk_store::{SharedRoot, Transaction, View};

use super::super::contacts::{self, record};
use super::super::genesis::{Me, default_profile};
use super::super::node::Node;
use super::super::trust::{self, Age, Issuer};
use super::super::{ModelError, db, sharing};
use super::book::{self, Kept};
use super::email::AgentEmail;
use super::settings::Audience;
use super::usage;

/// What an AI's own node says of itself: the very objects, so that owner and AI give others the same.
pub(super) struct Portrait {
    pub(super) identity: Identity,
    profile: Profile,
    hash: ObjectHash,
    /// What the profile refers to, all the way down.
    parts: Vec<Microdata>,
}

impl Portrait {
    /// Takes it from the AI's node.
    pub(super) fn of(agent: &Node) -> Result<Self, ModelError> {
        let identity = Identity { url: agent.comm_server()?, ..agent.me.identity.clone() };
        let id = agent.me.profile()?;
        agent.store.read(|view| {
            let version = db::current::<Profile>(view, id)?.ok_or(ModelError::MissingId(id))?;
            let parts = closure(view, version.hash)?;
            Ok(Self { identity, profile: version.value, hash: version.hash, parts })
        })
    }

    /// Whether the owner's store has just this, and knows the keys.
    pub(super) fn is_known(&self, view: &View<'_>, me: &Me) -> Result<bool, ModelError> {
        let current = db::current::<Profile>(view, self.profile.id_hash()?)?;
        Ok(current.is_some_and(|current| current.hash == self.hash) && self.is_trusted(view, me)?)
    }

    fn is_trusted(&self, view: &View<'_>, me: &Me) -> Result<bool, ModelError> {
        let person = self.profile.person_id;
        let trusted = trust::vouched(view, (me.person, me.sign_key()), person, Age::Present)?;
        Ok(trusted.person_keys.contains(&self.identity.person_key) && contacts::is_known(view, person)?)
    }

    /// Stores it: Person, Keys, Instance, Profile, and where the AI is new to the owner's store, Someone and certificates.
    pub(super) fn store(
        &self,
        tx: &mut Transaction<'_>,
        me: &Me,
        issuer: Issuer<'_>,
        now: u64,
    ) -> Result<PersonId, ModelError> {
        let person = self.profile.person_id;
        for part in &self.parts {
            if part.is_id_object() {
                tx.put_id(part)?;
            } else {
                tx.put(part)?;
            }
        }
        if !self.is_trusted(tx, me)? {
            record::add(tx, me, issuer, &self.identity, now, os_entropy().as_mut())?;
        }
        let ours = SharedRoot::Id(me.profile()?);
        if !tx.is_shared(&person, ours)? {
            sharing::share(tx, me.person, ours, &[person], now)?;
        }
        let version = db::store(tx, &self.profile, now)?;
        contacts::tell(tx, person, version.hash)?;
        contacts::introduce(tx, person)?;
        Ok(person)
    }
}

/// What an object refers to, with the object itself. A profile reaches some ten objects.
fn closure(view: &View<'_>, root: ObjectHash) -> Result<Vec<Microdata>, ModelError> {
    let (mut parts, mut seen, mut open) = (Vec::new(), BTreeSet::new(), vec![Reference::Object(root)]);
    while let Some(reference) = open.pop() {
        if !seen.insert(reference) {
            continue;
        }
        let part = match reference {
            Reference::Object(hash) => view.object(&hash)?.ok_or(ModelError::MissingObject(hash))?,
            Reference::Id(id) => view.id_object(&id)?.ok_or(ModelError::MissingId(id))?,
            Reference::Blob(_) | Reference::Clob(_) => continue,
        };
        open.extend(part.references());
        parts.push(part);
    }
    Ok(parts)
}

/// Stores all that belongs to an AI.
pub(super) fn all(
    tx: &mut Transaction<'_>,
    me: &Me,
    issuer: Issuer<'_>,
    email: &AgentEmail,
    portrait: &Portrait,
    kept: &Kept,
    now: u64,
) -> Result<(), ModelError> {
    let person = portrait.store(tx, me, issuer, now)?;
    model(tx, me, email, person, kept, now)?;
    share(tx, me, person, kept, now)
}

/// Stores `LLM` object and settings of an AI.
pub(super) fn model(
    tx: &mut Transaction<'_>,
    me: &Me,
    email: &AgentEmail,
    person: PersonId,
    kept: &Kept,
    now: u64,
) -> Result<(), ModelError> {
    let Kept { settings, removing } = kept;
    let used = usage::of(tx, email)?;
    let llm = Llm {
        name: email.local(),
        filename: settings.model.clone(),
        model_type: ModelType::Local,
        active: settings.active && !removing,
        last_used: usage::written(used.last),
        usage_count: Some(used.count),
        person_id: Some(person),
        capabilities: Some(vec![Capability::Chat, Capability::Inference]),
        temperature: settings.temperature,
        max_tokens: Some(settings.max_tokens.into()),
        context_size: Some(settings.context.into()),
        provider: Some("llama.cpp".to_owned()),
        relationships: Some(vec![me.person.id()]),
    };
    db::store(tx, &llm, now)?;
    book::enter(tx, llm.id_hash()?)?;
    book::keep(tx, email, kept)
}

/// The id of the `LLM` object of an AI.
pub(in super::super) fn llm_id(email: &AgentEmail) -> Result<IdHash, ModelError> {
    let nobody = Llm {
        name: email.local(),
        filename: String::new(),
        model_type: ModelType::Local,
        active: false,
        last_used: String::new(),
        usage_count: None,
        person_id: None,
        capabilities: None,
        temperature: None,
        max_tokens: None,
        context_size: None,
        provider: None,
        relationships: None,
    };
    Ok(nobody.id_hash()?)
}

/// Shares the profile of an AI with whom its audience says, and with nobody else.
pub(super) fn share(
    tx: &mut Transaction<'_>,
    me: &Me,
    agent: PersonId,
    kept: &Kept,
    now: u64,
) -> Result<(), ModelError> {
    let profile = default_profile(agent)?;
    let wanted = match (kept.removing, kept.settings.audience) {
        (true, _) | (_, Audience::Owner) => Vec::new(),
        (false, Audience::Contacts) => contacts::people(tx)?,
    };
    let had = sharing::shared_with(tx, profile)?;
    let others: Vec<_> = had.iter().copied().filter(|person| !wanted.contains(person)).collect();
    if !others.is_empty() {
        sharing::unshare(tx, profile, &others, now)?;
    }
    if wanted.iter().any(|person| !had.contains(person)) {
        sharing::share(tx, me.person, SharedRoot::Id(profile), &wanted, now)?;
    }
    Ok(())
}

/// Introduces our AIs to a contact that is new. AIs of others learn of ours from their own owners.
pub(in super::super) fn introduce_all(
    tx: &mut Transaction<'_>,
    me: &Me,
    contact: PersonId,
    now: u64,
) -> Result<(), ModelError> {
    if AgentEmail::parse(&contacts::email(tx, contact)?).is_some() {
        return Ok(());
    }
    for entry in book::entries(tx, me.person)? {
        if !entry.is_removing() && entry.settings().audience == Audience::Contacts {
            let profile = default_profile(entry.person)?;
            sharing::share(tx, me.person, SharedRoot::Id(profile), &[contact], now)?;
        }
    }
    Ok(())
}
