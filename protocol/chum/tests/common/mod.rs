//! Peers with shelves, links between them, and a clock that only moves when nothing else does.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use ratatosk_chum::memory::{Shared, Shelf};
use ratatosk_chum::{Chum, Event, Fault, Input, Library as _, Output, Settings};
use ratatosk_objects::typed::{ChannelInfo, ChatMessage, Person, Topic, Typed, Versioned};
use ratatosk_objects::{BlobHash, IdHash, Microdata, ObjectHash, Objects, ObjectsMut, PersonId, Recipes, Versions};
use ratatosk_protocol::message::Payload;
use ratatosk_versions::{Error, Limits, Node, list, store_version};

/// Milliseconds since 1970 when the tests begin.
pub(crate) const START_MS: u64 = 1_700_000_000_000;

pub(crate) fn person(email: &str) -> (PersonId, Microdata) {
    let person = Person { email: email.to_owned(), name: None };
    let microdata = person.id_microdata().unwrap();
    (PersonId::from(microdata.id_hash().unwrap()), microdata)
}

/// A shelf with some persons on it.
pub(crate) fn shelf(persons: &[&str]) -> Shelf {
    let mut shelf = Shelf::new();
    for email in persons {
        shelf.put_id(&person(email).1).unwrap();
    }
    shelf
}

/// Makes the channel of two persons, and shows it, its topic and everything in it to `with`.
pub(crate) fn open_channel(shelf: &mut Shelf, me: PersonId, with: &[PersonId], name: &str) -> IdHash {
    let channel = ChannelInfo { id: name.to_owned(), owner: None, head: None };
    let id_object = channel.id_microdata().unwrap();
    let id = shelf.put_id(&id_object).unwrap();
    let topic = Topic { name: None, id: name.to_owned(), channel: id };
    let topic = shelf.put(&topic.microdata().unwrap()).unwrap();
    for other in with.iter().filter(|other| **other != me) {
        shelf.share(*other, Shared::Object(topic));
        shelf.share(*other, Shared::Id(id));
    }
    id
}

pub(crate) fn head(shelf: &Shelf, channel: &IdHash) -> Option<ObjectHash> {
    let node = shelf.current(channel).unwrap()?;
    let data = Node::load(shelf, node).unwrap().data;
    ChannelInfo::read(&shelf.object(&data).unwrap().unwrap()).unwrap().head
}

/// The hash of the whole channel as it is now.
pub(crate) fn channel_info(shelf: &Shelf, channel: &IdHash) -> Option<ObjectHash> {
    let node = shelf.current(channel).unwrap()?;
    Some(Node::load(shelf, node).unwrap().data)
}

/// Posts a message to a channel that was opened as `name`.
pub(crate) fn post(shelf: &mut Shelf, me: PersonId, name: &str, text: &str, now_ms: u64) {
    post_with(shelf, me, name, text, None, now_ms);
}

pub(crate) fn post_with(
    shelf: &mut Shelf,
    me: PersonId,
    name: &str,
    text: &str,
    attachments: Option<Vec<ObjectHash>>,
    now_ms: u64,
) {
    let mut channel = ChannelInfo { id: name.to_owned(), owner: None, head: None };
    let id = channel.id_hash().unwrap();
    let message = ChatMessage { text: text.to_owned(), attachments, sender: me, thumbnails: None };
    let message = shelf.put(&message.microdata().unwrap()).unwrap();
    let before = head(shelf, &id);
    let limits = Limits::DEFAULT;
    let none = |_: &mut Shelf, _| Ok::<_, Error<std::convert::Infallible>>(Vec::new());
    let appended = list::append(shelf, before, message, now_ms, &limits, none).unwrap();
    channel.head = Some(appended.head);
    store_version(shelf, Recipes::standard(), &channel.to_object(), now_ms).unwrap();
}

/// The texts in a channel, newest first.
pub(crate) fn texts(shelf: &Shelf, channel: &IdHash) -> Vec<String> {
    list::iterate_back(shelf, head(shelf, channel))
        .map(|entry| ChatMessage::read(&shelf.object(&entry.unwrap().data).unwrap().unwrap()).unwrap().text)
        .collect()
}

pub(crate) fn blob_hash(bytes: &[u8]) -> BlobHash {
    Shelf::new().put_blob(bytes.to_vec())
}

/// One connection between two peers.
pub(crate) struct Link {
    pub(crate) ends: [usize; 2],
    pub(crate) chums: [Chum; 2],
    /// What is on its way from each end.
    pub(crate) wires: [VecDeque<Payload>; 2],
    pub(crate) events: [Vec<Event>; 2],
    pub(crate) closed: [Option<Fault>; 2],
    /// Messages and bytes that each end sent.
    pub(crate) sent: [(usize, u64); 2],
}

/// Peers, links and time.
pub(crate) struct World {
    pub(crate) persons: Vec<PersonId>,
    pub(crate) shelves: Vec<Shelf>,
    pub(crate) links: Vec<Link>,
    pub(crate) start: Instant,
    pub(crate) now: Instant,
    pub(crate) settings: Settings,
    generations: Vec<u64>,
}

impl World {
    /// Peers with these emails, who know each other's persons.
    pub(crate) fn new(emails: &[&str]) -> Self {
        let start = Instant::now();
        Self {
            persons: emails.iter().map(|email| person(email).0).collect(),
            shelves: emails.iter().map(|_| shelf(emails)).collect(),
            links: Vec::new(),
            start,
            now: start,
            settings: Settings::default(),
            generations: vec![0; emails.len()],
        }
    }

    pub(crate) fn now_ms(&self) -> u64 {
        START_MS + u64::try_from(self.now.duration_since(self.start).as_millis()).unwrap()
    }

    /// Opens a channel that all of them see.
    pub(crate) fn channel(&mut self, name: &str) -> IdHash {
        let persons = self.persons.clone();
        let ids = self.shelves.iter_mut().zip(&persons).map(|(shelf, me)| open_channel(shelf, *me, &persons, name));
        ids.last().unwrap()
    }

    pub(crate) fn post(&mut self, peer: usize, name: &str, text: &str) {
        let now_ms = self.now_ms();
        post(&mut self.shelves[peer], self.persons[peer], name, text, now_ms);
    }

    pub(crate) fn connect(&mut self, a: usize, b: usize) -> usize {
        let chum = || Chum::new(self.settings.clone(), self.now);
        self.links.push(Link {
            ends: [a, b],
            chums: [chum(), chum()],
            wires: Default::default(),
            events: Default::default(),
            closed: Default::default(),
            sent: Default::default(),
        });
        self.links.len() - 1
    }

    /// Breaks a connection: what is on its way is lost.
    pub(crate) fn cut(&mut self, link: usize) -> Link {
        self.links.swap_remove(link)
    }

    /// Takes out everything that the machines want to send; whether that was something.
    pub(crate) fn drain(&mut self) -> bool {
        let mut was_something = false;
        for link in &mut self.links {
            for end in 0..2 {
                let mut library = self.shelves[link.ends[end]].seen_by(self.persons[link.ends[1 - end]]);
                while let Some(output) = link.chums[end].poll_output(&mut library, self.now).unwrap() {
                    was_something = true;
                    match output {
                        Output::Send(message) => {
                            let length = match &message {
                                Payload::Text(text) => text.len(),
                                Payload::Binary(bytes) => bytes.len(),
                            };
                            link.sent[end].0 += 1;
                            link.sent[end].1 += length as u64;
                            link.wires[end].push_back(message);
                        }
                        Output::Event(event) => link.events[end].push(event),
                        Output::Close(fault) => link.closed[end] = Some(fault),
                    }
                }
            }
        }
        was_something
    }

    pub(crate) fn hand(&mut self, link: usize, end: usize, input: Input) {
        let link = &mut self.links[link];
        let mut library = self.shelves[link.ends[end]].seen_by(self.persons[link.ends[1 - end]]);
        link.chums[end].handle(input, &mut library, self.now).unwrap();
    }

    /// Delivers one message in each direction of each link; whether there was one.
    fn deliver(&mut self) -> bool {
        let mut was_something = false;
        for link in 0..self.links.len() {
            for end in 0..2 {
                if let Some(message) = self.links[link].wires[end].pop_front() {
                    was_something = true;
                    self.hand(link, 1 - end, Input::Message(message));
                }
            }
        }
        was_something
    }

    /// Tells everybody's machines what changed on their own shelf.
    pub(crate) fn tell(&mut self) -> bool {
        let mut was_something = false;
        for peer in 0..self.shelves.len() {
            let generation = self.shelves[peer].seen_by(self.persons[peer]).generation().unwrap();
            if self.generations[peer] != generation {
                self.generations[peer] = generation;
                was_something = true;
                for link in 0..self.links.len() {
                    for end in 0..2 {
                        if self.links[link].ends[end] == peer {
                            self.hand(link, end, Input::RootsChanged);
                        }
                    }
                }
            }
        }
        was_something
    }

    /// Everything that happens without time passing; at most `max` rounds.
    pub(crate) fn settle(&mut self, max: usize) {
        for _ in 0..max {
            let said = self.drain();
            let heard = self.deliver();
            let told = self.tell();
            if !said && !heard && !told && !self.timeouts() {
                return;
            }
        }
    }

    fn timeouts(&mut self) -> bool {
        let mut was_something = false;
        for link in 0..self.links.len() {
            for end in 0..2 {
                if self.links[link].chums[end].poll_timeout().is_some_and(|at| at <= self.now) {
                    was_something = true;
                    self.hand(link, end, Input::Timeout);
                }
            }
        }
        was_something
    }

    /// Lets time pass.
    pub(crate) fn run(&mut self, duration: Duration) {
        let until = self.now + duration;
        loop {
            self.settle(usize::MAX);
            let next = self.links.iter().flat_map(|link| &link.chums).filter_map(Chum::poll_timeout).min();
            match next {
                Some(next) if next <= until => self.now = next.max(self.now),
                _ => break,
            }
        }
        self.now = until;
    }
}
