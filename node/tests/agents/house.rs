//! Somebody with a node that runs as a process of its own, and AIs.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use ratatosk_engine::testing::{Tiny, tiny_model};
use ratatosk_node::api::types::{
    Affirmed, Agent, Contact, Event, ImportModel, Message, NewAgent, NewMessage, NewTopic, PageQuery, Topic,
};
use ratatosk_node::client::{Client, Events, Record};
use ratatosk_relay::{Config, Server};
use tokio::process::Child;

use crate::support::{Person, line, pair, within};

/// How often something is looked at that no event tells.
const LOOK: Duration = Duration::from_millis(20);

/// A person, and the daemon of their folder.
pub(crate) struct House {
    pub(crate) person: Person,
    pub(crate) client: Client,
    pub(crate) events: Events,
    pub(crate) daemon: Child,
}

impl House {
    pub(crate) async fn new(test: &str, name: &str, relay: &Server) -> Self {
        Self::serve(Person::new(&format!("agents-{test}"), name, relay).await).await
    }

    /// Runs the daemon, until the relay has it.
    pub(crate) async fn serve(person: Person) -> Self {
        let mut daemon = person.start(&["serve"]);
        line(&mut daemon, "Ctrl-C stops the node").await;
        let client = Record::read(&person.0).unwrap().unwrap().client();
        let mut events = client.events().await.unwrap();
        within(async {
            while !client.status().await.unwrap().relay.online {
                events.next().await.unwrap();
            }
        })
        .await;
        Self { person, client, events, daemon }
    }

    /// As a power cut ends it.
    pub(crate) async fn kill(mut self) -> Person {
        self.daemon.start_kill().unwrap();
        within(self.daemon.wait()).await.unwrap();
        self.person
    }

    /// As the system ends it.
    pub(crate) async fn stop(mut self) -> Person {
        signal(self.daemon.id().unwrap(), "-TERM");
        assert!(within(self.daemon.wait()).await.unwrap().success());
        self.person
    }

    pub(crate) async fn restart(self) -> Self {
        Self::serve(self.kill().await).await
    }

    /// The process that has a model of this node, once there is one.
    pub(crate) async fn worker(&self) -> u32 {
        let daemon = self.daemon.id().unwrap();
        within(async {
            loop {
                if let Some(worker) = children(daemon).first() {
                    return *worker;
                }
                tokio::time::sleep(LOOK).await;
            }
        })
        .await
    }

    /// The contact with this name, once it is there.
    pub(crate) async fn contact(&mut self, name: &str) -> Contact {
        within(async {
            loop {
                let contacts = self.client.contacts().await.unwrap();
                if let Some(found) = contacts.into_iter().find(|one| one.name.as_deref() == Some(name)) {
                    return found;
                }
                self.events.next().await.unwrap();
            }
        })
        .await
    }

    /// An AI with a model of its own.
    pub(crate) async fn agent(&self, slug: &str, tiny: &Tiny) -> Agent {
        let file = self.person.0.join(format!("{slug}-made.gguf"));
        std::fs::write(&file, tiny_model(tiny)).unwrap();
        let path = file.to_str().unwrap().to_owned();
        let import = ImportModel { path, name: Some(slug.to_owned()), link: true };
        self.client.import_model(&import).await.unwrap();
        let (name, model) = (slug.to_owned(), slug.to_owned());
        let max_tokens = Some(LONGEST);
        self.client.create_agent(&NewAgent { name, model, max_tokens, ..NewAgent::default() }).await.unwrap()
    }

    pub(crate) async fn topic(&self, name: Option<&str>, people: &[&str]) -> Topic {
        let people = people.iter().map(|&person| person.to_owned()).collect();
        self.client.create_topic(&NewTopic { name: name.map(str::to_owned), people }).await.unwrap()
    }

    pub(crate) async fn say(&self, topic: &Topic, text: &str) -> Message {
        let message = NewMessage { text: text.to_owned(), attachments: Vec::new() };
        self.client.say(&topic.id, &message).await.unwrap()
    }

    /// All that is said in a topic.
    pub(crate) async fn messages(&self, topic: &Topic) -> Vec<Message> {
        let (mut all, mut before) = (Vec::new(), None);
        loop {
            let page = self.client.messages(&topic.id, &PageQuery { before, limit: Some(200) }).await;
            let page = page.unwrap();
            all.splice(0..0, page.messages);
            before = page.older;
            if before.is_none() {
                return all;
            }
        }
    }

    /// What somebody says after this message of ours, once they have said something.
    pub(crate) async fn answer(&mut self, to: &Message, author: &str) -> Message {
        within(async {
            loop {
                if let Some(answer) = self.said_after(to, author).await {
                    return answer;
                }
                let is_news = |event| match event {
                    Event::Message(message) => message.topic == to.topic && message.author == author,
                    Event::Ready | Event::Lagged { .. } => true,
                    _ => false,
                };
                while !is_news(self.events.next().await.unwrap()) {}
            }
        })
        .await
    }

    async fn said_after(&self, to: &Message, author: &str) -> Option<Message> {
        let (mut found, mut before) = (None, None);
        loop {
            let page = self.client.messages(&to.topic, &PageQuery { before, limit: Some(200) }).await.unwrap();
            let from = page.messages.iter().position(|message| message.id == to.id);
            let later = page.messages.into_iter().skip(from.map_or(0, |from| from + 1));
            found = { later }.find(|message| message.author == author).or(found);
            before = page.older;
            if from.is_some() || before.is_none() {
                return found.filter(|_| from.is_some());
            }
        }
    }

    /// Looks at a topic whenever something happens, until what is wanted is there.
    pub(crate) async fn until<T>(&mut self, topic: &Topic, wanted: impl Fn(&[Message]) -> Option<T>) -> T {
        within(async {
            loop {
                if let Some(found) = wanted(&self.messages(topic).await) {
                    return found;
                }
                while !matches!(
                    self.events.next().await.unwrap(),
                    Event::Message(_) | Event::Ready | Event::Lagged { .. } | Event::Topic(_)
                ) {}
            }
        })
        .await
    }

    /// Waits for an event.
    pub(crate) async fn find<T>(&mut self, mut wanted: impl FnMut(Event) -> Option<T>) -> T {
        within(async {
            loop {
                if let Some(found) = wanted(self.events.next().await.unwrap()) {
                    return found;
                }
            }
        })
        .await
    }
}

/// The longest answer of an AI, in tokens.
pub(crate) const LONGEST: u32 = 200;

/// Makes contacts of two people, and of their AIs.
pub(crate) async fn met(one: &mut House, other: &mut House) {
    pair(&one.person, &other.person).await;
    let agents = [one.client.agents().await.unwrap(), other.client.agents().await.unwrap()];
    for (house, agents) in [other, one].into_iter().zip(agents) {
        for agent in agents {
            house.contact(&agent.name).await;
        }
    }
}

/// A relay at this address.
pub(crate) async fn relay_at(listen: SocketAddr) -> Server {
    Server::bind(Config { listen: Some(listen), ..Config::default() }).await.unwrap()
}

/// Waits until everybody in these houses, AIs included, knows the same of a topic. Gives what that is.
pub(crate) async fn all_alike(houses: &[&House], topic: &Topic) -> String {
    within(async {
        loop {
            let mut heads = BTreeSet::new();
            for house in houses {
                // Whoever has just been invited may not have it yet.
                let known = house.client.topic(&topic.id).await.ok();
                let participants = known.iter().flat_map(|topic| &topic.participants);
                let own = participants.filter(|one| one.ai.as_ref().is_some_and(|ai| ai.own));
                heads.extend(own.map(|one| one.head.clone()));
                heads.insert(known.map(|topic| topic.head));
            }
            if let Some(Some(head)) = heads.pop_first().filter(|_| heads.is_empty()) {
                return head;
            }
            tokio::time::sleep(LOOK).await;
        }
    })
    .await
}

/// Who said what, all of it signed.
pub(crate) fn signed(messages: &[Message]) -> Vec<(&str, &str)> {
    assert!(messages.iter().all(|message| message.affirmed == Affirmed::Verified), "{messages:?}");
    messages.iter().map(|message| (message.author.as_str(), message.text.as_str())).collect()
}

/// Sends a signal to a process.
pub(crate) fn signal(pid: u32, signal: &str) {
    assert!(std::process::Command::new("kill").args([signal, &pid.to_string()]).status().unwrap().success());
}

/// The processes that a process has started.
fn children(parent: u32) -> Vec<u32> {
    let number = |entry: std::io::Result<std::fs::DirEntry>| entry.ok()?.file_name().to_str()?.parse().ok();
    let is_child = |pid: &u32| {
        // The name, in parentheses, may have anything in it; behind it come the state and the parent.
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let parent_of = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
        parent_of == Some(parent)
    };
    std::fs::read_dir("/proc").unwrap().filter_map(number).filter(is_child).collect()
}
