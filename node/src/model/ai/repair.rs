//! Mending what was interrupted, and what the two stores of an AI can give each other.

use std::fmt;

use ratatosk_objects::typed::{Leute, Someone};
use ratatosk_store::Transaction;

use super::super::genesis::leute_id;
use super::super::node::Node;
use super::super::{ModelError, db};
use super::book::{self, Entry, Kept};
use super::email::AgentEmail;
use super::examine::Folder;
use super::record::{self, Portrait};
use super::settings::AgentSettings;

/// Something that was mended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Repaired {
    /// Entries of the address book led to nobody, and were taken out.
    AddressBook(usize),
    /// A removal was ended.
    Removed(String),
    /// The settings of an AI were lost; it has others now, and is not active.
    Settings(String),
    /// The folder of an AI is gone, and its keys: it is not active any more.
    Inactive(String),
    /// What this store lacked of an AI was made anew from its own node.
    Anew(String),
    /// A folder is an AI of ours again. It is not active, and its settings are the usual ones.
    Adopted(String),
    /// A folder that nobody needs was deleted: the making of its AI was interrupted.
    FolderDeleted(String),
}

impl fmt::Display for Repaired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddressBook(count) => write!(f, "{count} entries of the address book led to nobody: taken out"),
            Self::Removed(slug) => write!(f, "the removal of {slug} was interrupted: ended"),
            Self::Settings(slug) => write!(
                f,
                "the settings of {slug} were lost: it has the usual ones and is not active; `ratatosk agent edit {slug}`"
            ),
            Self::Inactive(slug) => write!(
                f,
                "the folder of {slug} is gone, and with it its keys: it is not active any more; restore the folder from a backup, \
                 or remove it"
            ),
            Self::Anew(slug) => write!(f, "what was missing of {slug} was made anew from its own node"),
            Self::Adopted(slug) => write!(
                f,
                "the folder of {slug} is an AI of yours again, not active, with the usual settings; `ratatosk agent edit {slug}`"
            ),
            Self::FolderDeleted(slug) => write!(f, "the making of {slug} was interrupted: its folder was deleted"),
        }
    }
}

impl Node {
    /// Mends what [`Node::examine`] finds and can be mended without asking anybody. Nothing is deleted but what an interrupted
    /// creation or removal of an AI has left. Done twice it does nothing more.
    ///
    /// # Errors
    ///
    /// What cannot be read or written. What was mended before that stays so.
    pub fn repair(&self) -> Result<Vec<Repaired>, ModelError> {
        let mut repaired = Vec::new();
        let now = self.now();
        let lost = self.change(|tx| forget_lost(tx, now))?;
        if lost > 0 {
            repaired.push(Repaired::AddressBook(lost));
        }
        for entry in self.store.read(|view| book::entries(view, self.me.person))? {
            self.repair_agent(&entry, &mut repaired)?;
        }
        let entries = self.store.read(|view| book::entries(view, self.me.person))?;
        for folder in self.agent_folders()? {
            match folder {
                Folder::Ours(email) if !entries.iter().any(|entry| entry.email == email) => {
                    repaired.push(self.adopt_or_delete(&email)?);
                }
                Folder::Empty(slug) => {
                    self.delete_agent_folder(&slug)?;
                    repaired.push(Repaired::FolderDeleted(slug));
                }
                // What is in others is not known: that is for the person to decide.
                Folder::Ours(_) | Folder::Strange(..) => {}
            }
        }
        let entries = self.store.read(|view| book::entries(view, self.me.person))?;
        for (email, person) in self.orphans(&entries)? {
            let (kept, now) = (inactive(AgentSettings::default()), self.now());
            self.change(|tx| record::model(tx, &self.me, &email, person, &kept, now))?;
            repaired.push(Repaired::Inactive(email.slug));
        }
        Ok(repaired)
    }

    fn repair_agent(&self, entry: &Entry, repaired: &mut Vec<Repaired>) -> Result<(), ModelError> {
        let slug = &entry.email.slug;
        if entry.is_removing() {
            self.remove_agent(slug)?;
            repaired.push(Repaired::Removed(slug.clone()));
            return Ok(());
        }
        let kept = entry.kept.clone().unwrap_or_else(|| inactive(entry.settings()));
        if entry.kept.is_none() {
            self.set_model(entry, &kept)?;
            repaired.push(Repaired::Settings(slug.clone()));
        }
        if !self.has_folder(&entry.email) {
            if entry.llm.active {
                self.set_model(entry, &inactive(kept.settings))?;
                repaired.push(Repaired::Inactive(slug.clone()));
            }
            return Ok(());
        }
        // One whose own store cannot be read stays as it is; what is wrong was said by the examination.
        let Ok(node) = self.look_into(&entry.email) else { return Ok(()) };
        let (portrait, now) = (Portrait::of(&node)?, self.now());
        if self.missing(entry)?.is_some() || !self.store.read(|view| portrait.is_known(view, &self.me))? {
            self.change(|tx| record::all(tx, &self.me, self.issuer(), &entry.email, &portrait, &kept, now))?;
            repaired.push(Repaired::Anew(slug.clone()));
        }
        Ok(())
    }

    fn set_model(&self, entry: &Entry, kept: &Kept) -> Result<(), ModelError> {
        let now = self.now();
        self.change(|tx| record::model(tx, &self.me, &entry.email, entry.person, kept, now))
    }

    /// A folder of an AI that we know nothing of: either its making was interrupted, then nobody knows it but us; or our store is
    /// older than the folder.
    fn adopt_or_delete(&self, email: &AgentEmail) -> Result<Repaired, ModelError> {
        let node = self.look_into(email)?;
        let is_known =
            node.contacts()?.iter().any(|contact| contact.person != self.me.person) || !node.topics()?.is_empty();
        if !is_known {
            drop(node);
            self.delete_agent_folder(&email.slug)?;
            return Ok(Repaired::FolderDeleted(email.slug.clone()));
        }
        let kept = inactive(AgentSettings::default());
        let (portrait, now) = (Portrait::of(&node)?, self.now());
        self.change(|tx| record::all(tx, &self.me, self.issuer(), email, &portrait, &kept, now))?;
        Ok(Repaired::Adopted(email.slug.clone()))
    }
}

fn inactive(settings: AgentSettings) -> Kept {
    Kept { settings: AgentSettings { active: false, ..settings }, removing: false }
}

/// Takes out of the address book what leads to nobody. Gives how many that were.
fn forget_lost(tx: &mut Transaction<'_>, now: u64) -> Result<usize, ModelError> {
    let id = leute_id()?;
    let Some(mut leute) = db::current::<Leute>(tx, id)?.map(|version| version.value) else { return Ok(0) };
    let mut there = Vec::new();
    for someone in &leute.other {
        if db::current::<Someone>(tx, *someone)?.is_some() {
            there.push(*someone);
        }
    }
    let lost = leute.other.len() - there.len();
    if lost > 0 {
        leute.other = there;
        db::store(tx, &leute, now)?;
    }
    Ok(lost)
}
