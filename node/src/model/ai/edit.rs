//! Changing and removing an AI.

use ratatosk_store::Transaction;

use super::super::home::HomeError;
use super::super::node::Node;
use super::super::{ModelError, home};
use super::book::{self, Entry, Kept};
use super::record;
use super::settings::{Agent, AgentEdit, check_name};

/// The steps of a removal, after each of which everything may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Removal {
    /// It is marked, and shared with nobody.
    Marked,
    /// Its folder is gone.
    Deleted,
}

impl Node {
    /// Changes an AI. Its profile follows in its own store and in this one; contacts hear of it as usual. Interrupted, the rest is
    /// done when the AI is opened next.
    ///
    /// # Errors
    ///
    /// As [`Node::open_agent`]; texts and numbers that cannot be.
    pub fn edit_agent(&self, slug: &str, edit: &AgentEdit) -> Result<Agent, ModelError> {
        if let Some(name) = &edit.name {
            check_name(name)?;
        }
        if let Some(settings) = &edit.settings {
            settings.check()?;
        }
        let mut open = self.open_agents().lock();
        let node = self.opened(&mut open, &self.usable(slug)?.email)?;
        if let Some(settings) = &edit.settings {
            let now = self.now();
            self.change(|tx| {
                let entry = book::entry(tx, self.me.person, slug)?;
                let entry = entry.ok_or_else(|| ModelError::UnknownAgent(slug.to_owned()))?;
                let kept = Kept { settings: settings.clone(), removing: entry.is_removing() };
                record::model(tx, &self.me, &entry.email, entry.person, &kept, now)?;
                record::share(tx, &self.me, entry.person, &kept, now)
            })?;
        }
        if let Some(name) = &edit.name
            && node.name()? != *name
        {
            node.set_name(name)?;
        }
        self.bring_up_to_date(&self.usable(slug)?, &node)?;
        self.agent(slug)
    }

    /// Removes an AI: nobody gets its profile any more, and its folder is deleted, with its keys and with what it alone has of
    /// its conversations. What it has said in topics of ours stays there. Another AI of the same short name is somebody else.
    ///
    /// # Errors
    ///
    /// [`ModelError::UnknownAgent`]; [`ModelError::AgentInUse`] as long as somebody has its node.
    pub fn remove_agent(&self, slug: &str) -> Result<(), ModelError> {
        self.remove_agent_in_steps(slug, &mut |_| Ok(()))
    }

    /// As [`Node::remove_agent`]; `done` is told of each step and can end the work there.
    pub(in super::super) fn remove_agent_in_steps(
        &self,
        slug: &str,
        done: &mut dyn FnMut(Removal) -> Result<(), ModelError>,
    ) -> Result<(), ModelError> {
        let open = self.open_agents().lock();
        if open.get(slug).is_some() {
            return Err(ModelError::AgentInUse(slug.to_owned()));
        }
        let entry = self.store.read(|view| book::entry(view, self.me.person, slug))?;
        let entry = entry.ok_or_else(|| ModelError::UnknownAgent(slug.to_owned()))?;
        let now = self.now();
        self.change(|tx| mark(tx, self, &entry, now))?;
        done(Removal::Marked)?;
        self.delete_agent_folder(&entry.email.slug)?;
        done(Removal::Deleted)?;
        self.change(|tx| book::leave(tx, &entry))
    }

    /// Deletes what is in the folder of an AI, its keys first.
    pub(super) fn delete_agent_folder(&self, slug: &str) -> Result<(), ModelError> {
        let dir = self.agent_dir(slug);
        home::remove(&dir).map_err(|error: HomeError| error.into())
    }
}

/// From now on the AI is being removed.
fn mark(tx: &mut Transaction<'_>, node: &Node, entry: &Entry, now: u64) -> Result<(), ModelError> {
    let kept = Kept { settings: entry.settings(), removing: true };
    record::model(tx, &node.me, &entry.email, entry.person, &kept, now)?;
    record::share(tx, &node.me, entry.person, &kept, now)
}
