//! Topics of two and of several, on all sides.

use ratatosk_objects::typed::{ChannelInfo, Topic as TopicObject, Typed};

use super::super::{ModelError, db};
use super::*;

/// The objects that two real peers with these e-mails have for their topic.
#[test]
fn a_topic_of_two_is_that_of_real_peers() {
    const TOPIC: &str = "bb5efc3b4bd6372c512539dca47114ed686a330e6bb49ca44d09d421423a3dd4";
    const EMPTY_CHANNEL: &str = "15fe656910fc0bd60c4def20632637d6905725e01dffb9e8d43065b68425f1ae";
    let (a, b) = pair();
    let topic = a.node.topic_with(b.id()).unwrap();
    assert_eq!(topic.id.to_string(), format!("{}<->{}", a.id(), b.id()));
    assert_eq!(
        (topic.hash.to_string().as_str(), a.node.head(&topic.id.to_string()).unwrap().to_string().as_str()),
        (TOPIC, EMPTY_CHANNEL)
    );
    let object = a.node.store.read(|view| db::needed::<TopicObject>(view, topic.hash)).unwrap();
    assert_eq!(object.microdata().unwrap().hash(), topic.hash);
    // Both may make it, and make the same; and again it is the same.
    assert_eq!(b.node.topic_with(a.id()).unwrap(), topic);
    assert_eq!(a.node.topic_with(b.id()).unwrap(), topic);
    let talk = sync(&a, &b);
    assert!(talk.changes.iter().flatten().all(|change| matches!(change, Change::Profile(_))), "{talk:?}");
    assert_eq!(a.node.topics().unwrap(), vec![topic]);
}

#[test]
fn a_topic_reaches_the_other_one() {
    let (a, b) = pair();
    let topic = a.node.topic_with(b.id()).unwrap();
    let talk = sync(&a, &b);
    assert!(talk.changes[1].contains(&Change::Topic(topic.clone())), "{talk:?}");
    assert_eq!(b.node.topics().unwrap(), vec![topic.clone()]);
    let id = topic.id.to_string();
    b.node.post(&id, "thank you", vec![]).unwrap();
    sync(&a, &b);
    assert_eq!(a.texts(&id), ["thank you"]);
    assert!(a.node.integrity().unwrap().is_empty() && b.node.integrity().unwrap().is_empty());
}

#[test]
fn a_group_of_three_converges_through_whoever_meets() {
    let (a, b) = pair();
    let c = Person::new("c@peer.test");
    befriend(&a, &c);
    befriend(&b, &c);
    let topic = a.node.create_group("Tree", &[b.id(), c.id()]).unwrap();
    let id = topic.id.to_string();
    a.node.post(&id, "one", vec![]).unwrap();
    sync(&a, &b);
    assert_eq!(b.node.topic(&id).unwrap().name.as_deref(), Some("Tree"));
    b.node.post(&id, "two", vec![]).unwrap();
    // c never meets a.
    let talk = sync(&b, &c);
    assert_eq!(told(&talk.changes[1]), ["one", "two"]);
    c.node.post(&id, "three", vec![]).unwrap();
    sync(&c, &b);
    sync(&b, &a);
    for person in [&a, &b, &c] {
        assert_eq!(person.texts(&id), ["one", "two", "three"]);
        assert_eq!(person.node.head(&id).unwrap(), a.node.head(&id).unwrap());
        let page = person.node.messages(&id, None, 9).unwrap();
        assert!(page.messages.iter().all(|message| message.affirmed == super::super::Affirmed::Verified));
    }
}

/// People may take part who do not know each other: they get what the others say, and cannot tell who has said it.
#[test]
fn strangers_can_be_in_one_group() {
    let (a, b) = pair();
    let c = Person::new("c@peer.test");
    befriend(&a, &c);
    let id = a.node.create_group("all", &[b.id(), c.id()]).unwrap().id.to_string();
    sync(&a, &b);
    b.node.post(&id, "hello", vec![]).unwrap();
    sync(&a, &b);
    let talk = sync(&a, &c);
    // Profile and channel come in the order of hashes, which differ each time.
    let arrivals = talk.changes[1].iter().find_map(|change| match change {
        Change::Messages { arrivals, .. } => Some(arrivals),
        _ => None,
    });
    let arrivals = arrivals.unwrap_or_else(|| panic!("{talk:?}"));
    assert_eq!(
        (arrivals.messages[0].author, arrivals.messages[0].affirmed),
        (b.id(), super::super::Affirmed::Unverified)
    );
    for person in [&a, &b, &c] {
        assert!(person.node.integrity().unwrap().is_empty(), "{:?}", person.node.integrity());
    }
    // Once they have paired, it is told.
    befriend(&b, &c);
    let page = c.node.messages(&id, None, 1).unwrap();
    assert_eq!(page.messages[0].affirmed, super::super::Affirmed::Verified);
}

#[test]
fn a_topic_of_others_stays_with_them() {
    let (a, b) = pair();
    let c = Person::new("c@peer.test");
    befriend(&a, &c);
    let topic = a.node.topic_with(b.id()).unwrap().id.to_string();
    a.node.post(&topic, "between us", vec![]).unwrap();
    sync(&a, &c);
    assert!(c.node.topics().unwrap().is_empty());
    let channel = a.node.topic(&topic).unwrap().channel;
    assert!(c.node.store.read(|view| db::current::<ChannelInfo>(view, channel)).unwrap().is_none());
}

#[test]
fn groups_that_cannot_be_are_refused() {
    let (a, b) = pair();
    assert!(matches!(a.node.create_group("x", &[]), Err(ModelError::NobodyElse)));
    assert!(matches!(a.node.create_group("x", &[a.id()]), Err(ModelError::NobodyElse)));
    assert!(matches!(a.node.create_group(" ", &[b.id()]), Err(ModelError::Unusable { .. })));
    assert!(matches!(a.node.create_group(&"x".repeat(257), &[b.id()]), Err(ModelError::TooMuch { .. })));
    let c = Person::new("c@peer.test");
    assert!(matches!(a.node.create_group("x", &[c.id()]), Err(ModelError::UnknownContact(_))));
    assert!(matches!(a.node.topic("x"), Err(ModelError::UnknownTopic)));
    assert!(matches!(a.node.post("x", "y", vec![]), Err(ModelError::UnknownTopic)));
}
