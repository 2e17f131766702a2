//! What the owner's store knows of AIs: a pinned `LLM` object for each, and its settings beside it.

use std::path::PathBuf;

use ratatosk_objects::typed::Llm;
use ratatosk_objects::{IdHash, PersonId, Reference};
use ratatosk_store::{SettingKey, Transaction, View};
use serde::{Deserialize, Serialize};

use super::super::contacts::Contacts;
use super::super::node::Node;
use super::super::{ModelError, db};
use super::email::AgentEmail;
use super::settings::{Agent, AgentSettings, AgentState};
use super::usage;

/// The most AIs of one person.
pub const MAX_AGENTS: usize = 32;

/// Under which name the `LLM` objects of AIs are pinned.
const AGENTS: &str = "agents";

/// What is kept of an AI besides objects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    pub(super) settings: AgentSettings,
    /// Its removal has begun.
    #[serde(default)]
    pub(super) removing: bool,
}

/// An AI as it is written down.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) id: IdHash,
    pub(super) llm: Llm,
    pub(super) email: AgentEmail,
    pub(super) person: PersonId,
    /// `None`: lost.
    pub(super) kept: Option<Kept>,
}

fn key(email: &AgentEmail) -> SettingKey<String> {
    SettingKey::of("agent", email.local())
}

/// All AIs of a person, those included whose removal has begun.
pub(super) fn entries(view: &View<'_>, owner: PersonId) -> Result<Vec<Entry>, ModelError> {
    let mut entries = Vec::new();
    for reference in view.pinned(AGENTS)? {
        let Reference::Id(id) = reference else { continue };
        let Some(llm) = db::current::<Llm>(view, id)? else { continue };
        let llm = llm.value;
        let (Some(email), Some(person)) = (AgentEmail::of_local(&llm.name, owner), llm.person_id) else { continue };
        let kept = match view.setting(&key(&email))? {
            Some(text) => serde_json::from_str(&text).ok(),
            None => None,
        };
        entries.push(Entry { id, llm, email, person, kept });
    }
    entries.sort_by(|one, other| one.email.cmp(&other.email));
    Ok(entries)
}

/// The one of this short name.
pub(super) fn entry(view: &View<'_>, owner: PersonId, slug: &str) -> Result<Option<Entry>, ModelError> {
    Ok(entries(view, owner)?.into_iter().find(|entry| entry.email.slug == slug))
}

/// Keeps settings.
pub(super) fn keep(tx: &mut Transaction<'_>, email: &AgentEmail, kept: &Kept) -> Result<(), ModelError> {
    let text = serde_json::to_string(kept).map_err(|_| ModelError::Setting("the settings of an AI"))?;
    match tx.set_setting(&key(email), &text) {
        Err(ratatosk_store::Error::TooLarge(_)) => {
            let limit = super::settings::MAX_PERSONALITY;
            Err(ModelError::TooMuch { what: "bytes in a personality (escaped)", limit })
        }
        result => Ok(result?),
    }
}

/// Writes an `LLM` object down as an AI of ours.
pub(super) fn enter(tx: &mut Transaction<'_>, llm: IdHash) -> Result<(), ModelError> {
    Ok(tx.pin(AGENTS, Reference::Id(llm))?)
}

/// Takes an AI off the list. Its `LLM` object stays.
pub(super) fn leave(tx: &mut Transaction<'_>, entry: &Entry) -> Result<(), ModelError> {
    tx.unpin(AGENTS, Reference::Id(entry.id))?;
    tx.clear_setting(&key(&entry.email))?;
    usage::clear(tx, &entry.email)
}

impl Entry {
    /// The settings, or what stands for them when they are lost: those that do nothing.
    pub(super) fn settings(&self) -> AgentSettings {
        let lost = || AgentSettings { model: self.llm.filename.clone(), active: false, ..AgentSettings::default() };
        self.kept.as_ref().map_or_else(lost, |kept| kept.settings.clone())
    }

    pub(super) fn is_removing(&self) -> bool {
        self.kept.as_ref().is_some_and(|kept| kept.removing)
    }
}

impl Node {
    /// The AIs of this person, by their short names; those that were removed are not among them.
    ///
    /// # Errors
    ///
    /// The store's.
    pub fn agents(&self) -> Result<Vec<Agent>, ModelError> {
        let known = self.known()?;
        self.store.read(|view| {
            let entries = entries(view, self.me.person)?;
            entries.iter().map(|entry| self.agent_of(view, &known.contacts, entry)).collect()
        })
    }

    /// One of them, by its short name.
    ///
    /// # Errors
    ///
    /// [`ModelError::UnknownAgent`].
    pub fn agent(&self, slug: &str) -> Result<Agent, ModelError> {
        let found = self.agents()?.into_iter().find(|agent| agent.slug == slug);
        found.ok_or_else(|| ModelError::UnknownAgent(slug.to_owned()))
    }

    /// Of an AI's node: whose AI it is. `None` for people.
    #[must_use]
    pub fn owner(&self) -> Option<PersonId> {
        AgentEmail::parse(&self.me.identity.email).map(|email| email.owner)
    }

    fn agent_of(&self, view: &View<'_>, contacts: &Contacts, entry: &Entry) -> Result<Agent, ModelError> {
        let contact = contacts.get(entry.person);
        let usage = usage::of(view, &entry.email)?;
        let state = match entry {
            entry if entry.is_removing() => AgentState::Removing,
            entry if !self.has_folder(&entry.email) => AgentState::KeysLost,
            _ => AgentState::Ready,
        };
        Ok(Agent {
            slug: entry.email.slug.clone(),
            person: entry.person,
            email: entry.email.clone(),
            name: contact.and_then(|contact| contact.name.clone()).unwrap_or_else(|| entry.email.slug.clone()),
            settings: entry.settings(),
            state,
            last_used: usage.last,
            usage_count: usage.count,
        })
    }

    /// Where the folders of AIs are.
    pub(super) fn agents_dir(&self) -> PathBuf {
        self.home().dir().join("agents")
    }

    /// The folder of an AI.
    pub(super) fn agent_dir(&self, slug: &str) -> PathBuf {
        self.agents_dir().join(slug)
    }

    /// Whether the folder of an AI is there and is of this AI.
    pub(super) fn has_folder(&self, email: &AgentEmail) -> bool {
        let home = super::super::Home::whose(&self.agent_dir(&email.slug));
        home.is_ok_and(|person| person.email == email.to_string())
    }
}
