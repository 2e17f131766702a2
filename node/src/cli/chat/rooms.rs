//! Conversations and contacts: listed, opened, paged through.

use ratatosk_node::api::types::{Contact, Messages, NewTopic, PageQuery, Topic};

use super::talk::Talk;
use super::with_person;
use crate::cli::names::{describe, find, find_topic, title};
use crate::cli::problem::Problem;
use crate::cli::topics::behaviour;

impl Talk {
    pub(super) async fn go_to(&mut self, name: &str) -> Result<(), Problem> {
        if let Ok(number) = name.parse::<usize>()
            && let Some(topic) = number.checked_sub(1).and_then(|index| self.listed.get(index)).cloned()
        {
            return self.open(topic).await;
        }
        self.read_contacts().await?;
        match find(&self.everybody(), name) {
            Ok(contact) => self.open_with(&contact).await,
            Err(problem) => {
                let topics = self.client.topics().await?;
                let wanted = name.to_lowercase();
                let titled = || topics.iter().find(|topic| self.title(topic).to_lowercase() == wanted).cloned();
                match find_topic(&topics, &[], name).ok().or_else(titled) {
                    Some(topic) => self.open(topic).await,
                    None => Err(problem.help("/contacts and /topics list whom and what there is")),
                }
            }
        }
    }

    pub(super) async fn group(&mut self, name: String, others: &[String]) -> Result<(), Problem> {
        self.read_contacts().await?;
        let contacts = self.everybody();
        let people: Result<Vec<String>, Problem> =
            others.iter().map(|other| find(&contacts, other).map(|contact| contact.person)).collect();
        let people = people.map_err(|problem| problem.help("/contacts lists them"));
        let topic = self.client.create_topic(&NewTopic { name: Some(name), people: people? }).await?;
        self.open(topic).await
    }

    pub(super) async fn open_with(&mut self, contact: &Contact) -> Result<(), Problem> {
        let topic = with_person(&self.client, contact).await?;
        self.open(topic).await
    }

    pub(super) async fn open(&mut self, topic: Topic) -> Result<(), Problem> {
        let page = self.fetch(&topic.id, None, self.last).await?;
        self.show.turn();
        let heading = format!("the conversation with {}{}", self.title(&topic), behaviour(&topic));
        self.note(&heading);
        self.shown.clear();
        self.attachments.clear();
        self.topic = Some(topic);
        self.page(&page);
        self.draw();
        Ok(())
    }

    async fn fetch(&self, topic: &str, before: Option<String>, limit: usize) -> Result<Messages, Problem> {
        // A page has one message at least.
        let mut page = self.client.messages(topic, &PageQuery { before, limit: Some(limit.max(1)) }).await?;
        if limit == 0 {
            page.messages.clear();
        }
        Ok(page)
    }

    fn page(&mut self, page: &Messages) {
        self.older = page.older.clone();
        page.messages.iter().for_each(|message| self.message(message));
    }

    pub(super) async fn more(&mut self) -> Result<(), Problem> {
        let topic = self.topic_id()?;
        let Some(before) = self.older.clone() else {
            self.note("this is where the conversation begins");
            return Ok(());
        };
        let page = self.fetch(&topic, Some(before), self.last.max(1)).await?;
        self.show.turn();
        self.note("what was said before:");
        self.page(&page);
        self.show.turn();
        self.note("so far what was said before");
        Ok(())
    }

    pub(super) async fn list_topics(&mut self) -> Result<(), Problem> {
        self.listed = self.client.topics().await?;
        // The newest first, as one looks for it.
        self.listed.sort_by_key(|topic| std::cmp::Reverse(topic.last));
        if self.listed.is_empty() {
            self.note("there are no conversations yet; /to NAME begins one");
        }
        for (index, topic) in self.listed.iter().enumerate() {
            let line = format!("{:>3}  {}{}", index + 1, self.title(topic), behaviour(topic));
            self.screen.write([self.show.note(&line)]);
        }
        Ok(())
    }

    pub(super) async fn list_contacts(&mut self) -> Result<(), Problem> {
        self.read_contacts().await?;
        for contact in self.contacts.values() {
            let state = if contact.connected { "connected" } else { "not connected" };
            let line = self.show.note(&format!("{}, {state}", self.described(contact)));
            self.screen.write([line]);
        }
        Ok(())
    }

    pub(super) async fn read_contacts(&mut self) -> Result<(), Problem> {
        let contacts = self.client.contacts().await?;
        self.contacts = contacts.into_iter().map(|contact| (contact.person.clone(), contact)).collect();
        Ok(())
    }

    /// A contact in one line; safe to be shown.
    pub(super) fn described(&self, contact: &Contact) -> String {
        describe(contact, &self.everybody(), &self.me)
    }

    /// What a conversation is called; safe to be shown.
    pub(super) fn title(&self, topic: &Topic) -> String {
        title(topic, &self.everybody())
    }

    fn everybody(&self) -> Vec<Contact> {
        self.contacts.values().cloned().collect()
    }
}
