//! Messages: as real peers make them, in pages, with files, and verified.

use std::io::Read;

use ratatosk_objects::typed::{ChatMessage, CreationTime};

use super::super::{Affirmed, FileInfo, MAX_TEXT, ModelError, db};
use super::*;

/// What a real peer with this e-mail has made of the same words at the same time.
#[test]
fn a_message_is_that_of_a_real_peer() {
    const MESSAGE: &str = "d1602d3c993acf342a2dd6cad1855ea7b027f65f0620714bec1d1f74bf583944";
    const CREATION_TIME: &str = "29a8124f4e72e93cdb29e68adad6927470ac1e749c4ea112cff0f314f3caba8a";
    let (a, b) = pair();
    let topic = a.node.topic_with(b.id()).unwrap().id.to_string();
    a.set_clock(1_795_234_076_182);
    let posted = a.node.post(&topic, "hello from a", vec![]).unwrap();
    assert_eq!((posted.id.to_string().as_str(), posted.creation_time), (CREATION_TIME, 1_795_234_076_182));
    let time: CreationTime = a.node.store.read(|view| db::needed(view, posted.id)).unwrap();
    assert_eq!(time.data.to_string(), MESSAGE);
    let message: ChatMessage = a.node.store.read(|view| db::needed(view, time.data)).unwrap();
    assert_eq!((message.text.as_str(), message.attachments, message.sender), ("hello from a", None, a.id()));
}

#[test]
fn messages_go_both_ways_verified() {
    let (a, b) = pair();
    let topic = a.node.topic_with(b.id()).unwrap().id.to_string();
    let texts = ["ä € 😀 <b>&amp;</b>\n\"q\" \u{0} \u{2028}", "", &"x".repeat(200_000)];
    for text in texts {
        a.node.post(&topic, text, vec![]).unwrap();
    }
    let talk = sync(&a, &b);
    assert_eq!(told(&talk.changes[1]), texts);
    b.node.post(&topic, "answer", vec![]).unwrap();
    let talk = sync(&a, &b);
    assert_eq!(told(&talk.changes[0]), ["answer"]);
    for (person, other) in [(&a, &b), (&b, &a)] {
        let page = person.node.messages(&topic, None, 10).unwrap();
        assert_eq!(page.messages.len(), 4);
        assert!(page.messages.iter().all(|message| message.affirmed == Affirmed::Verified));
        assert!(page.messages.iter().all(|message| message.own == (message.author == person.id())));
        assert_eq!(person.node.head(&topic).unwrap(), other.node.head(&topic).unwrap());
    }
}

#[test]
fn a_message_is_later_than_the_one_before_whatever_the_clock_says() {
    let (a, b) = pair();
    let topic = a.node.topic_with(b.id()).unwrap().id.to_string();
    let first = a.node.post(&topic, "first", vec![]).unwrap();
    a.set_clock(first.creation_time - 60_000);
    let second = a.node.post(&topic, "second", vec![]).unwrap();
    assert_eq!(second.creation_time, first.creation_time + 1);
    assert_eq!(a.texts(&topic), ["first", "second"]);
}

#[test]
fn pages_go_back_to_the_beginning() {
    let (a, b) = pair();
    let topic = a.node.topic_with(b.id()).unwrap().id.to_string();
    let texts: Vec<_> = (0..25).map(|number| number.to_string()).collect();
    for text in &texts {
        a.node.post(&topic, text, vec![]).unwrap();
    }
    let (mut before, mut all, mut pages) = (None, Vec::new(), 0);
    loop {
        let page = a.node.messages(&topic, before, 10).unwrap();
        let mut texts: Vec<_> = page.messages.into_iter().map(|message| message.text).collect();
        texts.append(&mut all);
        all = texts;
        pages += 1;
        // What is posted meanwhile does not move the pages.
        a.node.post(&topic, "later", vec![]).unwrap();
        before = page.older;
        if before.is_none() {
            break;
        }
    }
    assert_eq!((all, pages), (texts, 3));
}

#[test]
fn files_travel_with_messages() {
    let (a, b) = pair();
    let topic = a.node.topic_with(b.id()).unwrap().id.to_string();
    let content: Vec<u8> = (0..300_000_u32).map(|number| number.to_le_bytes()[1]).collect();
    let info = |name: &str| FileInfo { name: name.into(), media_type: "image/png".into(), last_modified: START };
    let files = vec![
        a.node.attach(info("big.png"), &mut content.as_slice()).unwrap(),
        a.node.attach(info("empty"), &mut [].as_slice()).unwrap(),
    ];
    a.node.post(&topic, "look", files).unwrap();
    let talk = sync(&a, &b);
    assert_eq!(told(&talk.changes[1]), ["look"]);
    let page = b.node.messages(&topic, None, 1).unwrap();
    let [big, empty] = page.messages[0].attachments.as_slice() else { panic!("{page:?}") };
    assert_eq!(
        (big.name.as_str(), big.media_type.as_str(), big.size, big.present),
        ("big.png", "image/png", 300_000, true)
    );
    let read = |data| {
        let mut bytes = Vec::new();
        b.node.attachment(data).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    };
    assert!(read(&big.data) == content && read(&empty.data).is_empty());
    assert_eq!(a.node.head(&topic).unwrap(), b.node.head(&topic).unwrap());
    let nowhere = ratatosk_objects::BlobHash::from_bytes([1; 32]);
    assert!(matches!(b.node.attachment(&nowhere), Err(ModelError::UnknownMessage)));
    assert!(b.node.integrity().unwrap().is_empty());
}

#[test]
fn what_is_too_long_is_not_posted() {
    let (a, b) = pair();
    let topic = a.node.topic_with(b.id()).unwrap().id.to_string();
    let head = a.node.head(&topic).unwrap();
    assert!(matches!(a.node.post(&topic, &"x".repeat(MAX_TEXT + 1), vec![]), Err(ModelError::TooMuch { .. })));
    assert_eq!(a.node.head(&topic).unwrap(), head);
}

/// A page of long messages ends early, and the next one goes on.
#[test]
fn pages_are_bounded_in_bytes() {
    let (a, b) = pair();
    let topic = a.node.topic_with(b.id()).unwrap().id.to_string();
    let text = "x".repeat(9 << 20);
    for text in ["first", &text, &text] {
        a.node.post(&topic, text, vec![]).unwrap();
    }
    let first = a.node.messages(&topic, None, 10).unwrap();
    assert_eq!(first.messages.len(), 2);
    let second = a.node.messages(&topic, first.older, 10).unwrap();
    assert_eq!((second.messages.len(), second.older), (1, None));
}
