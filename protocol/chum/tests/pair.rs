//! Two of our machines with each other.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::time::Duration;

use common::{World, channel_info, head, texts};
use ratatosk_chum::{Event, Input, Output, Root};
use ratatosk_protocol::message::Payload;

#[test]
fn messages_both_ways() {
    let mut world = World::new(&["a@peer.test", "b@peer.test"]);
    let channel = world.channel("chat");
    for n in 0..20 {
        world.post(0, "chat", &format!("a {n}"));
        world.post(1, "chat", &format!("b {n}"));
    }
    world.connect(0, 1);
    world.run(Duration::from_secs(3));
    assert_eq!(world.links[0].closed, [None, None]);
    assert_eq!(texts(&world.shelves[0], &channel).len(), 40);
    assert_eq!(channel_info(&world.shelves[0], &channel), channel_info(&world.shelves[1], &channel));
    for end in 0..2 {
        let events = &world.links[0].events[end];
        assert!(events.contains(&Event::Started), "{events:?}");
        assert!(events.iter().any(|event| matches!(event, Event::Synchronised { first: true, .. })), "{events:?}");
        assert!(!events.iter().any(|event| matches!(event, Event::Refused { .. })), "{events:?}");
    }
}

#[test]
fn a_new_message_does_not_wait_for_the_next_poll() {
    let mut world = World::new(&["a@peer.test", "b@peer.test"]);
    let channel = world.channel("chat");
    world.connect(0, 1);
    world.run(Duration::from_secs(1));
    world.post(0, "chat", "now");
    world.run(Duration::from_millis(200));
    assert_eq!(texts(&world.shelves[1], &channel), ["now"]);
    let delivered = |event: &Event| matches!(event, Event::Delivered { id, .. } if *id == channel);
    assert!(world.links[0].events[0].iter().any(delivered), "{:?}", world.links[0].events[0]);
}

#[test]
fn peers_that_know_the_same_come_to_rest() {
    let mut world = World::new(&["a@peer.test", "b@peer.test"]);
    let channel = world.channel("chat");
    world.post(0, "chat", "one");
    world.post(1, "chat", "two");
    world.connect(0, 1);
    world.run(Duration::from_secs(2));
    let before = (head(&world.shelves[0], &channel), world.links[0].sent);
    world.run(Duration::from_secs(50));
    assert_eq!(head(&world.shelves[0], &channel), before.0);
    // Ten polls with their answers, and nothing else.
    let sent = |end: usize| world.links[0].sent[end].0 - before.1[end].0;
    assert_eq!((sent(0), sent(1)), (20, 20));
}

#[test]
fn nothing_is_asked_in_the_instant_of_synchronisation() {
    let mut world = World::new(&["a@peer.test", "b@peer.test"]);
    world.connect(0, 1);
    world.settle(100);
    assert_eq!(world.links[0].sent, [(1, 15), (1, 15)]);
    world.run(Duration::from_millis(299));
    assert_eq!(world.links[0].sent, [(1, 15), (1, 15)]);
    world.run(Duration::from_millis(1));
    assert!(world.links[0].sent[0].0 > 1);
}

#[test]
fn what_is_not_shared_is_not_seen_and_not_served() {
    let mut world = World::new(&["a@peer.test", "b@peer.test", "c@peer.test"]);
    let (a, b) = (world.persons[0], world.persons[1]);
    let channel = common::open_channel(&mut world.shelves[0], a, &[b], "private");
    world.post(0, "private", "for b only");
    world.connect(0, 1);
    world.connect(0, 2);
    world.run(Duration::from_secs(2));
    assert_eq!(texts(&world.shelves[1], &channel), ["for b only"]);
    assert_eq!(head(&world.shelves[2], &channel), None);
    assert_eq!(world.shelves[2].memory().len(), 0);
    let hash = head(&world.shelves[0], &channel).unwrap();
    for (service, code) in [(4, "CES-GOC1"), (5, "CES-GIDOC1"), (6, "CES-GO1"), (7, "CES-GIDO1"), (8, "CES-GBL1")] {
        let request = format!(r#"{{"requestId":900,"type":"request","serviceId":{service},"args":["{hash}"]}}"#);
        world.hand(1, 0, Input::Message(Payload::Text(request)));
        let mut library = world.shelves[0].seen_by(world.persons[2]);
        let output = world.links[1].chums[0].poll_output(&mut library, world.now).unwrap();
        let Some(Output::Send(Payload::Text(text))) = output else { panic!("{output:?}") };
        assert!(text.contains(code) && text.contains("Unauthorized"), "{text}");
    }
}

#[test]
fn attachments_of_every_size() {
    let mut world = World::new(&["a@peer.test", "b@peer.test"]);
    let channel = world.channel("chat");
    let sizes = [0, 1, 65_527, 65_528, 65_529, 300_000];
    let mut descriptors = Vec::new();
    let mut hashes = Vec::new();
    for size in sizes {
        let bytes: Vec<u8> = (0..size).map(|n| u8::try_from(n % 251).unwrap()).collect();
        let data = world.shelves[0].put_blob(bytes);
        hashes.push(data);
        let (name, size) = ("x.bin".to_owned(), f64::from(size));
        let descriptor = descriptor(data, name, size);
        descriptors.push(ratatosk_objects::ObjectsMut::put(&mut world.shelves[0], &descriptor).unwrap());
    }
    let (me, now_ms) = (world.persons[0], world.now_ms());
    common::post_with(&mut world.shelves[0], me, "chat", "see", Some(descriptors), now_ms);
    world.connect(0, 1);
    world.run(Duration::from_secs(2));
    assert_eq!(texts(&world.shelves[1], &channel), ["see"]);
    for (hash, size) in hashes.iter().zip(sizes) {
        assert_eq!(world.shelves[1].blob(hash).map(bytes::Bytes::len), Some(usize::try_from(size).unwrap()));
    }
    assert_eq!(world.shelves[1].unfinished(), 0);
}

fn descriptor(data: ratatosk_objects::BlobHash, name: String, size: f64) -> ratatosk_objects::Microdata {
    use ratatosk_objects::{Object, Recipes, Reference, Value};
    let object = Object::new("BlobDescriptor")
        .with("data", Value::Reference(Reference::Blob(data)))
        .with("lastModified", Value::Number(0.0))
        .with("name", Value::String(name))
        .with("size", Value::Number(size))
        .with("type", Value::String("application/octet-stream".to_owned()));
    Recipes::standard().write(&object).unwrap()
}

#[test]
fn roots_come_with_what_was_taken() {
    let mut world = World::new(&["a@peer.test", "b@peer.test"]);
    let (a, b) = (world.persons[0], world.persons[1]);
    let channel = common::open_channel(&mut world.shelves[0], a, &[b], "new");
    world.post(0, "new", "hello");
    world.connect(0, 1);
    world.run(Duration::from_secs(2));
    let taken: Vec<_> = world.shelves[1].taken.iter().map(Root::one_type).collect();
    assert_eq!(taken, ["Topic", "ChannelInfo"]);
    assert_eq!(texts(&world.shelves[1], &channel), ["hello"]);
}
