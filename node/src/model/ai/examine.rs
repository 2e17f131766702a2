//! What is wrong with the AIs of a node: what was interrupted, and what was lost.

use std::sync::Arc;

use ratatosk_objects::typed::{Llm, Profile};
use ratatosk_objects::{IdHash, PersonId};
use ratatosk_store::{SharedRoot, View};

use super::super::contacts::{self, Contact};
use super::super::genesis::default_profile;
use super::super::home::HomeError;
use super::super::node::Node;
use super::super::{Home, ModelError, Problem, db};
use super::book::{self, Entry};
use super::email::{AgentEmail, is_slug};
use super::record::{self, Portrait};
use super::settings::Audience;

/// A folder among those of AIs.
pub(super) enum Folder {
    /// Keys were never written: nothing is lost without it.
    Empty(String),
    /// Of an AI of ours.
    Ours(AgentEmail),
    /// Of nobody that we know.
    Strange(String, HomeError),
}

impl Node {
    /// Checks everything: [`Node::integrity`], then our AIs: what this store has of each, its folder, and the store in it.
    ///
    /// # Errors
    ///
    /// If the check could not be made. What it finds is no error.
    pub fn examine(&self) -> Result<Vec<Problem>, ModelError> {
        let mut problems = self.integrity()?;
        let entries = self.store.read(|view| book::entries(view, self.me.person))?;
        // Said below in other words, with something that can be done.
        let is_ours = |person: &PersonId| entries.iter().any(|entry| entry.person == *person);
        problems.retain(|problem| !problem.person().is_some_and(is_ours));
        for entry in &entries {
            self.examine_agent(entry, &mut problems)?;
        }
        for folder in self.agent_folders()? {
            match folder {
                Folder::Ours(email) if entries.iter().any(|entry| entry.email == email) => {}
                Folder::Ours(AgentEmail { slug, .. }) | Folder::Empty(slug) => {
                    problems.push(Problem::FolderWithoutAgent(slug));
                }
                Folder::Strange(name, error) => problems.push(Problem::StrangeFolder { name, why: error.to_string() }),
            }
        }
        for (email, _) in self.orphans(&entries)? {
            problems.push(Problem::AgentOrphaned(email.slug));
        }
        Ok(problems)
    }

    fn examine_agent(&self, entry: &Entry, problems: &mut Vec<Problem>) -> Result<(), ModelError> {
        let slug = || entry.email.slug.clone();
        if entry.is_removing() {
            problems.push(Problem::RemovalInterrupted(slug()));
            return Ok(());
        }
        if entry.kept.is_none() {
            problems.push(Problem::AgentSettingsLost(slug()));
        }
        if let Some(what) = self.missing(entry)? {
            problems.push(Problem::AgentIncomplete { agent: slug(), what });
        }
        if !self.has_folder(&entry.email) {
            if entry.llm.active {
                problems.push(Problem::AgentKeysLost(slug()));
            }
            return Ok(());
        }
        let checked = self.look_into(&entry.email).and_then(|node| {
            let portrait = Portrait::of(&node)?;
            if !self.store.read(|view| portrait.is_known(view, &self.me))? {
                problems
                    .push(Problem::AgentIncomplete { agent: slug(), what: "what it says of itself is not known here" });
            }
            node.integrity()
        });
        match checked {
            Ok(found) => problems.extend(found.into_iter().map(|problem| Problem::OfAgent(slug(), Box::new(problem)))),
            Err(error) => problems.push(Problem::OfAgent(slug(), Box::new(Problem::Unreadable(error)))),
        }
        Ok(())
    }

    /// What of an AI is not in this store.
    pub(super) fn missing(&self, entry: &Entry) -> Result<Option<&'static str>, ModelError> {
        let known = self.known()?;
        let contact = known.contacts.get(entry.person);
        let settings = entry.settings();
        self.store.read(|view| {
            let profile = default_profile(entry.person)?;
            let has_keys = |contact: &Contact| {
                !contact.person_keys.is_empty() && !contact.sign_keys.is_empty() && !contact.endpoints.is_empty()
            };
            Ok(match contact {
                None => Some("it is no contact"),
                Some(_) if db::current::<Profile>(view, profile)?.is_none() => Some("its profile is missing"),
                Some(contact) if !has_keys(contact) => Some("its keys are not vouched for"),
                Some(contact) if !contact.introduced => Some("it is not known to be ours"),
                Some(_) if !view.is_shared(&entry.person, SharedRoot::Id(self.me.profile()?))? => {
                    Some("it does not get your profile")
                }
                Some(_) if settings.audience == Audience::Contacts && !is_introduced(view, profile)? => {
                    Some("it is not introduced to all contacts")
                }
                Some(_) => None,
            })
        })
    }

    /// Contacts that are AIs of ours, of which nothing else is known and which yet seem to be in use.
    pub(super) fn orphans(&self, entries: &[Entry]) -> Result<Vec<(AgentEmail, PersonId)>, ModelError> {
        let known = self.known()?;
        let mut orphans = Vec::new();
        for contact in known.contacts.all() {
            let Some(email) = contact.ai().filter(|email| email.owner == self.me.person) else { continue };
            let is_listed = entries.iter().any(|entry| entry.person == contact.person);
            // One that was removed has an object that says so.
            let is_removed = || {
                let llm = self.store.read(|view| db::current::<Llm>(view, record::llm_id(&email)?))?;
                Ok::<_, ModelError>(llm.is_some_and(|llm| !llm.value.active))
            };
            if !is_listed && !is_removed()? {
                orphans.push((email, contact.person));
            }
        }
        Ok(orphans)
    }

    /// The node of an AI as it is, nothing brought up to date.
    pub(super) fn look_into(&self, email: &AgentEmail) -> Result<Arc<Self>, ModelError> {
        self.opened(&mut self.open_agents().lock(), email)
    }

    /// What lies where the folders of AIs are.
    pub(super) fn agent_folders(&self) -> Result<Vec<Folder>, ModelError> {
        let dir = self.agents_dir();
        let list = match std::fs::read_dir(&dir) {
            Ok(list) => list,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(ModelError::File(error)),
        };
        let mut folders = Vec::new();
        for item in list {
            let item = item.map_err(ModelError::File)?;
            let name = item.file_name().to_string_lossy().into_owned();
            let refused = |why| HomeError::Refused { what: "the folder", why };
            folders.push(match Home::whose(&item.path()) {
                Ok(person) => match AgentEmail::parse(&person.email) {
                    Some(email) if email.owner == self.me.person && email.slug == name => Folder::Ours(email),
                    _ => Folder::Strange(name, refused("it is not of an AI of yours of this name")),
                },
                Err(HomeError::Missing(_)) if is_slug(&name) && is_unused(&item.path()) => Folder::Empty(name),
                Err(error) => Folder::Strange(name, error),
            });
        }
        Ok(folders)
    }
}

/// Whether a folder has nothing in it that an interrupted creation has not left.
fn is_unused(dir: &std::path::Path) -> bool {
    let is_left = |name: &str| name == "lock" || name.ends_with(".new");
    std::fs::read_dir(dir).is_ok_and(|list| list.flatten().all(|item| is_left(&item.file_name().to_string_lossy())))
}

/// Whether all people among the contacts get this profile.
fn is_introduced(view: &View<'_>, profile: IdHash) -> Result<bool, ModelError> {
    for person in contacts::people(view)? {
        if !view.is_shared(&person, SharedRoot::Id(profile))? {
            return Ok(false);
        }
    }
    Ok(true)
}
