//! Peers that ask for too much.

use std::time::Duration;

use ratatosk_chum::memory::Shared;
use ratatosk_chum::{Fault, Settings};
use ratatosk_objects::{BlobHash, ObjectsMut, Reference};
use ratatosk_protocol::message::Payload;

use crate::common::{START_MS, head, open_channel, person, post};
use crate::fake::{Fake, hex, link, object};

fn ask(fake: &mut Fake, id: i64, service: i64, argument: &str) -> Vec<String> {
    let argument = if argument.is_empty() { String::new() } else { format!("\"{argument}\"") };
    fake.say(&format!(r#"{{"requestId":{id},"type":"request","serviceId":{service},"args":[{argument}]}}"#));
    fake.run(Duration::ZERO);
    fake.heard.drain(..).filter_map(|heard| if let Payload::Text(text) = heard { Some(text) } else { None }).collect()
}

/// A peer that may see a channel with three messages.
fn channel() -> Fake {
    let mut fake = Fake::started(Settings::default());
    let me = person("a@peer.test").0;
    let peer = fake.peer;
    open_channel(&mut fake.shelf, me, &[peer], "chat");
    for n in 0..3 {
        post(&mut fake.shelf, me, "chat", &format!("{n}"), START_MS + n);
    }
    fake.run(Duration::from_secs(1));
    fake.heard.clear();
    fake
}

#[test]
fn more_requests_than_anybody_needs() {
    let mut fake = channel();
    for id in 0..256 {
        fake.say(&format!(r#"{{"requestId":{id},"type":"request","serviceId":1,"args":[]}}"#));
    }
    fake.run(Duration::ZERO);
    assert_eq!((fake.heard.len(), fake.closed.clone()), (256, None));
    for id in 0..257 {
        fake.say(&format!(r#"{{"requestId":{id},"type":"request","serviceId":1,"args":[]}}"#));
    }
    fake.run(Duration::ZERO);
    assert_eq!(fake.closed, Some(Fault::TooManyRequests));
}

#[test]
fn services_that_are_not_there() {
    let mut fake = channel();
    for service in [0, 9, 11, -1, 1_000_000] {
        let answer = ask(&mut fake, 5, service, "");
        let expected = format!(
            r#"{{"responseId":5,"type":"error","error":{{"name":"TypeError","message":"Not a function: Servcie ID {service} [number]","code":"UNKNOWN-SERVICE"}}}}"#
        );
        assert_eq!(answer, [expected]);
    }
}

#[test]
fn after_fin_nothing_is_served() {
    let mut fake = channel();
    assert_eq!(ask(&mut fake, 1, 10, ""), [r#"{"responseId":1,"type":"data","data":"$__undefined$"}"#]);
    assert!(ask(&mut fake, 2, 2, "")[0].contains("UNKNOWN-SERVICE"));
    assert_eq!(ask(&mut fake, 3, 3, ""), [r#"{"responseId":3,"type":"data","data":"$__undefined$"}"#]);
}

#[test]
fn arguments_that_are_no_hashes() {
    let mut fake = channel();
    for (service, code) in
        [(4, "UTC-EHASH"), (5, "UTC-EIDHASH"), (6, "UTC-EHASH"), (7, "UTC-EIDHASH"), (8, "UTC-EHASH")]
    {
        for argument in ["", "x", &"A".repeat(64), &"a".repeat(63), &"a".repeat(100_000)] {
            let answer = ask(&mut fake, 1, service, argument);
            assert!(answer[0].contains(code) && answer[0].len() < 300, "{answer:?}");
        }
    }
}

#[test]
fn what_was_not_named_yet_is_not_served() {
    let mut fake = channel();
    let id = open_channel(&mut fake.shelf, person("a@peer.test").0, &[], "chat");
    let head = head(&fake.shelf, &id).unwrap().to_string();
    assert!(ask(&mut fake, 1, 7, &id.to_string())[0].contains("CES-GIDO1"));
    assert!(ask(&mut fake, 2, 2, "")[0].contains(&id.to_string()));
    assert!(ask(&mut fake, 3, 7, &id.to_string())[0].contains("refin.io/ChannelInfo"));
    assert!(ask(&mut fake, 4, 6, &head)[0].contains("CES-GO1"));
    // An id is no object, and an object is no BLOB.
    assert!(ask(&mut fake, 5, 6, &id.to_string())[0].contains("CES-GO1"));
    assert!(ask(&mut fake, 6, 8, &id.to_string())[0].contains("CES-GBL1"));
}

/// The list for the newest version node.
fn list(fake: &mut Fake, id: i64) -> (String, String) {
    let roots = ask(fake, id, 2, "").remove(0);
    let node = roots.rsplit_once(r#"\"node\":\""#).unwrap().1[..64].to_owned();
    let list = ask(fake, id + 1, 4, &node).remove(0);
    (node, list)
}

#[test]
fn a_peer_that_lost_something_gets_whole_lists_again() {
    let mut fake = channel();
    let (node, whole) = list(&mut fake, 10);
    assert_eq!(whole.matches("hash").count(), 1 + 3 * 3 + 1);
    assert!(ask(&mut fake, 12, 6, &node)[0].contains("VersionNodeEdge"));
    post(&mut fake.shelf, person("a@peer.test").0, "chat", "new", START_MS + 10);
    let (newer, cut) = list(&mut fake, 20);
    // The channel, the entry, what it holds, and the entry before.
    assert_eq!(cut.matches("hash").count(), 1 + 3 + 1 + 1, "{cut}");
    // The entry before is asked for only by somebody who does not have it.
    let entry_before =
        &cut.split("hash").filter(|part| part.starts_with(r#"\":\""#)).map(|part| &part[5..69]).collect::<Vec<_>>();
    for hash in entry_before {
        ask(&mut fake, 22, 6, hash);
    }
    let again = ask(&mut fake, 23, 4, &newer).remove(0);
    assert_eq!(again.matches("hash").count(), 1 + 4 * 3 + 1);
}

#[test]
fn a_list_that_is_asked_for_twice_is_whole() {
    let mut fake = channel();
    let (node, _) = list(&mut fake, 10);
    ask(&mut fake, 12, 6, &node);
    post(&mut fake.shelf, person("a@peer.test").0, "chat", "new", START_MS + 10);
    let (newer, cut) = list(&mut fake, 20);
    assert_eq!(cut.matches("hash").count(), 6);
    assert_eq!(ask(&mut fake, 23, 4, &newer)[0].matches("hash").count(), 14);
}

#[test]
fn a_list_that_is_too_long_is_not_made() {
    let settings = Settings { max_children: 5, step: 3, ..Settings::default() };
    let mut fake = Fake::started(settings);
    let me = person("a@peer.test").0;
    let peer = fake.peer;
    open_channel(&mut fake.shelf, me, &[peer], "chat");
    for n in 0..50 {
        post(&mut fake.shelf, me, "chat", &format!("{n}"), START_MS + n);
    }
    fake.run(Duration::from_secs(1));
    fake.heard.clear();
    let (_, list) = list(&mut fake, 1);
    assert!(list.contains("CES-LEN"), "{list}");
}

#[test]
fn something_is_lost_here() {
    let mut fake = channel();
    let id = open_channel(&mut fake.shelf.clone(), person("a@peer.test").0, &[], "chat");
    let head = head(&fake.shelf, &id).unwrap();
    fake.shelf.lose(&head).unwrap();
    let (_, list) = list(&mut fake, 1);
    assert!(list.contains("SB-READ2"), "{list}");
    assert_eq!(fake.closed, None);
}

/// A peer that may see an object with one BLOB.
fn with_blob(bytes: Vec<u8>) -> (Fake, BlobHash) {
    let mut fake = Fake::started(Settings::default());
    let blob = fake.shelf.put_blob(bytes);
    let (_, text) = object("Odd", &link("data", &Reference::Blob(blob)));
    let microdata = ratatosk_objects::Microdata::check(&text, &ratatosk_objects::Limits::DEFAULT).unwrap();
    let hash = fake.shelf.put(&microdata).unwrap();
    fake.shelf.share(fake.peer, Shared::Object(hash));
    fake.run(Duration::from_secs(1));
    ask(&mut fake, 1, 2, "");
    ask(&mut fake, 2, 4, &hash.to_string());
    (fake, blob)
}

#[test]
fn a_stream_is_read_piece_by_piece_and_stops_when_told() {
    let (mut fake, blob) = with_blob(vec![7; 10 << 20]);
    let hash = hex(&Reference::Blob(blob));
    let request = format!(r#"{{"requestId":9,"type":"request","serviceId":8,"args":["{hash}","$__undefined$"]}}"#);
    fake.say(&request);
    let reads = fake.shelf.reads();
    let mut frames = 0;
    let (now, peer) = (fake.now, fake.peer);
    while frames < 3 {
        let mut library = fake.shelf.seen_by(peer);
        if let Some(ratatosk_chum::Output::Send(Payload::Binary(bytes))) =
            fake.chum.poll_output(&mut library, now).unwrap()
        {
            assert_eq!((bytes.len(), &bytes[..8]), (65_536, &9f64.to_le_bytes()[..]));
            frames += 1;
        }
    }
    assert_eq!(fake.shelf.reads() - reads, 3, "what nobody takes is not read");
    fake.say(r#"{"requestId":9,"type":"write-stream-error"}"#);
    fake.run(Duration::ZERO);
    let last = r#"{"responseId":9,"type":"stream-error","error":"Error while reading the file stream"}"#;
    assert_eq!(fake.heard, [Payload::text(last)]);
}

#[test]
fn a_clob_comes_as_text_that_is_not_cut_through_characters() {
    let text = "\u{1f600}".repeat(50_000);
    let (mut fake, blob) = with_blob(text.clone().into_bytes());
    let hash = hex(&Reference::Blob(blob));
    fake.say(&format!(r#"{{"requestId":9,"type":"request","serviceId":8,"args":["{hash}","utf8"]}}"#));
    fake.run(Duration::ZERO);
    let mut received = String::new();
    for (at, heard) in fake.heard.iter().enumerate() {
        let Payload::Text(heard) = heard else { panic!("bytes") };
        let value: serde_json::Value = serde_json::from_str(heard).unwrap();
        if at + 1 == fake.heard.len() {
            assert_eq!(value["type"], "stream-end");
        } else {
            assert_eq!(value.get("encoding").is_some(), at == 0);
            received.push_str(value["chunk"].as_str().unwrap());
        }
    }
    assert_eq!(received, text);
}

#[test]
fn an_encoding_that_nobody_knows() {
    let (mut fake, blob) = with_blob(vec![7; 10]);
    let hash = hex(&Reference::Blob(blob));
    fake.say(&format!(r#"{{"requestId":9,"type":"request","serviceId":8,"args":["{hash}","base64"]}}"#));
    fake.run(Duration::ZERO);
    assert!(matches!(&fake.heard[..], [Payload::Text(text)] if text.contains("CES-GBL2")));
}
