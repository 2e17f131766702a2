//! Nodes in temporary folders, with a clock of their own, that talk to each other by the CHUM machines.

mod agents;
mod contacts;
mod convergence;
mod gate;
mod genesis;
mod introductions;
mod limits;
mod messages;
mod mirror;
mod recorded;
mod repair;
mod topics;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ratatosk_chum::{Chum, Event, Input, Output, Settings};
use ratatosk_pairing::Identity;
use ratatosk_protocol::driver::os_entropy;

use super::home::tests::Folder;
use super::{Change, Home, Library, NewPerson, Node, Protection};

/// When the clocks of the tests begin.
const START: u64 = 1_795_234_000_000;

/// A node, with the folder that it lives in. The folder outlives it.
struct Person {
    node: Arc<Node>,
    clock: Arc<AtomicU64>,
    folder: Folder,
}

impl Person {
    fn new(email: &str) -> Self {
        Self::with_instance(email, "laptop")
    }

    fn with_instance(email: &str, instance: &str) -> Self {
        let folder = Folder::new();
        let person = NewPerson { email: email.into(), instance: instance.into(), name: format!("Name of {email}") };
        let home = Home::create(folder.path(), &person, &Protection::KeyFile(None), os_entropy().as_mut()).unwrap();
        Self::start(home, folder, START)
    }

    fn start(home: Home, folder: Folder, now: u64) -> Self {
        let clock = Arc::new(AtomicU64::new(now));
        let hand = clock.clone();
        let node = Node::start(home, Box::new(move || hand.fetch_add(1, Ordering::Relaxed))).unwrap();
        Self { node: Arc::new(node), clock, folder }
    }

    /// Ends and starts again.
    fn restart(self) -> Self {
        let Self { node, clock, folder } = self;
        drop(node);
        let home = Home::open(folder.path(), &Protection::KeyFile(None)).unwrap();
        Self::start(home, folder, clock.load(Ordering::Relaxed))
    }

    /// What pairing would tell others.
    fn identity(&self) -> Identity {
        Identity { url: Some("ws://localhost:8000".to_owned()), ..self.node.me().identity.clone() }
    }

    fn id(&self) -> ratatosk_objects::PersonId {
        self.node.person()
    }

    fn set_clock(&self, now: u64) {
        self.clock.store(now, Ordering::Relaxed);
    }

    fn library(&self, of: &Self) -> Library {
        self.node.library(of.id(), of.node.me().instance)
    }

    /// The texts of a topic, in order.
    fn texts(&self, topic: &str) -> Vec<String> {
        let page = self.node.messages(topic, None, 1000).unwrap();
        page.messages.into_iter().map(|message| message.text).collect()
    }
}

/// Two persons who are contacts.
fn pair() -> (Person, Person) {
    let (a, b) = (Person::new("a@peer.test"), Person::new("b@peer.test"));
    befriend(&a, &b);
    (a, b)
}

fn befriend(a: &Person, b: &Person) {
    a.node.add_contact(&b.identity()).unwrap();
    b.node.add_contact(&a.identity()).unwrap();
}

/// What came of a connection, for each end.
#[derive(Debug, Default)]
struct Talk {
    changes: [Vec<Change>; 2],
    refused: [Vec<String>; 2],
}

/// A connection of two persons that lasts until both are at rest.
fn sync(a: &Person, b: &Person) -> Talk {
    sync_nodes(&a.node, &b.node)
}

fn sync_nodes(a: &Arc<Node>, b: &Arc<Node>) -> Talk {
    let mut now = Instant::now();
    let library = |of: &Arc<Node>, to: &Arc<Node>| of.library(to.person(), to.me().instance);
    let mut libraries = [library(a, b), library(b, a)];
    let mut machines = [Chum::new(Settings::default(), now), Chum::new(Settings::default(), now)];
    let mut talk = Talk::default();
    let mut quiet = 0;
    while quiet < 25 {
        let mut is_quiet = true;
        for end in 0..2 {
            while let Some(output) = machines[end].poll_output(&mut libraries[end], now).unwrap() {
                match output {
                    Output::Send(message) => {
                        let other = 1 - end;
                        machines[other].handle(Input::Message(message), &mut libraries[other], now).unwrap();
                    }
                    Output::Event(Event::Refused { refusal, .. }) => talk.refused[end].push(refusal.to_string()),
                    Output::Event(_) => {}
                    Output::Close(fault) => panic!("{fault}"),
                }
            }
            let changes = libraries[end].take_changes();
            is_quiet &= changes.is_empty();
            talk.changes[end].extend(changes);
        }
        // Half a minute in which both poll some times and nothing comes any more.
        quiet = if is_quiet { quiet + 1 } else { 0 };
        now += Duration::from_millis(500);
        for end in 0..2 {
            machines[end].handle(Input::Timeout, &mut libraries[end], now).unwrap();
        }
    }
    talk
}

/// The texts that came, in the order in which they were told.
fn told(changes: &[Change]) -> Vec<String> {
    let arrivals = changes.iter().filter_map(|change| match change {
        Change::Messages { arrivals, .. } => Some(arrivals.messages.iter().map(|message| message.text.clone())),
        _ => None,
    });
    arrivals.flatten().collect()
}
