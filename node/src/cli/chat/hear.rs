//! What happens is shown.

use ratatosk_node::api::types::{Affirmed, ConnectionEvent, Contact, Event, Message, PageQuery, Topic};

use super::show::{Line, Mark};
use super::talk::Talk;
use crate::cli::names::{BADGE, YOU, called, short};
use crate::cli::problem::Problem;
use crate::cli::text;

/// Messages that are remembered as shown, so that none is shown twice.
const SHOWN: usize = 10_000;

impl Talk {
    pub(super) async fn heard(&mut self, event: Event) {
        let done = match event {
            Event::Ready | Event::Lagged { .. } => self.catch_up().await,
            Event::Message(message) => self.came(&message).await,
            Event::Topic(topic) => self.new_topic(&topic).await,
            Event::Draft(draft) => {
                let person = draft.person.clone();
                let is_here = self.is_open(&draft.topic);
                if let Some(what) = self.drafts.take(draft)
                    && is_here
                {
                    self.note(&format!("{} {what}", self.badged(&person)));
                }
                self.draw();
                Ok(())
            }
            Event::Connection(connection) => self.connection(&connection).await,
            Event::Paired(paired) => self.paired(&paired.contact, paired.agent.as_deref()).await,
            Event::Contact(contact) => {
                self.renamed(&contact);
                Ok(())
            }
            Event::Online { online } => {
                self.online(online);
                Ok(())
            }
            Event::AgentRemoved { slug } => {
                let of_it = |contact: &&Contact| contact.ai.as_ref().is_some_and(|ai| ai.own && ai.slug == slug);
                let person = self.contacts.values().find(of_it).map(|contact| contact.person.clone());
                person.iter().for_each(|person| self.drafts.gone(person));
                self.draw();
                self.note(&format!("{} is removed, and answers no more", text::line(&slug)));
                Ok(())
            }
            Event::Trouble(trouble) => {
                let line = text::line(&format!("{}: {}", trouble.place, trouble.text));
                self.screen.write([self.show.problem(&line)]);
                Ok(())
            }
            // That of an AI is told by its drafts and messages; the end of the node by the end of the events.
            _ => Ok(()),
        };
        if let Err(problem) = done {
            self.problem(&problem);
        }
    }

    /// Something may have been missed: what matters is fetched again.
    async fn catch_up(&mut self) -> Result<(), Problem> {
        self.drafts.clear();
        self.draw();
        self.read_contacts().await?;
        let Some(topic) = self.topic.as_ref().map(|topic| topic.id.clone()) else { return Ok(()) };
        let page = self.client.messages(&topic, &PageQuery { before: None, limit: Some(self.last.max(20)) }).await?;
        // What stands before the beginning of what is shown was left out on purpose.
        let known = page.messages.iter().rposition(|message| self.shown.contains(&message.id));
        let from = known.map_or(if self.shown.is_empty() { page.messages.len() } else { 0 }, |index| index + 1);
        page.messages.iter().skip(from).for_each(|message| self.message(message));
        Ok(())
    }

    async fn came(&mut self, message: &Message) -> Result<(), Problem> {
        if self.is_open(&message.topic) {
            if !self.contacts.contains_key(&message.author) && !message.own {
                self.read_contacts().await?;
            }
            let note = self.drafts.ended(&message.topic, &message.author);
            self.draw();
            self.message(message);
            if let Some(note) = note {
                self.note(&format!("{}: {}", self.badged(&message.author), text::line(&note)));
            }
            return Ok(());
        }
        self.drafts.ended(&message.topic, &message.author);
        if !message.own {
            let topic = self.client.topic(&message.topic).await?;
            let title = self.title(&topic);
            self.note(&format!("a new message in the conversation with {title}"));
        }
        Ok(())
    }

    async fn new_topic(&mut self, topic: &Topic) -> Result<(), Problem> {
        self.read_contacts().await?;
        if !self.is_open(&topic.id) {
            let title = self.title(topic);
            self.note(&format!("a new conversation: {title}"));
        }
        Ok(())
    }

    async fn connection(&mut self, event: &ConnectionEvent) -> Result<(), Problem> {
        // Those of our AIs are not ours.
        if event.agent.is_some() {
            return Ok(());
        }
        if !self.contacts.contains_key(&event.person) {
            self.read_contacts().await?;
        }
        let known = self.contacts.get_mut(&event.person);
        if known.is_none_or(|contact| std::mem::replace(&mut contact.connected, event.connected) == event.connected) {
            return Ok(());
        }
        if !event.connected {
            self.drafts.gone(&event.person);
            self.draw();
        }
        let state = if event.connected { "is connected" } else { "is not connected any more" };
        self.note(&format!("{} {state}", self.badged(&event.person)));
        Ok(())
    }

    async fn paired(&mut self, contact: &Contact, agent: Option<&str>) -> Result<(), Problem> {
        self.read_contacts().await?;
        let name = self.described(contact);
        if let Some(agent) = agent {
            self.note(&format!("{} and {name} are contacts now", text::name(agent)));
            return Ok(());
        }
        self.note(&format!("you and {name} are contacts now"));
        if self.topic.is_none() { self.open_with(contact).await } else { Ok(()) }
    }

    fn renamed(&mut self, contact: &Contact) {
        let (person, before) = (contact.person.clone(), self.name(&contact.person));
        let is_new = self.contacts.insert(person.clone(), contact.clone()).is_none();
        if is_new {
            let name = self.described(contact);
            self.note(&format!("a new contact: {name}"));
        } else if self.name(&person) != before {
            let name = self.name(&person);
            self.note(&format!("{before} is called {name} now"));
        }
    }

    fn online(&mut self, online: bool) {
        if std::mem::replace(&mut self.relay_online, online) == online {
            return;
        }
        let relay = text::line(&self.relay);
        let state = if online { "is there" } else { "cannot be reached; what you write goes out when it is back" };
        self.note(&format!("the CommServer {relay} {state}"));
    }

    /// Shows a message, unless it is shown already.
    pub(super) fn message(&mut self, message: &Message) {
        if self.shown.len() >= SHOWN {
            self.shown.clear();
        }
        if !self.shown.insert(message.id.clone()) {
            return;
        }
        let first = self.attachments.len() + 1;
        let numbered = message.attachments.iter().enumerate();
        let attachments = numbered.map(|(index, file)| (first + index, file.name.clone(), file.size)).collect();
        self.attachments.extend(message.attachments.iter().cloned());
        let line = Line {
            time: message.at,
            author: self.name(&message.author),
            own: message.own,
            ai: self.is_ai(&message.author),
            mark: mark(message.affirmed),
            text: message.text.clone(),
            attachments,
        };
        let lines = self.show.message(&line);
        self.screen.write(lines);
    }

    /// Shows what is being written here now.
    pub(super) fn draw(&mut self) {
        let Some(topic) = self.topic.as_ref().map(|topic| topic.id.as_str()) else { return };
        let name = |person: &str| self.badged(person);
        let rows = self.drafts.rows(topic, name, self.screen.size(), self.show.style());
        self.screen.show(rows);
    }

    fn is_open(&self, topic: &str) -> bool {
        self.topic.as_ref().is_some_and(|open| open.id == topic)
    }

    fn is_ai(&self, person: &str) -> bool {
        let participants = self.topic.iter().flat_map(|topic| &topic.participants);
        self.contacts.get(person).is_some_and(|contact| contact.ai.is_some())
            || participants.filter(|one| one.person == person).any(|one| one.ai.is_some())
    }

    /// What somebody is called; safe to be shown.
    pub(super) fn name(&self, person: &str) -> String {
        if person == self.me.person {
            return YOU.to_owned();
        }
        match self.contacts.get(person) {
            Some(contact) => called(contact, self.contacts.values()),
            None => short(person),
        }
    }

    /// The same, with a badge if it is an AI.
    pub(super) fn badged(&self, person: &str) -> String {
        let name = self.name(person);
        if self.is_ai(person) { format!("{name} {BADGE}") } else { name }
    }
}

/// What is behind an author's name.
pub(super) fn mark(affirmed: Affirmed) -> Mark {
    match affirmed {
        Affirmed::Verified => Mark::Verified,
        Affirmed::Unverified => Mark::Unverified,
        Affirmed::Forged => Mark::Forged,
    }
}
