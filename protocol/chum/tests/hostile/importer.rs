//! Things that are not what they are said to be.

use std::time::Duration;

use ratatosk_chum::{Event, Fault, ListError, Refusal, Root, Settings};
use ratatosk_objects::typed::{
    ChannelInfo, ChatMessage, CreationTime, LinkedListEntry, Typed, VersionNodeEdge, Versioned,
};
use ratatosk_objects::{Microdata, ObjectHash, Objects, Reference};

use crate::common::START_MS;
use crate::fake::{Fake, hex, link, node_root, object};

const LONG: Duration = Duration::from_secs(2);

/// Serves one bad topic before a good one, and expects the good one to be taken.
fn refusal(build: impl FnOnce(&mut Fake) -> Root) -> Refusal {
    refusal_with(Settings::default(), build)
}

fn refusal_with(settings: Settings, build: impl FnOnce(&mut Fake) -> Root) -> Refusal {
    let mut fake = Fake::started(settings);
    fake.shelf.wanted.insert("Access".to_owned());
    fake.shelf.wanted.insert("Odd".to_owned());
    let bad = build(&mut fake);
    fake.roots.insert(0, bad.clone());
    let good = fake.good_root();
    fake.run(LONG);
    assert_eq!(fake.closed, None);
    assert!(fake.shelf.taken.contains(&good), "{:?}", fake.events);
    assert!(!fake.shelf.taken.contains(&bad));
    if let Some(hash) = bad.object() {
        assert_eq!(fake.shelf.object(hash).unwrap(), None);
    }
    let refused = fake.refused();
    assert_eq!(refused.len(), 1, "{:?}", fake.events);
    refused[0].clone()
}

fn unversioned(reference: &Reference, one_type: &str) -> Root {
    Root::Unversioned { hash: ObjectHash::from_bytes(*reference.hash_bytes()), one_type: one_type.to_owned() }
}

#[test]
fn another_content_than_its_hash_says() {
    let refused = refusal(|fake| {
        let (reference, text) = object("Odd", "");
        fake.list(reference, &[]);
        fake.answer_object(reference, &text.replace("Odd", "Even"));
        unversioned(&reference, "Odd")
    });
    assert!(matches!(refused, Refusal::Hash(_)), "{refused:?}");
}

#[test]
fn another_content_of_a_child() {
    let refused = refusal(|fake| {
        let (child, text) = object("Child", "");
        fake.answer_object(child, &format!("{text} "));
        let (root, text) = object("Odd", &link("x", &child));
        fake.answer_object(root, &text);
        fake.list(root, &[child]);
        unversioned(&root, "Odd")
    });
    assert!(matches!(refused, Refusal::Hash(_)), "{refused:?}");
}

#[test]
fn a_list_without_what_its_objects_need() {
    let refused = refusal(|fake| {
        let (grandchild, text) = object("Grandchild", "");
        fake.answer_object(grandchild, &text);
        let (child, text) = object("Child", &link("x", &grandchild));
        fake.answer_object(child, &text);
        let (root, text) = object("Odd", &link("x", &child));
        fake.answer_object(root, &text);
        fake.list(root, &[child]);
        unversioned(&root, "Odd")
    });
    assert!(matches!(refused, Refusal::Dependency { .. }), "{refused:?}");
}

#[test]
fn a_list_in_the_wrong_order() {
    let refused = refusal(|fake| {
        let (grandchild, text) = object("Grandchild", "");
        fake.answer_object(grandchild, &text);
        let (child, text) = object("Child", &link("x", &grandchild));
        fake.answer_object(child, &text);
        let (root, text) = object("Odd", &link("x", &child));
        fake.answer_object(root, &text);
        fake.list(root, &[grandchild, child]);
        unversioned(&root, "Odd")
    });
    assert!(matches!(refused, Refusal::Dependency { .. }), "{refused:?}");
}

#[test]
fn a_list_that_leaves_out_what_the_root_needs() {
    let refused = refusal(|fake| {
        let (child, text) = object("Child", "");
        fake.answer_object(child, &text);
        let (root, text) = object("Odd", &link("x", &child));
        fake.answer_object(root, &text);
        fake.list(root, &[]);
        unversioned(&root, "Odd")
    });
    assert!(matches!(refused, Refusal::Dependency { .. }), "{refused:?}");
}

#[test]
fn lists_that_are_none() {
    for (list, expected) in [
        ("\"nothing\"", "Malformed"),
        ("\"{}\"", "Malformed"),
        ("7", "WrongKind"),
        ("null", "WrongKind"),
        ("[]", "WrongKind"),
    ] {
        let refused = refusal(|fake| {
            let (root, text) = object("Odd", "");
            fake.answer_object(root, &text);
            fake.answers.insert((4, hex(&root)), list.to_owned());
            unversioned(&root, "Odd")
        });
        assert!(format!("{refused:?}").contains(expected), "{list}: {refused:?}");
    }
}

#[test]
fn a_list_without_end() {
    let refused = refusal_with(Settings { max_children: 100, ..Settings::default() }, |fake| {
        let (root, text) = object("Odd", "");
        fake.answer_object(root, &text);
        fake.list(root, &vec![root; 101]);
        unversioned(&root, "Odd")
    });
    assert_eq!(refused, Refusal::List(ListError::TooLong(100)));
}

#[test]
fn objects_that_give_rights() {
    for type_name in ["Access", "IdAccess", "Group"] {
        let refused = refusal(|fake| {
            let (child, text) = object(type_name, "");
            fake.answer_object(child, &text);
            let (root, text) = object("Odd", &link("x", &child));
            fake.answer_object(root, &text);
            fake.list(root, &[child]);
            unversioned(&root, "Odd")
        });
        assert_eq!(refused, Refusal::ForbiddenType);
    }
    let refused = refusal(|fake| {
        let (root, text) = object("Access", "");
        fake.answer_object(root, &text);
        fake.list(root, &[]);
        unversioned(&root, "Access")
    });
    assert_eq!(refused, Refusal::ForbiddenType);
}

#[test]
fn what_is_no_object() {
    for text in ["", "text", "<div>", "<div itemscope itemtype=\"//refin.io/Topic\"></div>"] {
        let refused = refusal(|fake| {
            let hash: [u8; 32] =
                sha2::Digest::finalize(sha2::Digest::chain_update(<sha2::Sha256 as sha2::Digest>::new(), text)).into();
            let root = Reference::new("obj", hash).unwrap();
            fake.answer_object(root, text);
            fake.list(root, &[]);
            unversioned(&root, "Topic")
        });
        assert!(matches!(refused, Refusal::Malformed { .. }), "{text}: {refused:?}");
    }
}

#[test]
fn another_type_than_announced() {
    let refused = refusal(|fake| {
        let (root, text) = object("Other", "");
        fake.answer_object(root, &text);
        fake.list(root, &[]);
        unversioned(&root, "Topic")
    });
    assert_eq!(refused, Refusal::Type);
}

/// Serves a version node for a channel with the name `real`.
fn channel_node(fake: &mut Fake, head: Option<ObjectHash>, below: &[Reference]) -> Reference {
    let channel = ChannelInfo { id: "real".to_owned(), owner: None, head }.microdata().unwrap();
    let node = VersionNodeEdge { data: channel.hash(), depth: 0, creation_time: 5 }.microdata().unwrap();
    let channel = fake.serve(&channel);
    let node = fake.serve(&node);
    let list: Vec<_> = std::iter::once(channel).chain(below.iter().copied()).collect();
    fake.list(node, &list);
    node
}

#[test]
fn a_version_of_something_else() {
    let refused = refusal(|fake| {
        let other = ChannelInfo { id: "other".to_owned(), owner: None, head: None };
        let node = channel_node(fake, None, &[]);
        node_root(&node, other.id_hash().unwrap(), "ChannelInfo")
    });
    assert_eq!(refused, Refusal::Id);
    let refused = refusal(|fake| {
        let node = channel_node(fake, None, &[]);
        let id = ChannelInfo { id: "real".to_owned(), owner: None, head: None }.id_hash().unwrap();
        node_root(&node, id, "Profile")
    });
    assert_eq!(refused, Refusal::Type);
}

#[test]
fn a_version_node_that_is_none() {
    let refused = refusal(|fake| {
        let channel = ChannelInfo { id: "real".to_owned(), owner: None, head: None };
        let reference = fake.serve(&channel.microdata().unwrap());
        fake.list(reference, &[]);
        node_root(&reference, channel.id_hash().unwrap(), "ChannelInfo")
    });
    assert_eq!(refused, Refusal::Type);
}

/// An entry of a list with this time, and everything that it needs.
fn entry(fake: &mut Fake, timestamp: u64, previous: Option<ObjectHash>) -> (ObjectHash, Vec<Reference>) {
    let sender = fake.peer;
    let text = format!("at {timestamp}");
    let message = ChatMessage { text, attachments: None, sender, thumbnails: None }.microdata().unwrap();
    let time = CreationTime { timestamp, data: message.hash() }.microdata().unwrap();
    let entry = LinkedListEntry { data: time.hash(), metadata: None, previous }.microdata().unwrap();
    let mut served = |object: &Microdata| fake.serve(object);
    let list = vec![served(&entry), served(&time), served(&message), Reference::Id(sender.id())];
    (entry.hash(), list)
}

#[test]
fn what_cannot_be_merged_is_not_kept() {
    let refused = refusal(|fake| {
        let me = crate::common::person("a@peer.test").0;
        let id = crate::common::open_channel(&mut fake.shelf, me, &[], "real");
        crate::common::post(&mut fake.shelf, me, "real", "mine", START_MS);
        let message = ChatMessage { text: "theirs".to_owned(), attachments: None, sender: me, thumbnails: None };
        let message = message.microdata().unwrap();
        // An entry without a time.
        let entry = LinkedListEntry { data: message.hash(), metadata: None, previous: None }.microdata().unwrap();
        let below = [fake.serve(&entry), fake.serve(&message), Reference::Id(me.id())];
        let node = channel_node(fake, Some(entry.hash()), &below);
        node_root(&node, id, "ChannelInfo")
    });
    assert!(matches!(refused, Refusal::Merge(_)), "{refused:?}");
}

#[test]
fn what_is_refused_is_tried_again_less_and_less_often() {
    let mut fake = Fake::started(Settings::default());
    fake.shelf.wanted.insert("Odd".to_owned());
    let (root, text) = object("Odd", "");
    fake.answer_object(root, &text.replace("Odd", "Even"));
    fake.list(root, &[]);
    fake.roots.push(unversioned(&root, "Odd"));
    fake.run(Duration::from_secs(3600));
    assert_eq!(fake.closed, None);
    let tries = fake.refused().len();
    assert!((8..20).contains(&tries), "{tries} tries in an hour");
    // It comes to be as it should.
    fake.answer_object(root, &text);
    fake.run(Duration::from_secs(700));
    assert_eq!(fake.shelf.taken.len(), 1);
}

#[test]
fn of_several_new_nodes_the_deepest_is_merged() {
    let mut fake = Fake::started(Settings::default());
    let id = ChannelInfo { id: "real".to_owned(), owner: None, head: None }.id_hash().unwrap();
    let (head, below) = entry(&mut fake, 1_000, None);
    let deep = ChannelInfo { id: "real".to_owned(), owner: None, head: Some(head) }.microdata().unwrap();
    let first = channel_node(&mut fake, None, &[]);
    let Reference::Object(prev) = first else { panic!() };
    let channel = fake.serve(&deep);
    let node =
        ratatosk_objects::typed::VersionNodeChange { prev: Some(prev), data: deep.hash(), depth: 1, creation_time: 9 };
    let node = fake.serve(&node.microdata().unwrap());
    let empty = ChannelInfo { id: "real".to_owned(), owner: None, head: None }.microdata().unwrap();
    let list: Vec<_> = [channel].into_iter().chain(below).chain([first, Reference::Object(empty.hash())]).collect();
    fake.list(node, &list);
    fake.roots = vec![node_root(&node, id, "ChannelInfo"), node_root(&first, id, "ChannelInfo")];
    fake.run(LONG);
    assert_eq!(fake.refused(), Vec::<&Refusal>::new());
    assert_eq!(crate::common::head(&fake.shelf, &id), Some(head));
    assert_eq!(fake.shelf.taken, [node_root(&node, id, "ChannelInfo")]);
}

#[test]
fn an_error_in_place_of_an_answer() {
    let mut fake = Fake::started(Settings::default());
    let (root, _) = object("Odd", "");
    fake.shelf.wanted.insert("Odd".to_owned());
    fake.roots.push(unversioned(&root, "Odd"));
    fake.run(Duration::from_millis(400));
    let (id, ..) = *fake.asked.iter().find(|(_, service, _)| *service == 4).unwrap();
    fake.say(&format!(
        r#"{{"responseId":{id},"type":"error","error":{{"name":"E","message":"no","code":"CES-GOC1"}}}}"#
    ));
    fake.run(Duration::from_millis(1));
    assert!(matches!(fake.refused()[..], [Refusal::Remote(error)] if error.code == "CES-GOC1"), "{:?}", fake.events);
}

#[test]
fn a_list_of_roots_that_is_none() {
    for (roots, fault) in [("\"[1]\"", Fault::Roots), ("5", Fault::Roots), ("\"[{}]\"", Fault::Roots)] {
        let mut fake = Fake::started(Settings::default());
        fake.answers.insert((2, String::new()), roots.to_owned());
        fake.run(LONG);
        assert_eq!(fake.closed, Some(fault), "{roots}");
    }
    let mut fake = Fake::started(Settings { max_roots: 2, ..Settings::default() });
    fake.roots = vec![unversioned(&object("Odd", "").0, "Odd"); 3];
    fake.run(LONG);
    assert_eq!(fake.closed, Some(Fault::Roots));
}

#[test]
fn messages_that_mean_nothing() {
    for text in [
        r#"{"responseId":77,"type":"data","data":8}"#,
        r#"{"responseId":-1,"type":"stream-end"}"#,
        "{}",
        "synchronisation",
        r#"{"requestId":"x","type":"request","serviceId":1}"#,
    ] {
        let mut fake = Fake::started(Settings::default());
        fake.run(LONG);
        for _ in 0..100 {
            fake.say(text);
        }
        fake.run(Duration::ZERO);
        assert_eq!(fake.closed, None, "{text}");
        fake.say(text);
        fake.run(Duration::ZERO);
        assert_eq!(fake.closed, Some(Fault::Odd), "{text}");
    }
}

#[test]
fn a_second_answer_to_one_request() {
    let mut fake = Fake::started(Settings::default());
    let good = fake.good_root();
    fake.run(LONG);
    assert!(fake.shelf.taken.contains(&good));
    for (id, service, argument) in fake.asked.clone() {
        if let Some(answer) = fake.answers.get(&(service, argument)).cloned() {
            fake.say(&format!(r#"{{"responseId":{id},"type":"data","data":{answer}}}"#));
        }
    }
    fake.run(LONG);
    assert_eq!((fake.closed, fake.shelf.taken.len()), (None, 1));
    assert!(matches!(fake.events[..], [Event::Started, Event::Imported { .. }, Event::Synchronised { .. }]));
}

#[test]
fn a_message_that_is_too_long() {
    let settings = Settings { max_message: 1_000, max_list_message: 2_000, ..Settings::default() };
    let mut fake = Fake::started(settings);
    fake.run(LONG);
    fake.say(&format!(r#"{{"responseId":0,"type":"data","data":"{}"}}"#, "x".repeat(1_000)));
    fake.run(Duration::ZERO);
    assert_eq!(fake.closed, Some(Fault::TooLong));
}
