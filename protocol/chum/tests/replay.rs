//! Our machine in the place of either of two real peers whose conversation was recorded.
//!
//! `recorded/*.txt` holds the CHUM part of two connections between two peers of the reference, decrypted, one message a line: when, who,
//! what. Two persons write to each other in their 1:1 channel; in the second one they are connected anew.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::convert::Infallible;
use std::time::{Duration, Instant};

use bytes::Bytes;
use common::{person, shelf};
use ratatosk_chum::memory::{MemoryLibrary, Shelf};
use ratatosk_chum::message::{Answer, Message, answer_data, parse};
use ratatosk_chum::{Chum, Event, Imported, Input, Item, Library, Output, Root, Settings};
use ratatosk_objects::typed::{ChannelInfo, Typed, VersionNode};
use ratatosk_objects::{
    BlobHash, IdHash, Limits, Microdata, ObjectHash, Objects, ObjectsMut, PersonId, Recipes, Reference, Versions,
};
use ratatosk_protocol::message::Payload;

const FIRST: &str = include_str!("recorded/first.txt");
const SECOND: &str = include_str!("recorded/second.txt");

/// One side's requests, in order, with the answers of the other.
#[derive(Debug)]
struct Asked {
    service: i64,
    argument: Option<String>,
    text: String,
    answer: String,
}

/// What `who` asked.
fn asked(recording: &str, who: &str) -> Vec<Asked> {
    let mut asked: BTreeMap<i64, Asked> = BTreeMap::new();
    for line in recording.lines() {
        let (speaker, text) = line.split_once(' ').unwrap().1.split_once(' ').unwrap();
        match parse(text) {
            Ok(Message::Request { id, service, arguments }) if speaker == who => {
                let (argument, text) = (arguments.first().map(str::to_owned), text.to_owned());
                asked.insert(id, Asked { service, argument, text, answer: String::new() });
            }
            Ok(Message::Data { id, .. } | Message::Error { id, .. }) if speaker != who => {
                asked.get_mut(&id).unwrap().answer = text.to_owned();
            }
            _ => {}
        }
    }
    asked.into_values().filter(|asked| !asked.answer.is_empty()).collect()
}

fn data(answer: &str) -> Option<String> {
    match parse(answer) {
        Ok(Message::Data { data: Answer::Text(text), .. }) => Some(text),
        _ => None,
    }
}

/// Every object that either side was given in either connection.
fn objects() -> BTreeMap<ObjectHash, Microdata> {
    let conversations = [(FIRST, "a"), (FIRST, "b"), (SECOND, "a"), (SECOND, "b")];
    let all = conversations.iter().flat_map(|(recording, who)| asked(recording, who));
    all.filter(|asked| asked.service == 6)
        .map(|asked| Microdata::check(&data(&asked.answer).unwrap(), &Limits::DEFAULT).unwrap())
        .map(|microdata| (microdata.hash(), microdata))
        .collect()
}

/// A shelf with what both had before: the persons, and the channel without messages.
fn before() -> Shelf {
    let mut shelf = shelf(&["a@peer.test", "b@peer.test"]);
    let channel = objects().into_values().find(|object| object.type_name() == "ChannelInfo").unwrap();
    let recipes = Recipes::standard();
    let id_object = recipes.write_id(&recipes.read(&channel).unwrap()).unwrap();
    shelf.put_id(&id_object).unwrap();
    let empty = ChannelInfo { head: None, ..ChannelInfo::read(&channel).unwrap() };
    shelf.put(&empty.microdata().unwrap()).unwrap();
    shelf.wanted = BTreeSet::from(["ChannelInfo".to_owned()]);
    shelf
}

fn channel() -> IdHash {
    "bd1656b9f7a827a0bd24fe24ea99104a1905a20f49aa1333a92cbd835a7c8fa2".parse().unwrap()
}

/// The answer to a request that no real peer made: for something that is stored, and that the other side names without our having shown
/// it. It can answer, since it has it.
fn shown(service: i64, argument: &str) -> Option<String> {
    let persons = ["a@peer.test", "b@peer.test"].map(|email| person(email).1);
    let microdata = match service {
        6 => {
            let hash = argument.parse().ok()?;
            objects().remove(&hash).or_else(|| before().object(&hash).unwrap())
        }
        7 => persons.into_iter().find(|person| person.hash().to_string() == argument),
        _ => None,
    };
    Some(answer_data(0, microdata?.as_str()))
}

/// Lets our importer, in the place of `who`, work through what the other side answered. Returns what it asked for.
fn import(shelf: &mut Shelf, recording: &str, who: &str) -> Vec<String> {
    let other: PersonId = person(if who == "a" { "b@peer.test" } else { "a@peer.test" }).0;
    let mut library = shelf.seen_by(other);
    let mut answers: HashMap<(i64, Option<String>), Vec<String>> = HashMap::new();
    for asked in asked(recording, who) {
        answers.entry((asked.service, asked.argument)).or_default().push(asked.answer);
    }
    let mut now = Instant::now();
    let mut chum = Chum::new(Settings::default(), now);
    chum.handle(Input::Message(Payload::text("synchronisation")), &mut library, now).unwrap();
    let mut requests = Vec::new();
    let lists = answers.get(&(2, None)).unwrap().len();
    for _ in 0..10_000 {
        let Some(output) = chum.poll_output(&mut library, now).unwrap() else {
            if requests.iter().filter(|(service, _)| *service == 2).count() >= lists && chum.owed() == 0 {
                break;
            }
            now = now.max(chum.poll_timeout().unwrap());
            chum.handle(Input::Timeout, &mut library, now).unwrap();
            continue;
        };
        let Output::Send(Payload::Text(text)) = output else {
            assert!(
                matches!(output, Output::Event(Event::Started | Event::Imported { .. } | Event::Synchronised { .. })),
                "{output:?}"
            );
            continue;
        };
        let Ok(Message::Request { id, service, arguments }) = parse(&text) else { continue };
        let argument = arguments.first().map(str::to_owned);
        requests.push((service, argument.clone()));
        let answer = match answers.get_mut(&(service, argument.clone())) {
            Some(recorded) if recorded.len() > 1 => recorded.remove(0),
            Some(recorded) => recorded[0].clone(),
            None => shown(service, &argument.unwrap()).unwrap_or_else(|| panic!("nobody asked {text}")),
        };
        // The peer waits for nothing but the number.
        let renumbered = answer.replacen(&answer[..answer.find(',').unwrap()], &format!("{{\"responseId\":{id}"), 1);
        chum.handle(Input::Message(Payload::Text(renumbered)), &mut library, now).unwrap();
    }
    requests.into_iter().filter(|(service, _)| *service == 6).filter_map(|(_, argument)| argument).collect()
}

#[test]
fn our_importer_stores_what_theirs_stored() {
    for who in ["a", "b"] {
        let mut shelf = before();
        // What this side had said itself, as the other side was given it.
        let other = if who == "a" { "b" } else { "a" };
        let own: Vec<_> = [FIRST, SECOND].iter().flat_map(|recording| asked(recording, other)).collect();
        for asked in own.iter().filter(|asked| asked.service == 6) {
            shelf.put(&Microdata::check(&data(&asked.answer).unwrap(), &Limits::DEFAULT).unwrap()).unwrap();
        }
        for recording in [FIRST, SECOND] {
            let fetched: BTreeSet<_> = import(&mut shelf, recording, who).into_iter().collect();
            let theirs: BTreeSet<_> = asked(recording, who)
                .into_iter()
                .filter(|asked| asked.service == 6)
                .filter_map(|asked| asked.argument)
                .collect();
            // What we had from the other connection, they had as well. What we had said ourselves is on the shelf, but in no channel that
            // we show: of that the peer has to show that it has it.
            let empty = before().memory().objects().map(|object| object.hash().to_string()).collect::<Vec<_>>();
            let own: BTreeSet<_> = own.iter().filter_map(|asked| asked.argument.clone()).chain(empty).collect();
            assert!(fetched.iter().all(|hash| theirs.contains(hash) || own.contains(hash)), "{who}: {fetched:?}");
            for hash in theirs {
                assert!(shelf.object(&hash.parse().unwrap()).unwrap().is_some(), "{who} lacks {hash}");
            }
        }
    }
}

#[test]
fn both_sides_end_with_the_channel_of_the_recorded_peers() {
    // The data of the deepest node that they told each other of in the end.
    let objects = objects();
    let node = |hash: &ObjectHash| VersionNode::read(objects.get(hash)?).ok();
    let last = |who| {
        let lists: Vec<_> = asked(SECOND, who).into_iter().filter(|asked| asked.service == 2).collect();
        let roots = Root::read_list(&data(&lists.last().unwrap().answer).unwrap(), 1000).unwrap();
        let nodes = roots.iter().filter_map(|root| node(root.object()?));
        nodes.max_by_key(|node| (node.creation_time(), node.depth())).unwrap().data()
    };
    let mut shelf = before();
    for object in objects.values().filter(|object| !VersionNode::is_node_type(object.type_name())) {
        shelf.put(object).unwrap();
    }
    for recording in [FIRST, SECOND] {
        for who in ["a", "b"] {
            import(&mut shelf, recording, who);
        }
    }
    let current = common::channel_info(&shelf, &channel()).unwrap();
    assert!(shelf.current(&channel()).unwrap().is_some());
    assert!([last("a"), last("b")].contains(&current), "{current}: {} or {}", last("a"), last("b"));
}

/// The objects of the recording under the roots of the recording.
struct Recorded<'a> {
    inner: MemoryLibrary<'a>,
    roots: Vec<Root>,
    generation: u64,
}

impl Library for Recorded<'_> {
    type Error = Infallible;

    fn generation(&self) -> Result<u64, Infallible> {
        Ok(self.generation)
    }
    fn roots(&self) -> Result<Vec<Root>, Infallible> {
        Ok(self.roots.clone())
    }
    fn object(&self, hash: &ObjectHash) -> Result<Option<Microdata>, Infallible> {
        self.inner.object(hash)
    }
    fn id_object(&self, id: &IdHash) -> Result<Option<Microdata>, Infallible> {
        self.inner.id_object(id)
    }
    fn blob(&self, hash: &BlobHash, offset: u64, max: usize) -> Result<Option<Bytes>, Infallible> {
        self.inner.blob(hash, offset, max)
    }
    // Whole lists, as the reference gives them.
    fn known(&self, _: &IdHash) -> Result<Option<ObjectHash>, Infallible> {
        Ok(None)
    }
    fn set_known(&mut self, _: &IdHash, _: Option<ObjectHash>) -> Result<(), Infallible> {
        Ok(())
    }
    fn wants(&self, _: &Root) -> Result<bool, Infallible> {
        Ok(false)
    }
    fn contains(&self, reference: &Reference) -> Result<bool, Infallible> {
        self.inner.contains(reference)
    }
    fn commit(&mut self, items: &[Item]) -> Result<(), Infallible> {
        self.inner.commit(items)
    }
    fn import(&mut self, items: &[Item], root: &Root) -> Result<Imported, Infallible> {
        self.inner.import(items, root)
    }
    fn write_blob(&mut self, hash: &BlobHash, offset: u64, part: &[u8]) -> Result<(), Infallible> {
        self.inner.write_blob(hash, offset, part)
    }
    fn finish_blob(&mut self, hash: &BlobHash) -> Result<(), Infallible> {
        self.inner.finish_blob(hash)
    }
    fn discard_blob(&mut self, hash: &BlobHash) -> Result<(), Infallible> {
        self.inner.discard_blob(hash)
    }
}

#[test]
fn our_exporter_answers_as_theirs() {
    let mut shelf = before();
    for object in objects().values() {
        shelf.put(object).unwrap();
    }
    let mut same = 0;
    for (recording, who) in [(FIRST, "a"), (FIRST, "b"), (SECOND, "a"), (SECOND, "b")] {
        let mut library =
            Recorded { inner: shelf.seen_by(person(&format!("{who}@peer.test")).0), roots: Vec::new(), generation: 0 };
        let now = Instant::now();
        let mut chum = Chum::new(Settings { settle: Duration::from_secs(900), ..Settings::default() }, now);
        chum.poll_output(&mut library, now).unwrap();
        chum.handle(Input::Message(Payload::text("synchronisation")), &mut library, now).unwrap();
        for asked in asked(recording, who) {
            if asked.answer.contains("UNKNOWN-SERVICE") {
                // Ours is there from the first moment on.
                continue;
            }
            if asked.service == 2 {
                library.roots = Root::read_list(&data(&asked.answer).unwrap(), 1000).unwrap();
                library.generation += 1;
            }
            chum.handle(Input::Message(Payload::Text(asked.text.clone())), &mut library, now).unwrap();
            let answer = loop {
                match chum.poll_output(&mut library, now).unwrap() {
                    Some(Output::Send(Payload::Text(answer))) => break answer,
                    Some(Output::Event(_)) | None => {}
                    Some(output) => panic!("{output:?}"),
                }
            };
            assert_eq!(answer, asked.answer);
            same += 1;
        }
    }
    assert_eq!(same, 63);
}
