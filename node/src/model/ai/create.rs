//! Making an AI.

use ratatosk_protocol::driver::os_entropy;

use super::super::node::Node;
use super::super::{Home, HomeError, ModelError, NewPerson, Protection};
use super::book::{self, Kept, MAX_AGENTS};
use super::email::AgentEmail;
use super::record::{self, Portrait};
use super::settings::{Agent, NewAgent};

/// The steps, after each of which everything may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Step {
    /// The folder has keys.
    Keys,
    /// The folder has a node.
    Node,
    /// The node says who it is.
    Profile,
    /// The owner knows it.
    Recorded,
}

impl Node {
    /// Makes an AI: a folder with keys and a node of its own, and in this store, in one transaction, Person, Keys, Instance,
    /// Profile, Someone, certificates, `LLM` object and settings. It is introduced to whom its audience says.
    ///
    /// # Errors
    ///
    /// [`ModelError::AgentExists`]; [`ModelError::TooMuch`] for more than [`MAX_AGENTS`]; [`ModelError::OfAgent`] on the node of
    /// an AI; texts and numbers that cannot be.
    pub fn create_agent(&self, new: &NewAgent) -> Result<Agent, ModelError> {
        self.create_agent_in_steps(new, &mut |_| Ok(()))
    }

    /// As [`Node::create_agent`]; `done` is told of each step and can end the work there.
    pub(in super::super) fn create_agent_in_steps(
        &self,
        new: &NewAgent,
        done: &mut dyn FnMut(Step) -> Result<(), ModelError>,
    ) -> Result<Agent, ModelError> {
        new.check()?;
        if self.owner().is_some() {
            return Err(ModelError::OfAgent);
        }
        // One at a time, and none while another one is opened.
        let mut open = self.open_agents().lock();
        let entries = self.store.read(|view| book::entries(view, self.me.person))?;
        if entries.iter().any(|entry| entry.email.slug == new.slug) {
            return Err(ModelError::AgentExists(new.slug.clone()));
        }
        if entries.len() >= MAX_AGENTS {
            return Err(ModelError::TooMuch { what: "AIs", limit: MAX_AGENTS });
        }
        let (email, home) = self.new_home(new)?;
        done(Step::Keys)?;
        let node = self.start_agent(home)?;
        done(Step::Node)?;
        node.set_name(&new.name)?;
        self.present(&new.settings, &node)?;
        done(Step::Profile)?;
        let kept = Kept { settings: new.settings.clone(), removing: false };
        let (portrait, now) = (Portrait::of(&node)?, self.now());
        self.change(|tx| record::all(tx, &self.me, self.issuer(), &email, &portrait, &kept, now))?;
        done(Step::Recorded)?;
        node.mirror(&self.identities_for(&self.agent(&new.slug)?)?)?;
        // Whoever opens it next gets this one, if it is still there.
        open.insert(&new.slug, &node);
        drop(open);
        self.agent(&new.slug)
    }

    /// The folder of a new AI. One that an interrupted creation left is gone on with: nobody has seen its keys.
    fn new_home(&self, new: &NewAgent) -> Result<(AgentEmail, Home), ModelError> {
        let dir = self.agent_dir(&new.slug);
        match Home::whose(&dir) {
            Ok(person) => {
                let email = AgentEmail::parse(&person.email);
                let email = email.filter(|email| email.owner == self.me.person && email.slug == new.slug);
                let email = email.ok_or_else(|| HomeError::Exists(dir.clone()))?;
                Ok((email.clone(), self.open_agent_home(&email)?))
            }
            Err(HomeError::Missing(_)) => {
                let email = AgentEmail::new(&new.slug, self.me.person, os_entropy().as_mut());
                let email = email.ok_or(ModelError::BadSlug)?;
                let person = NewPerson { email: email.to_string(), instance: new.slug.clone(), name: new.name.clone() };
                let protection = Protection::Owner(self.home().secrets().agent_key(&person.email));
                let home = Home::create(&dir, &person, &protection, os_entropy().as_mut())?;
                Ok((email, home))
            }
            Err(error) => Err(error.into()),
        }
    }
}
