//! The nodes of AIs: opened by whoever has the owner's node, and each of them once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::super::contacts::Contact;
use super::super::node::Node;
use super::super::{Home, ModelError, Protection};
use super::book::{self, Entry};
use super::email::AgentEmail;
use super::record::{self, Portrait};
use super::settings::AgentSettings;

/// The nodes of AIs that are open.
#[derive(Default)]
pub(in super::super) struct OpenAgents(Mutex<Open>);

/// By short names. Whoever holds one of these nodes keeps it open.
#[derive(Default)]
pub(super) struct Open(BTreeMap<String, Weak<Node>>);

impl OpenAgents {
    /// Whatever panicked under the lock had nothing half done: what counts is on the disk.
    pub(super) fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    pub(super) fn get(&self, slug: &str) -> Option<Arc<Node>> {
        self.0.get(slug).and_then(Weak::upgrade)
    }

    pub(super) fn insert(&mut self, slug: &str, node: &Arc<Node>) {
        self.0.retain(|_, node| node.strong_count() > 0);
        self.0.insert(slug.to_owned(), Arc::downgrade(node));
    }
}

impl Node {
    /// The node of an AI: the same one as long as somebody has it. What has changed meanwhile about its owner, its model, its
    /// CommServer or whom it may know is brought up to date.
    ///
    /// # Errors
    ///
    /// [`ModelError::UnknownAgent`]; [`ModelError::AgentKeysLost`]; [`ModelError::AgentRemoving`].
    pub fn open_agent(&self, slug: &str) -> Result<Arc<Self>, ModelError> {
        let mut open = self.open_agents().lock();
        let entry = self.usable(slug)?;
        let node = self.opened(&mut open, &entry.email)?;
        self.bring_up_to_date(&entry, &node)?;
        Ok(node)
    }

    /// The node of an AI, if somebody has it open.
    pub(crate) fn running_agent(&self, slug: &str) -> Option<Arc<Self>> {
        self.open_agents().lock().get(slug)
    }

    /// Tells in the profiles of all AIs what has changed about their owner: name and CommServer.
    ///
    /// # Errors
    ///
    /// The stores'. An AI whose folder is gone is left out.
    pub fn refresh_agents(&self) -> Result<(), ModelError> {
        for entry in self.store.read(|view| book::entries(view, self.me.person))? {
            match self.open_agent(&entry.email.slug) {
                // What is being removed, or was meanwhile, needs nothing.
                Ok(_)
                | Err(ModelError::AgentKeysLost(_) | ModelError::AgentRemoving(_) | ModelError::UnknownAgent(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The node of an AI as it is.
    pub(super) fn opened(&self, open: &mut Open, email: &AgentEmail) -> Result<Arc<Self>, ModelError> {
        if let Some(node) = open.get(&email.slug) {
            return Ok(node);
        }
        let node = self.start_agent(self.open_agent_home(email)?)?;
        open.insert(&email.slug, &node);
        Ok(node)
    }

    /// Whether a contact lives in the same process: an AI of ours, or, of an AI, its owner or another AI of the same.
    pub(in super::super) fn is_of_this_house(&self, contact: &Contact) -> bool {
        let head = self.owner().unwrap_or(self.me.person);
        contact.person == head || contact.ai().is_some_and(|email| email.owner == head)
    }

    /// An AI that has a folder and is not being removed.
    pub(super) fn usable(&self, slug: &str) -> Result<Entry, ModelError> {
        let entry = self.store.read(|view| book::entry(view, self.me.person, slug))?;
        match entry {
            None => Err(ModelError::UnknownAgent(slug.to_owned())),
            Some(entry) if entry.is_removing() => Err(ModelError::AgentRemoving(slug.to_owned())),
            Some(entry) if !self.has_folder(&entry.email) => Err(ModelError::AgentKeysLost(slug.to_owned())),
            Some(entry) => Ok(entry),
        }
    }

    /// What the AI's node says of itself is what its owner says of it, in both stores. Costs some lookups if it is so. One at a
    /// time: by whoever has the list of open nodes.
    pub(super) fn bring_up_to_date(&self, entry: &Entry, node: &Self) -> Result<(), ModelError> {
        self.present(&entry.settings(), node)?;
        let (portrait, now) = (Portrait::of(node)?, self.now());
        if !self.store.read(|view| portrait.is_known(view, &self.me))? {
            self.change(|tx| {
                portrait.store(tx, &self.me, self.issuer(), now)?;
                match &entry.kept {
                    Some(kept) => record::share(tx, &self.me, entry.person, kept, now),
                    None => Ok(()),
                }
            })?;
        }
        let agent = self.agent(&entry.email.slug)?;
        node.mirror(&self.identities_for(&agent)?).map(drop)
    }

    /// Lets an AI's node say what it is, and where it is reached.
    pub(super) fn present(&self, settings: &AgentSettings, node: &Self) -> Result<(), ModelError> {
        if let Some(url) = self.comm_server()?
            && node.comm_server()?.as_deref() != Some(url.as_str())
        {
            node.set_comm_server(&url)?;
        }
        node.set_status(&description(&settings.model, &self.name()?))
    }

    /// Opens the folder of an AI, asking nobody for anything.
    pub(super) fn open_agent_home(&self, email: &AgentEmail) -> Result<Home, ModelError> {
        let protection = Protection::Owner(self.home().secrets().agent_key(&email.to_string()));
        Ok(Home::open(&self.agent_dir(&email.slug), &protection)?)
    }

    pub(super) fn start_agent(&self, home: Home) -> Result<Arc<Self>, ModelError> {
        let clock = self.clock();
        Ok(Arc::new(Self::start(home, Box::new(move || clock()))?))
    }
}

/// What an AI's profile says about it: everybody shall know that it is one.
fn description(model: &str, owner: &str) -> String {
    match model {
        "" => format!("AI · hosted by {owner}"),
        model => format!("AI · {model} · hosted by {owner}"),
    }
}
