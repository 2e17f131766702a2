//! A peer that answers what a test tells it to.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use ratatosk_chum::memory::Shelf;
use ratatosk_chum::message::{Message, answer_data, parse};
use ratatosk_chum::{Chum, Event, Fault, Input, Output, Refusal, Root, Settings, children};
use ratatosk_objects::typed::{ChannelInfo, Topic, Typed, Versioned};
use ratatosk_objects::{IdHash, Microdata, PersonId, Reference};
use ratatosk_protocol::message::Payload;
use sha2::{Digest, Sha256};

use crate::common;

/// Our machine and somebody made up.
pub(crate) struct Fake {
    pub(crate) chum: Chum,
    pub(crate) shelf: Shelf,
    pub(crate) peer: PersonId,
    pub(crate) now: Instant,
    pub(crate) roots: Vec<Root>,
    /// What it answers, by service and first argument. What is not there it leaves unanswered.
    pub(crate) answers: HashMap<(i64, String), String>,
    /// What it was asked.
    pub(crate) asked: Vec<(i64, i64, String)>,
    pub(crate) events: Vec<Event>,
    pub(crate) closed: Option<Fault>,
    /// Everything else that it was sent.
    pub(crate) heard: Vec<Payload>,
}

impl Fake {
    pub(crate) fn new(settings: Settings) -> Self {
        let now = Instant::now();
        Self {
            chum: Chum::new(settings, now),
            shelf: common::shelf(&["a@peer.test", "b@peer.test"]),
            peer: common::person("b@peer.test").0,
            now,
            roots: Vec::new(),
            answers: HashMap::new(),
            asked: Vec::new(),
            events: Vec::new(),
            closed: None,
            heard: Vec::new(),
        }
    }

    /// One that said `synchronisation` and has version 8.
    pub(crate) fn started(settings: Settings) -> Self {
        let mut fake = Self::new(settings);
        fake.say("synchronisation");
        fake.answers.insert((1, String::new()), "8".to_owned());
        for email in ["a@peer.test", "b@peer.test"] {
            fake.serve(&common::person(email).1);
        }
        fake
    }

    pub(crate) fn say(&mut self, text: &str) {
        self.hand(Input::Message(Payload::text(text)));
    }

    pub(crate) fn say_bytes(&mut self, bytes: &[u8]) {
        self.hand(Input::Message(Payload::Binary(bytes::Bytes::copy_from_slice(bytes))));
    }

    pub(crate) fn tick(&mut self) {
        self.hand(Input::Timeout);
    }

    fn hand(&mut self, input: Input) {
        let mut library = self.shelf.seen_by(self.peer);
        self.chum.handle(input, &mut library, self.now).unwrap();
    }

    /// Shares an object with this list of what it needs; the hash is what its text has.
    pub(crate) fn serve(&mut self, object: &Microdata) -> Reference {
        let reference = match object.id_hash() {
            Some(id) => Reference::Id(id),
            None => Reference::Object(object.hash()),
        };
        self.answer_object(reference, object.as_str());
        reference
    }

    /// Answers a request for `reference` with any text.
    pub(crate) fn answer_object(&mut self, reference: Reference, text: &str) {
        let service = if matches!(reference, Reference::Id(_)) { 7 } else { 6 };
        self.answers.insert((service, hex(&reference)), serde_json::to_string(text).unwrap());
    }

    pub(crate) fn list(&mut self, root: Reference, list: &[Reference]) {
        let service = if matches!(root, Reference::Id(_)) { 5 } else { 4 };
        let list = serde_json::to_string(&children::write(list.iter())).unwrap();
        self.answers.insert((service, hex(&root)), list);
    }

    /// A topic that is in order, which comes after all others.
    pub(crate) fn good_root(&mut self) -> Root {
        let channel = ChannelInfo { id: "good".to_owned(), owner: None, head: None }.id_microdata().unwrap();
        let topic =
            Topic { name: None, id: "good".to_owned(), channel: channel.id_hash().unwrap() }.microdata().unwrap();
        let (channel, hash) = (self.serve(&channel), topic.hash());
        let topic = self.serve(&topic);
        self.list(topic, &[channel]);
        let root = Root::Unversioned { hash, one_type: "Topic".to_owned() };
        self.roots.push(root.clone());
        root
    }

    /// Lets everything happen that happens within `duration`.
    pub(crate) fn run(&mut self, duration: Duration) {
        let until = self.now + duration;
        loop {
            while self.step() {}
            match self.chum.poll_timeout() {
                Some(at) if at <= until => {
                    self.now = self.now.max(at);
                    self.hand(Input::Timeout);
                }
                _ => break,
            }
        }
        self.now = until;
    }

    fn step(&mut self) -> bool {
        let mut library = self.shelf.seen_by(self.peer);
        match self.chum.poll_output(&mut library, self.now).unwrap() {
            None => return false,
            Some(Output::Event(event)) => self.events.push(event),
            Some(Output::Close(fault)) => self.closed = Some(fault),
            Some(Output::Send(message)) => self.hear(message),
        }
        true
    }

    fn hear(&mut self, message: Payload) {
        let parsed = match &message {
            Payload::Text(text) => parse(text),
            Payload::Binary(_) => parse(""),
        };
        let Ok(Message::Request { id, service, arguments }) = parsed else {
            self.heard.push(message);
            return;
        };
        let argument = arguments.first().unwrap_or_default().to_owned();
        self.asked.push((id, service, argument.clone()));
        let roots = (service == 2).then(|| serde_json::to_string(&Root::write_list(&self.roots)).unwrap());
        if let Some(answer) = self.answers.get(&(service, argument)).cloned().or(roots) {
            let head = answer_data(id, 0);
            self.say(&format!("{}{answer}}}", &head[..head.len() - 2]));
        }
    }

    /// Everything that was refused.
    pub(crate) fn refused<'a>(&'a self) -> Vec<&'a Refusal> {
        let refused = |event: &'a Event| match event {
            Event::Refused { refusal, .. } => Some(refusal),
            _ => None,
        };
        self.events.iter().filter_map(refused).collect()
    }

    pub(crate) fn count(&self, service: i64) -> usize {
        self.asked.iter().filter(|(_, asked, _)| *asked == service).count()
    }
}

pub(crate) fn hex(reference: &Reference) -> String {
    reference.hash_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Any text as an object of a made-up type or another.
pub(crate) fn object(type_name: &str, inside: &str) -> (Reference, String) {
    let text = format!("<div itemscope itemtype=\"//refin.io/{type_name}\">{inside}</div>");
    let hash: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    (Reference::new("obj", hash).unwrap(), text)
}

pub(crate) fn link(property: &str, to: &Reference) -> String {
    format!("<a itemprop=\"{property}\" data-type=\"{}\">{}</a>", to.data_type(), hex(to))
}

/// A version node root.
pub(crate) fn node_root(node: &Reference, id: IdHash, one_type: &str) -> Root {
    let Reference::Object(node) = *node else { panic!("a node is an object") };
    Root::VersionNode { node, id, one_type: one_type.to_owned() }
}
