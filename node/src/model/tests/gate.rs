//! What contacts may give, and what they may not.

use ratatosk_chum::{Imported, Item, Library as _, Root};
use ratatosk_objects::affirm::affirm;
use ratatosk_objects::typed::{
    ChannelInfo, ChatMessage, CreationTime, LinkedListEntry, Person as PersonObject, Profile, Signature,
    Topic as TopicObject, Typed, VersionNodeEdge, Versioned,
};
use ratatosk_objects::{IdHash, Limits, Microdata, ObjectHash, PersonId};

use super::super::{Affirmed, TopicId};
use super::*;

pub(super) fn item<T: Typed>(object: &T) -> (ObjectHash, Item) {
    let microdata = object.microdata().unwrap();
    (microdata.hash(), Item::Object(microdata.hash(), microdata))
}

fn id_item<T: Versioned>(object: &T) -> (IdHash, Item) {
    let microdata = object.id_microdata().unwrap();
    let id = microdata.id_hash().unwrap();
    (id, Item::Id(id, microdata))
}

/// A version of an object as a peer would give it.
pub(super) fn version<T: Versioned>(object: &T, time: u64) -> (Root, Vec<Item>) {
    let (id, id_object) = id_item(object);
    let (data, object) = item(object);
    let (node, edge) = item(&VersionNodeEdge { data, depth: 0, creation_time: time });
    (Root::VersionNode { node, id, one_type: T::TYPE.to_owned() }, vec![id_object, object, edge])
}

pub(super) fn refused(library: &mut Library, root: &Root, items: &[Item]) -> String {
    match library.import(items, root).unwrap() {
        Imported::Refused(reason) => reason,
        Imported::Taken => panic!("{root:?} was taken"),
    }
}

pub(super) fn profile(person: PersonId, owner: PersonId, id: &str) -> Profile {
    Profile {
        profile_id: id.to_owned(),
        person_id: person,
        owner,
        communication_endpoint: vec![],
        person_description: vec![],
    }
}

#[test]
fn only_some_types_are_wanted() {
    let (a, b) = pair();
    let library = a.library(&b);
    let (hash, id) = (ObjectHash::from_bytes([1; 32]), IdHash::from_bytes([2; 32]));
    let unversioned = |one_type: &str| Root::Unversioned { hash, one_type: one_type.to_owned() };
    let node = |one_type: &str| Root::VersionNode { node: hash, id, one_type: one_type.to_owned() };
    let bare = |one_type: &str| Root::Id { id, one_type: one_type.to_owned() };
    for root in [unversioned("Topic"), node("ChannelInfo"), node("Profile"), bare("ChannelInfo"), bare("Profile")] {
        assert!(library.wants(&root).unwrap(), "{root:?}");
    }
    for one_type in ["Access", "IdAccess", "Group", "Leute", "Someone", "Person", "Instance", "Recipe", "Unheard"] {
        for root in [unversioned(one_type), node(one_type), bare(one_type)] {
            assert!(!library.wants(&root).unwrap(), "{root:?}");
        }
    }
    for root in
        [unversioned("ChannelInfo"), node("Topic"), Root::Versioned { hash, id, one_type: "Profile".to_owned() }]
    {
        assert!(!library.wants(&root).unwrap(), "{root:?}");
    }
}

#[test]
fn a_stranger_gets_and_gives_nothing() {
    let (a, b) = pair();
    let c = Person::new("c@peer.test");
    a.node.topic_with(b.id()).unwrap();
    let mut library = a.library(&c);
    assert!(library.roots().unwrap().is_empty());
    let (root, items) = version(&profile(c.id(), c.id(), "default"), START);
    assert!(!library.wants(&root).unwrap());
    assert_eq!(refused(&mut library, &root, &items), "not from a contact");
}

#[test]
fn a_contact_speaks_of_themselves_only() {
    let (a, b) = pair();
    let mut library = a.library(&b);
    let stranger = PersonObject::new("c@peer.test").id_hash().unwrap().into();
    for (person, owner) in
        [(a.id(), a.id()), (a.id(), b.id()), (b.id(), a.id()), (stranger, stranger), (stranger, b.id())]
    {
        let (root, items) = version(&profile(person, owner, "default"), START + 1_000_000);
        let before = a.node.store.read(|view| view.current(root.id().unwrap())).unwrap();
        assert_eq!(refused(&mut library, &root, &items), "not the contact's own profile");
        assert_eq!(a.node.store.read(|view| view.current(root.id().unwrap())).unwrap(), before);
    }
    let (root, items) = version(&profile(b.id(), b.id(), "work"), START);
    assert_eq!(library.import(&items, &root).unwrap(), Imported::Taken);
    assert!(a.node.integrity().unwrap().is_empty());
}

#[test]
fn a_contact_gives_topics_that_name_both() {
    let (a, b) = pair();
    let c: PersonId = PersonObject::new("c@peer.test").id_hash().unwrap().into();
    let mut library = a.library(&b);
    let channel = |id: &str, owner| ChannelInfo { id: id.to_owned(), owner, head: None };
    let topic = |id: &str, channel: &ChannelInfo| TopicObject {
        name: Some(id.to_owned()),
        id: id.to_owned(),
        channel: channel.id_hash().unwrap(),
    };
    let ours = TopicId::one_to_one(a.id(), b.id()).to_string();
    let without_us = TopicId::one_to_one(b.id(), c).to_string();
    let without_them = TopicId::one_to_one(a.id(), c).to_string();
    let cases = [
        topic("EveryoneTopic", &channel("EveryoneTopic", None)),
        topic(&without_us, &channel(&without_us, None)),
        topic(&without_them, &channel(&without_them, None)),
        // Another channel than its own, or one with an owner.
        topic(&ours, &channel(&without_us, None)),
        topic(&ours, &channel(&ours, Some(b.id()))),
        // A name that nobody could have chosen.
        TopicObject { name: Some("other".to_owned()), ..topic(&ours, &channel(&ours, None)) },
    ];
    for topic in cases {
        let (hash, object) = item(&topic);
        let root = Root::Unversioned { hash, one_type: "Topic".to_owned() };
        let reason = refused(&mut library, &root, &[object]);
        assert_eq!(reason, "a topic or channel that does not name the contact and us as participants", "{topic:?}");
        assert!(a.node.store.read(|view| view.object(&hash)).unwrap().is_none());
    }
    for channel in
        [channel(&without_us, None), channel(&without_them, None), channel(&ours, Some(b.id())), channel("x", None)]
    {
        let (root, items) = version(&channel, START);
        assert!(refused(&mut library, &root, &items).contains("does not name"), "{channel:?}");
    }
    assert!(a.node.topics().unwrap().is_empty());
}

#[test]
fn what_is_not_what_it_says_is_refused() {
    let (a, b) = pair();
    let mut library = a.library(&b);
    let ours = ChannelInfo { id: TopicId::one_to_one(a.id(), b.id()).to_string(), owner: None, head: None };
    // The data of another id.
    let (_, other) = version(&profile(b.id(), b.id(), "default"), START);
    let (root, mut items) = version(&ours, START);
    let data = items.len() - 2;
    items[data] = other[data].clone();
    items.push(other[other.len() - 1].clone());
    let Root::VersionNode { id, one_type, .. } = root else { panic!() };
    let Item::Object(node, _) = other[other.len() - 1] else { panic!() };
    let root = Root::VersionNode { node, id, one_type };
    assert!(refused(&mut library, &root, &items).starts_with("malformed"));
    // A list of something else.
    let (head, nothing) = item(&PersonObject::new("x"));
    let (root, mut items) = version(&ChannelInfo { head: Some(head), ..ours }, START);
    items.insert(0, nothing);
    assert!(refused(&mut library, &root, &items).starts_with("malformed"));
    let text = r#"<div itemscope itemtype="//refin.io/Topic"><span itemprop="unheard">x</span></div>"#;
    let microdata = Microdata::check(text, &Limits::DEFAULT).unwrap();
    let root = Root::Unversioned { hash: microdata.hash(), one_type: "Topic".to_owned() };
    assert!(refused(&mut library, &root, &[Item::Object(microdata.hash(), microdata)]).starts_with("malformed"));
}

/// Messages in the name of b that b's keys have not signed, in a channel that b gives.
#[test]
fn forgeries_are_shown_as_such() {
    let (a, b) = pair();
    let mallory = Person::new("mallory@peer.test");
    let topic = a.node.topic_with(b.id()).unwrap().id.to_string();
    let mut items = Vec::new();
    let (mut previous, mut time) = (None, START + 5000);
    let mut add = |sender: PersonId, sign: &dyn Fn(ObjectHash) -> Option<Vec<Microdata>>| {
        time += 1;
        let (data, message) =
            item(&ChatMessage { text: time.to_string(), attachments: None, sender, thumbnails: None });
        let (created, creation_time) = item(&CreationTime { timestamp: time, data });
        items.extend([message, creation_time]);
        let signatures = sign(created);
        let metadata = signatures.as_ref().map(|objects| objects.last().map(Microdata::hash).into_iter().collect());
        items.extend(signatures.unwrap_or_default().into_iter().map(|object| Item::Object(object.hash(), object)));
        let (entry, object) = item(&LinkedListEntry { data: created, metadata, previous });
        items.push(object);
        previous = Some(entry);
    };
    let certify = |created, issuer: &Person, name: PersonId| {
        let certified = affirm(created, name, issuer.node.issuer().key).unwrap();
        vec![certified.license, certified.certificate, certified.signature]
    };
    add(b.id(), &|created| Some(certify(created, &b, b.id())));
    add(b.id(), &|_| None);
    add(b.id(), &|created| Some(certify(created, &mallory, b.id())));
    add(b.id(), &|created| Some(certify(created, &mallory, mallory.id())));
    add(b.id(), &|created| {
        let mut objects = certify(created, &b, b.id());
        let signature = Signature::read(&objects[2]).unwrap();
        objects[2] = Signature { signature: [0; 64], ..signature }.microdata().unwrap();
        Some(objects)
    });
    // In our own name, and in that of somebody we do not know.
    add(a.id(), &|created| Some(certify(created, &b, a.id())));
    add(mallory.id(), &|created| Some(certify(created, &mallory, mallory.id())));
    let (root, version) = version(&ChannelInfo { id: topic.clone(), owner: None, head: previous }, time);
    items.extend(version);
    let mut library = a.library(&b);
    assert_eq!(library.import(&items, &root).unwrap(), Imported::Taken);
    let page = a.node.messages(&topic, None, 100).unwrap();
    let shown: Vec<_> = page.messages.iter().map(|message| message.affirmed).collect();
    let (verified, unverified, forged) = (Affirmed::Verified, Affirmed::Unverified, Affirmed::Forged);
    assert_eq!(shown, [verified, unverified, forged, forged, forged, forged, unverified]);
    assert_eq!(told(&library.take_changes()).len(), shown.len());
}

/// What a contact says of their devices is used only as far as it belongs to them.
#[test]
fn devices_of_others_in_a_profile_are_left_out() {
    use ratatosk_objects::typed::{Instance, Key, Keys, OneInstanceEndpoint};
    let (a, b) = pair();
    let c = Person::new("c@peer.test");
    befriend(&a, &c);
    let mut items = Vec::new();
    let mut endpoint = |person: PersonId, owner: IdHash, person_key: [u8; 32], instance_key: [u8; 32]| {
        let (instance, object) = id_item(&Instance::new("phone", b.id()));
        items.push(object);
        let keys = |owner, key| Keys { owner, public_key: Key(key), public_sign_key: Key([0; 32]) };
        let (person_keys, one) = item(&keys(person.id(), person_key));
        let (instance_keys, other) = item(&keys(owner, instance_key));
        let endpoint = OneInstanceEndpoint {
            person_id: person,
            instance_id: instance.into(),
            person_keys,
            instance_keys,
            url: None,
        };
        let (hash, object) = item(&endpoint);
        items.extend([one, other, object]);
        hash
    };
    let phone = Instance::new("phone", b.id()).id_hash().unwrap();
    let own = *b.node.person_key().public().as_bytes();
    let new = [9; 32];
    let communication_endpoint = vec![
        endpoint(b.id(), phone, [8; 32], new),
        endpoint(c.id(), phone, own, new),
        endpoint(b.id(), b.id().id(), own, new),
        endpoint(b.id(), phone, own, [0; 32]),
        endpoint(b.id(), phone, own, *a.node.instance_key().public().as_bytes()),
    ];
    let take = |items: Vec<Item>, endpoints: Vec<ObjectHash>, time| {
        let (root, version) =
            version(&Profile { communication_endpoint: endpoints, ..profile(b.id(), b.id(), "default") }, time);
        let all: Vec<_> = items.into_iter().chain(version).collect();
        assert_eq!(a.library(&b).import(&all, &root).unwrap(), Imported::Taken);
        a.node.contact(b.id()).unwrap().unwrap().endpoints
    };
    let stolen = endpoint(b.id(), phone, own, *c.node.instance_key().public().as_bytes());
    let endpoints = take(items.clone(), communication_endpoint, START + 100_000);
    assert!(endpoints.iter().all(|endpoint| endpoint.paired), "{endpoints:?}");
    // The key of another contact stays with that contact.
    take(items.clone(), vec![stolen], START + 200_000);
    let local = a.node.instance_key().public();
    let known = a.node.expected(local, c.node.instance_key().public()).unwrap().unwrap();
    assert_eq!(known.person, c.id());
    let mut dialled = a.node.endpoints().unwrap();
    dialled.retain(|endpoint| endpoint.key == *c.node.instance_key().public());
    assert!(matches!(dialled.as_slice(), [one] if one.person == c.id()), "{dialled:?}");
}
