//! What one contact can cost us, and what they cannot: everything of theirs that stays is bounded in number.

use ratatosk_chum::{Imported, Library as _, Root};
use ratatosk_objects::affirm::affirm;
use ratatosk_objects::typed::{
    ChannelInfo, ChatMessage, CreationTime, LinkedListEntry, Profile, Topic as TopicObject, Typed, Versioned,
};
use ratatosk_objects::{ObjectHash, PersonId};

use super::super::{Affirmed, MAX_PROFILE_PARTS, MAX_PROFILES, MAX_TOPICS_OF_ONE, ModelError, TopicId, topics};
use super::gate::{item, profile, refused, version};
use super::*;

fn topic(id: &TopicId, name: &str) -> TopicObject {
    let channel = ChannelInfo { id: id.to_string(), owner: None, head: None }.id_hash().unwrap();
    TopicObject { name: Some(name.to_owned()), id: id.to_string(), channel }
}

fn give_topic(library: &mut Library, object: &TopicObject) -> Imported {
    let (hash, object) = item(object);
    library.import(&[object], &Root::Unversioned { hash, one_type: "Topic".to_owned() }).unwrap()
}

/// A contact who calls one group by many names would fill our list of shared things, and that of everybody in the group.
#[test]
fn a_group_has_one_topic_object() {
    let (a, b) = pair();
    let id = TopicId::group([a.id(), b.id()].into(), os_entropy().as_mut());
    let mut library = a.library(&b);
    assert_eq!(give_topic(&mut library, &topic(&id, "first")), Imported::Taken);
    let before = a.node.store.read(|view| view.roots(&b.id())).unwrap();
    for name in ["second", "third"] {
        assert!(matches!(give_topic(&mut library, &topic(&id, name)), Imported::Refused(_)), "{name}");
    }
    assert_eq!(give_topic(&mut library, &topic(&id, "first")), Imported::Taken);
    assert_eq!(a.node.store.read(|view| view.roots(&b.id())).unwrap(), before);
    assert_eq!(a.node.topic(&id.to_string()).unwrap().name.as_deref(), Some("first"));
}

/// Channels count as topics: there is none without.
#[test]
fn a_channel_of_a_group_comes_after_its_topic() {
    let (a, b) = pair();
    let id = TopicId::group([a.id(), b.id()].into(), os_entropy().as_mut());
    let channel = ChannelInfo { id: id.to_string(), owner: None, head: None };
    let (root, items) = version(&channel, START);
    let mut library = a.library(&b);
    assert!(refused(&mut library, &root, &items).contains("topic"));
    assert_eq!(a.node.store.read(|view| view.current(&channel.id_hash().unwrap())).unwrap(), None);
    give_topic(&mut library, &topic(&id, "group"));
    assert_eq!(library.import(&items, &root).unwrap(), Imported::Taken);
}

#[test]
fn a_contact_has_a_bounded_number_of_profiles() {
    let (a, b) = pair();
    let mut library = a.library(&b);
    // One came with pairing.
    for number in 1..MAX_PROFILES {
        let (root, items) = version(&profile(b.id(), b.id(), &number.to_string()), START);
        assert_eq!(library.import(&items, &root).unwrap(), Imported::Taken);
    }
    let (root, items) = version(&profile(b.id(), b.id(), "one more"), START);
    assert!(refused(&mut library, &root, &items).contains("profiles"));
    // Those that are known go on.
    let (root, items) = version(&profile(b.id(), b.id(), "1"), START + 1);
    assert_eq!(library.import(&items, &root).unwrap(), Imported::Taken);
}

/// What we post can be sent: escaped it is longer than it was typed, and peers take objects up to a limit.
#[test]
fn a_message_that_nobody_would_take_is_not_posted() {
    let (a, b) = pair();
    let topic = a.node.topic_with(b.id()).unwrap().id.to_string();
    for (letter, fits, not) in [("&", 2 << 20, 4 << 20), ("\u{1}", 2 << 20, 3 << 20)] {
        let refused = a.node.post(&topic, &letter.repeat(not), vec![]);
        assert!(matches!(refused, Err(ModelError::TooMuch { .. })), "{refused:?}");
        let text = letter.repeat(fits);
        a.node.post(&topic, &text, vec![]).unwrap();
        let talk = sync(&a, &b);
        assert!(told(&talk.changes[1]) == [text], "{letter:?} {:?}", talk.refused);
    }
}

/// Entries of a contact, each signed by `author` in their own name.
fn entries(author: &Person, times: impl Iterator<Item = u64>) -> (ObjectHash, Vec<ratatosk_chum::Item>) {
    let (mut previous, mut items) = (None, Vec::new());
    for timestamp in times {
        let message = ChatMessage { text: "x".into(), attachments: None, sender: author.id(), thumbnails: None };
        let (data, message) = item(&message);
        let (created, time) = item(&CreationTime { timestamp, data });
        let signed = affirm(created, author.id(), author.node.issuer().key).unwrap();
        let (entry, object) =
            item(&LinkedListEntry { data: created, metadata: Some(vec![signed.signature.hash()]), previous });
        let signed = [signed.license, signed.certificate, signed.signature];
        items.extend([message, time]);
        items.extend(signed.map(|object| ratatosk_chum::Item::Object(object.hash(), object)));
        items.push(object);
        previous = Some(entry);
    }
    (previous.unwrap(), items)
}

fn give_channel(to: &Person, from: &Person, topic: &str, head: ObjectHash, mut items: Vec<ratatosk_chum::Item>) {
    let (root, version) = version(&ChannelInfo { id: topic.to_owned(), owner: None, head: Some(head) }, START);
    items.extend(version);
    assert_eq!(to.library(from).import(&items, &root).unwrap(), Imported::Taken);
}

/// A contact whose messages are all from the future does not make ours cost more with each of theirs.
#[test]
fn messages_from_the_future_do_not_make_ours_dear() {
    let (a, b) = pair();
    let topic = a.node.topic_with(b.id()).unwrap().id.to_string();
    let (head, items) = entries(&b, (0..6000).map(|number| START + 10_000_000_000 + number));
    give_channel(&a, &b, &topic, head, items);
    let objects = || a.node.store.check(|_| ()).unwrap().objects;
    let before = objects();
    a.node.post(&topic, "still here", vec![]).unwrap();
    assert!(objects() - before < 50, "{}", objects() - before);
    assert!(a.texts(&topic).contains(&"still here".to_owned()));
}

/// A contact whose messages are all from the future does not hide what others say now.
#[test]
fn messages_from_the_future_bury_nothing() {
    for count in [90, 300, 1100] {
        let (a, b) = pair();
        let topic = a.node.topic_with(b.id()).unwrap().id.to_string();
        let (head, items) = entries(&b, (0..count).map(|number| START + 10_000_000_000 + number));
        give_channel(&a, &b, &topic, head, items);
        a.node.post(&topic, "still here", vec![]).unwrap();
        let newest = a.node.messages(&topic, None, 200).unwrap().messages;
        assert!(newest.iter().any(|message| message.text == "still here"), "{count}");
    }
}

/// What somebody has said elsewhere is genuine, and yet not said here.
#[test]
fn words_from_elsewhere_are_not_shown_as_said_here() {
    let (a, b) = pair();
    let c = Person::new("c@peer.test");
    befriend(&a, &c);
    let topic = a.node.topic_with(b.id()).unwrap().id.to_string();
    let (head, items) = entries(&c, [START].into_iter());
    give_channel(&a, &b, &topic, head, items);
    let page = a.node.messages(&topic, None, 9).unwrap();
    assert_eq!((page.messages[0].author, page.messages[0].affirmed), (c.id(), Affirmed::Forged));
}

/// Who pairs again says where they are now.
#[test]
fn pairing_again_says_where_somebody_is_now() {
    let (a, b) = pair();
    b.node.set_comm_server("wss://one.test").unwrap();
    sync(&a, &b);
    for url in ["wss://two.test", "wss://three.test", "wss://four.test", "wss://two.test"] {
        let moved = Identity { url: Some(url.to_owned()), ..b.identity() };
        a.node.add_contact(&moved).unwrap();
        let [endpoint] = a.node.endpoints().unwrap().try_into().unwrap();
        assert_eq!(endpoint.url.as_deref(), Some(url));
        assert_eq!(a.node.contact(b.id()).unwrap().unwrap().name.as_deref(), Some("Name of b@peer.test"));
    }
    // What they say later counts again.
    b.node.set_comm_server("wss://five.test").unwrap();
    sync(&a, &b);
    let [endpoint] = a.node.endpoints().unwrap().try_into().unwrap();
    assert_eq!(endpoint.url.as_deref(), Some("wss://five.test"));
    assert!(a.node.integrity().unwrap().is_empty());
}

/// One contact does not take the room of all others.
#[test]
fn one_contact_has_a_share_of_all_topics() {
    let (a, b) = pair();
    let c = Person::new("c@peer.test");
    befriend(&a, &c);
    let group = |other: PersonId| TopicId::group([a.id(), other].into(), os_entropy().as_mut());
    let full = |tx: &mut ratatosk_store::Transaction<'_>| -> Result<(), ModelError> {
        for _ in 1..MAX_TOPICS_OF_ONE {
            topics::create(tx, a.node.me(), &group(b.id()), Some("group".to_owned()), START)?;
        }
        Ok(())
    };
    a.node.change(full).unwrap();
    let mut library = a.library(&b);
    let last = topic(&group(b.id()), "group");
    assert_eq!(give_topic(&mut library, &last), Imported::Taken);
    let Imported::Refused(reason) = give_topic(&mut library, &topic(&group(b.id()), "group")) else { panic!() };
    assert!(reason.contains("topics"), "{reason}");
    // What is known is no more.
    assert_eq!(give_topic(&mut library, &last), Imported::Taken);
    assert_eq!(give_topic(&mut a.library(&c), &topic(&group(c.id()), "group")), Imported::Taken);
    assert!(matches!(a.node.create_group("x", &[b.id()]), Err(ModelError::TooMuch { .. })));
}

/// A profile grows with everything that was ever in it, and not for ever.
#[test]
fn a_profile_has_a_bounded_length() {
    use ratatosk_objects::typed::PersonName;
    let (a, b) = pair();
    let mut library = a.library(&b);
    let mut refused = None;
    for (round, time) in (START..).take(3).enumerate() {
        let names = (0..MAX_PROFILE_PARTS / 2).map(|number| item(&PersonName { name: format!("{round} {number}") }));
        let (person_description, mut items): (Vec<_>, Vec<_>) = names.unzip();
        let (root, version) = version(&Profile { person_description, ..profile(b.id(), b.id(), "default") }, time);
        items.extend(version);
        if let Imported::Refused(reason) = library.import(&items, &root).unwrap() {
            refused = Some((round, reason));
            break;
        }
    }
    let (round, reason) = refused.unwrap();
    assert!(round == 1 && reason.contains("profile"), "{round} {reason}");
    assert!(a.node.integrity().unwrap().is_empty());
}

/// What somebody slips in among other things is not taken for what it is when its turn comes.
#[test]
fn a_topic_that_came_along_with_something_else_still_arrives() {
    let (a, b) = pair();
    let topic = b.node.create_group("group", &[a.id()]).unwrap();
    let object = b.node.store.read(|view| view.object(&topic.hash)).unwrap().unwrap();
    let mut library = a.library(&b);
    library.commit(&[ratatosk_chum::Item::Object(topic.hash, object)]).unwrap();
    drop(library);
    sync(&a, &b);
    assert_eq!(a.node.topics().unwrap(), [topic]);
}

/// What somebody puts beside a message does not hide its signature.
#[test]
fn a_signature_is_found_among_other_things() {
    use ratatosk_objects::typed::PersonName;
    let (a, b) = pair();
    let topic = a.node.topic_with(b.id()).unwrap().id.to_string();
    let (head, mut items) = entries(&b, [START].into_iter());
    let genuine = items.iter().find_map(|item| LinkedListEntry::read(item.microdata()).ok()).unwrap();
    let signature = genuine.metadata.clone().unwrap()[0];
    let mut metadata = vec![signature];
    for number in 0.. {
        let (hash, object) = item(&PersonName { name: number.to_string() });
        if hash < signature {
            metadata.push(hash);
            items.push(object);
        }
        if metadata.len() == 64 {
            break;
        }
    }
    let (crowded, entry) = item(&LinkedListEntry { metadata: Some(metadata), ..genuine });
    items.push(entry);
    assert_ne!(crowded, head);
    give_channel(&a, &b, &topic, crowded, items);
    let page = a.node.messages(&topic, None, 9).unwrap();
    assert_eq!(page.messages[0].affirmed, Affirmed::Verified);
}
