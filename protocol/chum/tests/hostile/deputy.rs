//! Peers that name what we have and they have not, so that it becomes a part of what they may see.

use std::time::Duration;

use ratatosk_chum::{Refusal, Settings};
use ratatosk_objects::typed::{
    ChannelInfo, ChatMessage, CreationTime, LinkedListEntry, Typed, VersionNodeEdge, Versioned,
};
use ratatosk_objects::{BlobHash, Limits, Microdata, ObjectHash, ObjectsMut, Reference};
use ratatosk_protocol::message::Payload;

use crate::common::{START_MS, channel_info, open_channel, person, post};
use crate::fake::{Fake, hex, link, node_root, object};

const LONG: Duration = Duration::from_secs(2);

/// A peer with whom we have a channel, and something that is none of its business.
struct Deputy {
    fake: Fake,
    secret: Microdata,
    before: Option<ObjectHash>,
}

impl Deputy {
    fn new() -> Self {
        let mut fake = Fake::started(Settings::default());
        let (me, peer) = (person("a@peer.test").0, fake.peer);
        open_channel(&mut fake.shelf, me, &[peer], "real");
        for n in 0..100 {
            post(&mut fake.shelf, me, "real", &format!("{n}"), START_MS + n);
        }
        let text = "for somebody else".to_owned();
        let secret = ChatMessage { text, attachments: None, sender: me, thumbnails: None }.microdata().unwrap();
        fake.shelf.put(&secret).unwrap();
        let before = channel_info(&fake.shelf, &Self::channel());
        Self { fake, secret, before }
    }

    fn channel() -> ratatosk_objects::IdHash {
        ChannelInfo { id: "real".to_owned(), owner: None, head: None }.id_hash().unwrap()
    }

    /// Gives a channel in which `data` is posted, with a list that has `below` at its end.
    fn gives(&mut self, data: ObjectHash, below: &[Reference]) {
        let time = CreationTime { timestamp: START_MS + 1_000, data }.microdata().unwrap();
        let entry = LinkedListEntry { data: time.hash(), metadata: None, previous: None }.microdata().unwrap();
        let channel = ChannelInfo { id: "real".to_owned(), owner: None, head: Some(entry.hash()) }.microdata().unwrap();
        let node =
            VersionNodeEdge { data: channel.hash(), depth: 0, creation_time: START_MS + 1_000 }.microdata().unwrap();
        let own = [&channel, &entry, &time].map(|object| self.fake.serve(object));
        let node = self.fake.serve(&node);
        let list: Vec<_> = own.into_iter().chain(below.iter().copied()).collect();
        self.fake.list(node, &list);
        self.fake.roots = vec![node_root(&node, Self::channel(), "ChannelInfo")];
        self.fake.run(LONG);
    }

    fn ask(&mut self, service: i64, argument: &str) -> String {
        let argument = if argument.is_empty() { String::new() } else { format!("\"{argument}\"") };
        self.fake.heard.clear();
        self.fake.say(&format!(r#"{{"requestId":900,"type":"request","serviceId":{service},"args":[{argument}]}}"#));
        self.fake.run(Duration::ZERO);
        let heard = self.fake.heard.iter().map(|heard| match heard {
            Payload::Text(text) => text.replace('\\', ""),
            Payload::Binary(_) => "bytes".to_owned(),
        });
        heard.collect()
    }

    /// Asks for everything that the peer may see, and then for this.
    fn is_given(&mut self, hash: &str) -> bool {
        let roots = self.ask(2, "");
        let (_, node) = roots.rsplit_once(r#""node":""#).unwrap();
        // The second time the list is whole.
        for _ in 0..2 {
            assert!(self.ask(4, &node[..64]).contains(r#""type":"object""#));
        }
        [6, 7, 8].iter().any(|service| !self.ask(*service, hash).contains("Unauthorized"))
    }

    fn is_unchanged(&self) -> bool {
        channel_info(&self.fake.shelf, &Self::channel()) == self.before
    }
}

#[test]
fn naming_a_message_does_not_give_it() {
    let secret = Reference::Object(Deputy::new().secret.hash());
    for list in [vec![], vec![secret]] {
        let mut deputy = Deputy::new();
        deputy.fake.answer_object(secret, "it does not have it");
        deputy.gives(deputy.secret.hash(), &list);
        let refused = deputy.fake.refused();
        assert!(matches!(refused[..], [Refusal::Unproven { .. } | Refusal::Hash(_)]), "{:?}", deputy.fake.events);
        assert!(deputy.is_unchanged());
        assert!(!deputy.is_given(&hex(&secret)));
    }
}

#[test]
fn naming_something_above_it_does_not_give_it_either() {
    // The peer knows what refers to the secret, and shows that it does.
    let mut deputy = Deputy::new();
    let secret = Reference::Object(deputy.secret.hash());
    let (above, text) = object("Odd", &link("data", &secret));
    let microdata = Microdata::check(&text, &Limits::DEFAULT).unwrap();
    deputy.fake.shelf.put(&microdata).unwrap();
    deputy.fake.answer_object(above, &text);
    deputy.gives(microdata.hash(), &[above]);
    assert!(matches!(deputy.fake.refused()[..], [Refusal::Unproven { .. }]), "{:?}", deputy.fake.events);
    assert!(deputy.is_unchanged());
    assert!(!deputy.is_given(&hex(&secret)));
}

#[test]
fn naming_it_as_a_version_that_it_has_does_not_help() {
    let mut deputy = Deputy::new();
    let secret = deputy.secret.hash();
    deputy.fake.roots = vec![node_root(&Reference::Object(secret), Deputy::channel(), "ChannelInfo")];
    deputy.fake.run(LONG);
    deputy.fake.run(Duration::from_secs(6));
    deputy.gives(secret, &[]);
    deputy.fake.run(Duration::from_secs(6));
    assert!(!deputy.fake.refused().is_empty(), "{:?}", deputy.fake.events);
    assert!(deputy.is_unchanged());
    assert!(!deputy.is_given(&hex(&Reference::Object(secret))));
}

#[test]
fn what_it_has_as_well_is_taken_when_it_shows_it() {
    let mut deputy = Deputy::new();
    let secret = deputy.fake.serve(&deputy.secret.clone());
    let author = deputy.fake.serve(&person("a@peer.test").1);
    deputy.gives(deputy.secret.hash(), &[secret, author]);
    assert_eq!(deputy.fake.refused(), Vec::<&Refusal>::new());
    assert!(!deputy.is_unchanged());
    assert!(deputy.is_given(&hex(&secret)));
}

#[test]
fn what_stands_in_the_same_channel_need_not_be_shown() {
    let mut deputy = Deputy::new();
    let me = person("a@peer.test").0;
    let old = ChatMessage { text: "3".to_owned(), attachments: None, sender: me, thumbnails: None };
    let old = old.microdata().unwrap().hash();
    deputy.gives(old, &[Reference::Object(old)]);
    assert_eq!(deputy.fake.refused(), Vec::<&Refusal>::new());
    assert!(!deputy.is_unchanged());
    assert!(deputy.fake.asked.iter().all(|(_, _, asked)| *asked != old.to_string()), "{:?}", deputy.fake.asked);
}

/// Posts something with a BLOB that the peer cannot send.
fn with_blob(deputy: &mut Deputy, blob: Reference) {
    let (file, text) = object("Odd", &link("data", &blob));
    deputy.fake.answer_object(file, &text);
    let Reference::Object(hash) = file else { panic!() };
    deputy.gives(hash, &[file, blob]);
    let asked: Vec<_> = deputy.fake.asked.iter().filter(|(_, service, _)| *service == 8).map(|(id, ..)| *id).collect();
    for id in asked {
        deputy.fake.say(&format!(r#"{{"responseId":{id},"type":"stream-error","error":"none"}}"#));
    }
    deputy.fake.run(LONG);
}

#[test]
fn an_object_is_not_given_as_a_blob() {
    for kind in ["blob", "clob"] {
        let mut deputy = Deputy::new();
        let blob = Reference::new(kind, *deputy.secret.hash().as_bytes()).unwrap();
        with_blob(&mut deputy, blob);
        assert!(!deputy.is_unchanged(), "it is a file that does not come: {:?}", deputy.fake.events);
        deputy.is_given(&hex(&blob));
        for service in [4, 5, 6, 7] {
            let answer = deputy.ask(service, &hex(&blob));
            assert!(answer.contains("Unauthorized"), "{kind} {service}: {answer}");
        }
    }
}

#[test]
fn a_file_of_somebody_else_is_not_given() {
    let mut deputy = Deputy::new();
    let blob: BlobHash = deputy.fake.shelf.put_blob(b"for somebody else".to_vec());
    with_blob(&mut deputy, Reference::Blob(blob));
    assert!(matches!(deputy.fake.refused()[..], [Refusal::Unproven { .. }]), "{:?}", deputy.fake.events);
    assert!(deputy.is_unchanged());
    assert!(!deputy.is_given(&hex(&Reference::Blob(blob))));
}
