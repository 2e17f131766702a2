//! BLOBs that do not come as they should. What refers to them is stored all the same.

use std::time::Duration;

use ratatosk_chum::{Event, Fault, Root, Settings};
use ratatosk_objects::{BlobHash, Objects, Reference};

use crate::common::blob_hash;
use crate::fake::{Fake, link, object};

/// A peer that shares something with one BLOB, and waits to be asked for that.
fn fake(bytes: &[u8], settings: Settings) -> (Fake, Root, i64, BlobHash) {
    let mut fake = Fake::started(settings);
    fake.shelf.wanted.insert("Odd".to_owned());
    let blob = blob_hash(bytes);
    let (root, text) = object("Odd", &link("data", &Reference::Blob(blob)));
    fake.answer_object(root, &text);
    fake.list(root, &[Reference::Blob(blob)]);
    let Reference::Object(hash) = root else { panic!() };
    let root = Root::Unversioned { hash, one_type: "Odd".to_owned() };
    fake.roots.push(root.clone());
    fake.run(Duration::from_secs(1));
    let id = request(&mut fake);
    (fake, root, id, blob)
}

/// The number of the last request for a BLOB.
fn request(fake: &mut Fake) -> i64 {
    fake.asked.iter().rfind(|(_, service, _)| *service == 8).unwrap().0
}

fn frame(id: i64, data: &[u8]) -> Vec<u8> {
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let id = id as f64;
    [&id.to_le_bytes(), data].concat()
}

fn end(fake: &mut Fake, id: i64) {
    fake.say(&format!(r#"{{"responseId":{id},"type":"stream-end"}}"#));
    fake.run(Duration::from_secs(1));
}

fn taken_without(fake: &Fake, root: &Root, blob: BlobHash) {
    assert_eq!(fake.closed, None);
    assert!(fake.shelf.taken.contains(root), "{:?}", fake.events);
    assert!(fake.events.contains(&Event::BlobMissing(blob)), "{:?}", fake.events);
    assert!(!fake.shelf.contains(&Reference::Blob(blob)).unwrap());
    assert_eq!(fake.shelf.unfinished(), 0);
}

#[test]
fn a_blob_as_it_should_come() {
    let (mut fake, root, id, blob) = fake(b"some bytes", Settings::default());
    fake.say_bytes(&frame(id, b"some"));
    fake.say_bytes(&frame(id, b" bytes"));
    end(&mut fake, id);
    assert!(fake.shelf.taken.contains(&root));
    assert_eq!(fake.shelf.blob(&blob).unwrap(), "some bytes");
}

#[test]
fn a_reference_on_node_sends_empty_messages_and_gets_asked_for_text() {
    let text = "Zeilen \u{1f600}\n".repeat(3);
    let (mut fake, root, id, blob) = fake(text.as_bytes(), Settings::default());
    fake.say_bytes(b"");
    end(&mut fake, id);
    let second = request(&mut fake);
    assert_ne!(id, second);
    fake.say(&format!(
        r#"{{"responseId":{second},"type":"stream","chunk":{},"encoding":"utf8"}}"#,
        serde_json::to_string(&text).unwrap()
    ));
    end(&mut fake, second);
    assert!(fake.shelf.taken.contains(&root));
    assert_eq!(fake.shelf.blob(&blob).unwrap(), text.as_bytes());
}

#[test]
fn what_is_no_text_does_not_come_from_a_reference_on_node() {
    let (mut fake, root, id, blob) = fake(b"\xff\xfe", Settings::default());
    fake.say_bytes(b"");
    end(&mut fake, id);
    let second = request(&mut fake);
    fake.say(&format!(r#"{{"responseId":{second},"type":"stream","chunk":"\ufffd\ufffd","encoding":"utf8"}}"#));
    end(&mut fake, second);
    taken_without(&fake, &root, blob);
}

#[test]
fn other_bytes_than_the_hash_says() {
    let (mut fake, root, id, blob) = fake(b"some bytes", Settings::default());
    fake.say_bytes(&frame(id, b"other bytes"));
    end(&mut fake, id);
    taken_without(&fake, &root, blob);
}

#[test]
fn a_stream_that_breaks_off() {
    let (mut fake, root, id, blob) = fake(b"some bytes", Settings::default());
    fake.say_bytes(&frame(id, b"some"));
    fake.say(&format!(r#"{{"responseId":{id},"type":"stream-error","error":"Error while reading the file stream"}}"#));
    fake.run(Duration::from_secs(1));
    taken_without(&fake, &root, blob);
}

#[test]
fn a_blob_that_is_refused() {
    let (mut fake, root, id, blob) = fake(b"some bytes", Settings::default());
    fake.say(&format!(r#"{{"responseId":{id},"type":"error","error":{{"name":"E","message":"","code":"CES-GBL1"}}}}"#));
    fake.run(Duration::from_secs(1));
    taken_without(&fake, &root, blob);
}

#[test]
fn a_stream_that_is_larger_than_allowed_is_stopped() {
    let (mut fake, root, id, blob) = fake(&[7; 100], Settings { max_blob: 99, ..Settings::default() });
    fake.say_bytes(&frame(id, &[7; 99]));
    fake.say_bytes(&frame(id, &[7; 1]));
    fake.run(Duration::from_secs(1));
    let stop = format!(r#"{{"requestId":{id},"type":"write-stream-error"}}"#);
    assert!(fake.heard.iter().any(|heard| *heard == ratatosk_protocol::message::Payload::Text(stop.clone())));
    // It takes a moment until the peer hears that.
    fake.say_bytes(&frame(id, &[7; 1]));
    end(&mut fake, id);
    taken_without(&fake, &root, blob);
}

#[test]
fn a_stream_that_does_not_end() {
    let (mut fake, root, id, _) = fake(b"some bytes", Settings::default());
    for _ in 0..25 {
        fake.say_bytes(&frame(id, b"x"));
        fake.run(Duration::from_secs(25));
    }
    assert_eq!(fake.closed, Some(Fault::Silence));
    assert!(!fake.shelf.taken.contains(&root));
}

#[test]
fn a_stream_that_stands_still() {
    let (mut fake, _, id, _) = fake(b"some bytes", Settings::default());
    fake.say_bytes(&frame(id, b"some"));
    fake.run(Duration::from_secs(29));
    assert_eq!(fake.closed, None);
    fake.run(Duration::from_secs(2));
    assert_eq!(fake.closed, Some(Fault::Silence));
}

#[test]
fn text_in_place_of_bytes() {
    let (mut fake, root, id, blob) = fake(b"some bytes", Settings::default());
    fake.say(&format!(r#"{{"responseId":{id},"type":"stream","chunk":"some bytes","encoding":"utf8"}}"#));
    end(&mut fake, id);
    taken_without(&fake, &root, blob);
}

#[test]
fn frames_for_nobody() {
    let (mut fake, ..) = fake(b"some bytes", Settings::default());
    for frame in [frame(9_999, b"x"), b"short".to_vec(), f64::NAN.to_le_bytes().to_vec()] {
        for _ in 0..33 {
            fake.say_bytes(&frame);
        }
    }
    fake.run(Duration::ZERO);
    assert_eq!(fake.closed, None);
    fake.say_bytes(b"one");
    fake.say_bytes(b"more");
    fake.run(Duration::ZERO);
    assert_eq!(fake.closed, Some(Fault::Odd));
}

/// Two downloads of the same bytes would write into each other.
#[test]
fn what_is_named_as_a_blob_and_as_a_clob_comes_once() {
    let mut fake = Fake::started(Settings::default());
    fake.shelf.wanted.insert("Odd".to_owned());
    let blob = blob_hash(b"bytes");
    let both = [Reference::Blob(blob), Reference::Clob(ratatosk_objects::ClobHash::from_bytes(*blob.as_bytes()))];
    let (root, text) = object("Odd", &(link("x", &both[0]) + &link("y", &both[1])));
    fake.answer_object(root, &text);
    fake.list(root, &both);
    let Reference::Object(hash) = root else { panic!() };
    fake.roots.push(Root::Unversioned { hash, one_type: "Odd".to_owned() });
    fake.run(Duration::from_secs(1));
    assert_eq!(fake.count(8), 1);
    let id = request(&mut fake);
    // It was listed as a text first.
    fake.say(&format!(r#"{{"responseId":{id},"type":"stream","chunk":"bytes","encoding":"utf8"}}"#));
    end(&mut fake, id);
    assert_eq!(fake.shelf.taken, fake.roots, "{:?}", fake.events);
    assert_eq!(fake.shelf.blob(&blob).unwrap(), "bytes");
}
