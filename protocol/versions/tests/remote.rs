//! Nodes of ours and of others, one by one: what becomes of them, and what is refused.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]
#![allow(dead_code, unreachable_pub, reason = "not every test uses all of what they share")]

mod support;

use ratatosk_objects::memory::Memory;
use ratatosk_objects::{
    IdHash, Limits, Microdata, Object, ObjectHash, Objects, ObjectsMut, ReadError, Value, WriteError,
};
use ratatosk_versions::{Became, Kind, MAX_TIMESTAMP, Merged, Node, merge_remote, published, store_version};
use support::{Error, LIMITS, channel, id_of, number, object_ref, post, put, recipes, text, thing};

fn person(name: Option<&str>) -> Object {
    let person = Object::new("Person").with("email", text("a@peer.test"));
    match name {
        Some(name) => person.with("name", text(name)),
        None => person,
    }
}

fn edge(store: &mut Memory, object: &Object, time: u64) -> ObjectHash {
    let data = put(store, object);
    store.put(&Node::edge(data, time).microdata().unwrap()).unwrap()
}

fn merge(store: &mut Memory, object: &Object, time: u64) -> Merged {
    let node = edge(store, object, time);
    merge_remote(store, recipes(), &id_of(object), node, &LIMITS).unwrap()
}

fn change(store: &mut Memory, object: &Object, now: u64) -> Node {
    let node = store_version(store, recipes(), object, now).unwrap().node;
    Node::load(store, node).unwrap()
}

#[test]
fn changes_of_ours() {
    let mut store = Memory::new();
    let id = id_of(&person(None));
    assert_eq!(published(&store, &id).unwrap(), None);

    let first = store_version(&mut store, recipes(), &person(Some("x")), 1000).unwrap();
    assert!(first.changed && first.id == id);
    assert_eq!(Node::load(&store, first.node).unwrap(), Node::edge(first.object, 1000));
    assert!(store.id_object(&id).unwrap().is_some() && store.object(&first.object).unwrap().is_some());

    let same = store_version(&mut store, recipes(), &person(Some("x")), 2000).unwrap();
    assert_eq!((same.changed, same.node), (false, first.node));

    let second = store_version(&mut store, recipes(), &person(Some("y")), 2000).unwrap();
    let node = Node::load(&store, second.node).unwrap();
    let expected = Node { kind: Kind::Change(Some(first.node)), data: second.object, depth: 1, creation_time: 2000 };
    assert_eq!(node, expected);
    let published = published(&store, &id).unwrap().unwrap();
    assert_eq!((published.data, published.creation_time), (second.object, 2000));
    assert_eq!(Some(&published.node), store.object(&published.node.hash()).unwrap().as_ref());
    assert_eq!(published.node, Node::edge(second.object, 2000).microdata().unwrap());

    // The clock went back: a change is still later than what it changes.
    assert_eq!(change(&mut store, &person(Some("z")), 5).creation_time, 2001);
}

#[test]
fn the_last_moment_is_the_last() {
    let mut store = Memory::new();
    assert_eq!(change(&mut store, &person(None), u64::MAX).creation_time, MAX_TIMESTAMP);
    assert_eq!(change(&mut store, &person(Some("x")), u64::MAX).creation_time, MAX_TIMESTAMP);
    merge(&mut store, &person(Some("y")), MAX_TIMESTAMP);
    assert_eq!(change(&mut store, &person(Some("z")), 0).creation_time, MAX_TIMESTAMP);
}

#[test]
fn what_a_merge_makes_current() {
    let mut store = Memory::new();
    let id = id_of(&channel(None));
    let a = Some(post(&mut store, None, 10.0, "a"));
    let b = Some(post(&mut store, None, 20.0, "b"));
    let both = Some(post(&mut store, a, 20.0, "b"));
    let node = |store: &Memory, merged: &Merged| Node::load(store, merged.node).unwrap();

    let first = merge(&mut store, &channel(a), 100);
    assert_eq!((first.became, first.changed, first.announce, first.before), (Became::Remote, true, true, None));
    assert_eq!(node(&store, &first), Node::edge(first.object, 100));

    let again = merge(&mut store, &channel(a), 100);
    assert_eq!((again.became, again.changed, again.announce, again.node), (Became::Local, false, false, first.node));
    assert!(!merge(&mut store, &channel(a), 50).announce);
    // Nothing but the time is new.
    let later = merge(&mut store, &channel(a), 150);
    assert_eq!((later.became, later.changed, later.announce), (Became::Local, false, true));
    assert_eq!(node(&store, &later), Node::edge(first.object, 150));

    let merged = merge(&mut store, &channel(b), 120);
    assert_eq!((merged.became, merged.before), (Became::New, Some(first.object)));
    assert_eq!(merged.object, put(&mut store, &channel(both)));
    let theirs = edge(&mut store, &channel(b), 120);
    let mut nodes = vec![later.node, theirs];
    nodes.sort();
    let expected = Node { kind: Kind::Merge(nodes), data: merged.object, depth: 1, creation_time: 150 };
    assert_eq!(node(&store, &merged), expected);
    assert_eq!(published(&store, &id).unwrap().unwrap().node, Node::edge(merged.object, 150).microdata().unwrap());

    // What is behind changes nothing.
    assert!(!merge(&mut store, &channel(None), 0).announce);
    assert!(!merge(&mut store, &channel(b), 120).announce);

    let ahead = Some(post(&mut store, both, 30.0, "c"));
    let merged = merge(&mut store, &channel(ahead), 200);
    assert_eq!((merged.became, merged.node), (Became::Remote, edge(&mut store, &channel(ahead), 200)));
}

#[test]
fn two_peers_announce_the_same() {
    let (mut ours, mut theirs) = (Memory::new(), Memory::new());
    let id = id_of(&channel(None));
    for (store, name, at) in [(&mut ours, "ours", 1000_u32), (&mut theirs, "theirs", 1001)] {
        let head = (0..3).fold(None, |head, i| Some(post(store, head, f64::from(at + i), &format!("{name} {i}"))));
        store_version(store, recipes(), &channel(head), u64::from(at)).unwrap();
    }
    let node = support::tell(&ours, &mut theirs, &id);
    assert!(merge_remote(&mut theirs, recipes(), &id, node, &LIMITS).unwrap().announce);
    let node = support::tell(&theirs, &mut ours, &id);
    let merged = merge_remote(&mut ours, recipes(), &id, node, &LIMITS).unwrap();
    assert_eq!((merged.became, merged.announce), (Became::Remote, true));
    assert_eq!(published(&ours, &id).unwrap(), published(&theirs, &id).unwrap());
    assert_eq!(support::current(&ours, &id), support::current(&theirs, &id));
}

#[test]
fn histories_of_others_are_not_needed() {
    let mut store = Memory::new();
    let data = put(&mut store, &person(Some("x")));
    let nowhere = ObjectHash::from_bytes([9; 32]);
    for (kind, time) in [(Kind::Change(Some(nowhere)), 1), (Kind::Change(None), 2), (Kind::Merge(vec![nowhere]), 3)] {
        let node = Node { kind, data, depth: 77, creation_time: time };
        let hash = store.put(&node.microdata().unwrap()).unwrap();
        assert_eq!(Node::load(&store, hash).unwrap(), node);
        let merged = merge_remote(&mut store, recipes(), &id_of(&person(None)), hash, &LIMITS).unwrap();
        assert_eq!(Node::load(&store, merged.node).unwrap(), Node::edge(data, time));
    }
}

/// Gives a node to a peer that has nothing and to one that has something; both refuse, and write nothing.
fn refused(store: &Memory, id: &IdHash, node: ObjectHash, ours: &[Object]) -> Vec<Error> {
    let with = |object: Option<&Object>| {
        let mut store = store.clone();
        let stored = object.map(|object| store_version(&mut store, recipes(), object, 7).unwrap());
        assert!(stored.is_none_or(|stored| stored.changed));
        let (len, current) = (store.len(), published(&store, id).unwrap());
        let error = merge_remote(&mut store, recipes(), id, node, &LIMITS).unwrap_err();
        assert_eq!((store.len(), published(&store, id).unwrap()), (len, current), "something was written");
        error
    };
    std::iter::once(None).chain(ours.iter().map(Some)).map(with).collect()
}

#[test]
fn nodes_that_are_none() {
    let mut store = Memory::new();
    let (id, ours) = (id_of(&person(None)), [person(Some("ours"))]);
    let nothing = ObjectHash::from_bytes([7; 32]);
    let data = put(&mut store, &person(Some("theirs")));
    let node = |store: &mut Memory, data, time| {
        let node = Object::new("VersionNodeEdge").with("data", object_ref(data)).with("depth", number(0.0));
        put(store, &node.with("creationTime", number(time)))
    };

    let missing = |error: &Error| matches!(error, Error::Missing(hash) if *hash == nothing);
    assert!(refused(&store, &id, nothing, &ours).iter().all(missing));
    let to_nothing = node(&mut store, nothing, 1.0);
    assert!(refused(&store, &id, to_nothing, &ours).iter().all(missing));
    assert!(refused(&store, &id, data, &ours).iter().all(|error| matches!(error, Error::WrongType { .. })));
    for time in [f64::NAN, f64::INFINITY, -1.0, 0.5, 1e300] {
        let bad = node(&mut store, data, time);
        assert!(refused(&store, &id, bad, &ours).iter().all(|error| matches!(error, Error::Time(_))), "{time}");
    }

    let other = edge(&mut store, &Object::new("Person").with("email", text("b@peer.test")), 1);
    let found = id_of(&Object::new("Person").with("email", text("b@peer.test")));
    let other_object =
        |error: &Error| matches!(error, Error::OtherObject { expected, found: of } if (*expected, *of) == (id, found));
    assert!(refused(&store, &id, other, &ours).iter().all(other_object));

    let thing = thing(&mut store, "no versions");
    let unversioned = node(&mut store, thing, 1.0);
    let no_versions = |error: &Error| matches!(error, Error::Write(WriteError::NotVersioned(_)));
    assert!(refused(&store, &id, unversioned, &ours).iter().all(no_versions));

    let unknown = "<div itemscope itemtype=\"//refin.io/Unheard\"><span itemprop=\"x\">y</span></div>";
    let unknown = store.put(&Microdata::check(unknown, &Limits::DEFAULT).unwrap()).unwrap();
    let unknown = node(&mut store, unknown, 1.0);
    let unheard = |error: &Error| matches!(error, Error::Unreadable { cause: ReadError::UnknownType(_), .. });
    assert!(refused(&store, &id, unknown, &ours).iter().all(unheard));
}

#[test]
fn channels_that_are_none() {
    let mut store = Memory::new();
    let id = id_of(&channel(None));
    let head = post(&mut store, None, 1.0, "ours");
    let ours = [channel(None), channel(Some(head))];
    let nothing = ObjectHash::from_bytes([7; 32]);
    let to_nothing = edge(&mut store, &channel(Some(nothing)), 1);
    assert!(refused(&store, &id, to_nothing, &ours).iter().all(|error| matches!(error, Error::Missing(_))));
    let no_entry = thing(&mut store, "no entry");
    let no_entry = edge(&mut store, &channel(Some(no_entry)), 1);
    assert!(refused(&store, &id, no_entry, &ours).iter().all(|error| matches!(error, Error::WrongType { .. })));
}

/// The first version that we hear of may be one of a peer whose list is out of order.
#[test]
fn a_first_version_out_of_order() {
    let mut store = Memory::new();
    let sorted = post(&mut store, None, 1.0, "one");
    let sorted = post(&mut store, Some(sorted), 2.0, "two");
    let two = post(&mut store, None, 2.0, "two");
    let data = thing(&mut store, "one");
    let one = support::time(&mut store, 1.0, data);
    let bad = support::raw_entry(&mut store, one, None, Some(two));
    let merged = merge(&mut store, &channel(Some(bad)), 5);
    assert_eq!((merged.became, merged.object), (Became::New, put(&mut store, &channel(Some(sorted)))));
    assert!(!merge(&mut store, &channel(Some(bad)), 5).announce);
}

#[test]
fn what_each_kind_of_value_becomes() {
    let reference = |of: u8| object_ref(ObjectHash::from_bytes([of; 32]));
    let id = |of: u8| support::id_ref(IdHash::from_bytes([of; 32]));
    let ids = |of: &[u8]| of.iter().map(|of| id(*of)).collect::<Vec<_>>();
    let map = |keys: &[(u8, &[u8])]| Value::Map(keys.iter().map(|(key, of)| (id(*key), Value::Set(ids(of)))).collect());
    let someone = |main: u8, identities: Value| {
        let someone = Object::new("Someone").with("someoneId", text("x"));
        someone.with("mainProfile", id(main)).with("identities", identities)
    };
    let merged = |ours: &Object, theirs: &Object, times: [u64; 2]| {
        let mut store = Memory::new();
        store_version(&mut store, recipes(), ours, times[0]).unwrap();
        let merged = merge(&mut store, theirs, times[1]).object;
        recipes().read(&store.object(&merged).unwrap().unwrap()).unwrap()
    };

    // A value: the later one, and of one millisecond the greater one.
    let (one, two) = (someone(1, map(&[])), someone(2, map(&[])));
    for (ours, theirs, times, expected) in
        [(&one, &two, [5, 6], &two), (&one, &two, [6, 5], &one), (&one, &two, [5, 5], &two), (&two, &one, [5, 5], &two)]
    {
        assert_eq!(merged(ours, theirs, times), *expected);
    }

    // A map: the order of its keys stays if both have the same.
    let (ours, theirs) = (someone(1, map(&[(3, &[1]), (2, &[1])])), someone(1, map(&[(3, &[2]), (2, &[])])));
    assert_eq!(merged(&ours, &theirs, [5, 6]), someone(1, map(&[(3, &[1, 2]), (2, &[1])])));
    let theirs = someone(1, map(&[(4, &[1]), (2, &[2])]));
    let expected = someone(1, map(&[(2, &[1, 2]), (3, &[1]), (4, &[1])]));
    assert_eq!(merged(&ours, &theirs, [5, 6]), expected);
    assert_eq!(merged(&theirs, &ours, [5, 6]), expected);

    // A bag: all items of both, once each.
    let profile = |of: &[u8]| {
        let profile =
            Object::new("Profile").with("profileId", text("default")).with("personId", id(0)).with("owner", id(0));
        let items = Value::Bag(of.iter().map(|of| reference(*of)).collect());
        profile.with("communicationEndpoint", Value::Bag(Vec::new())).with("personDescription", items)
    };
    assert_eq!(merged(&profile(&[1, 1, 2]), &profile(&[3, 2]), [5, 6]), profile(&[1, 2, 3]));
    assert_eq!(merged(&profile(&[1, 1, 2]), &profile(&[1, 1, 2]), [5, 6]), profile(&[1, 1, 2]));

    // What may be missing is kept, whoever is later.
    for times in [[5, 6], [6, 5]] {
        assert_eq!(merged(&person(None), &person(Some("x")), times), person(Some("x")));
        assert_eq!(merged(&person(Some("x")), &person(None), times), person(Some("x")));
    }
}
