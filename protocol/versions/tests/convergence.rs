//! Any number of peers, with any clocks, in any order: in the end all have the same.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]
#![allow(dead_code, unreachable_pub, reason = "not every test uses all of what they share")]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use ratatosk_objects::{Object, ObjectHash, Objects, Reference, Value};
use ratatosk_versions::{Node, list};
use support::network::Network;
use support::{LIMITS, channel, id_of, raw_entry, recipes, thing, time};

/// Something that happens among peers. Numbers are taken modulo what there is.
#[derive(Clone, Debug)]
enum Event {
    /// A peer posts, with metadata or without.
    Post { peer: usize, clock: u64, metadata: Option<u8> },
    /// The same as a real peer does it whose clock is behind all of the channel: on top, whatever the time.
    PostOnTop { peer: usize, clock: u64 },
    /// A peer has what was posted, with other metadata.
    Amend { peer: usize, post: usize, metadata: Option<u8> },
    /// One tells another what it has.
    Tell { from: usize, to: usize },
    /// A peer gets a node once more that was announced long ago.
    Again { node: usize, to: usize },
}

fn event() -> impl Strategy<Value = Event> {
    let any = any::<usize>;
    let metadata = || proptest::option::weighted(0.8, 0..4_u8);
    prop_oneof![
        5 => (any(), 0..12_u64, metadata()).prop_map(|(peer, clock, metadata)| Event::Post { peer, clock, metadata }),
        1 => (any(), 0..12_u64).prop_map(|(peer, clock)| Event::PostOnTop { peer, clock }),
        1 => (any(), any(), metadata()).prop_map(|(peer, post, metadata)| Event::Amend { peer, post, metadata }),
        5 => (any(), any()).prop_map(|(from, to)| Event::Tell { from, to }),
        2 => (any(), any()).prop_map(|(node, to)| Event::Again { node, to }),
    ]
}

fn head(network: &Network, data: ObjectHash) -> Option<ObjectHash> {
    match recipes().read(&network.store.object(&data).unwrap().unwrap()).unwrap().get("head") {
        Some(Value::Reference(Reference::Object(head))) => Some(*head),
        _ => None,
    }
}

fn head_of(network: &mut Network, peer: usize) -> Option<ObjectHash> {
    let id = id_of(&channel(None));
    let data = ratatosk_versions::published(&network.view(peer), &id).unwrap()?.data;
    head(network, data)
}

/// What every post has to have in the end.
type Posts = BTreeMap<ObjectHash, BTreeSet<ObjectHash>>;

fn play(peers: usize, events: &[Event]) -> (Network, Posts, Option<ObjectHash>) {
    let id = id_of(&channel(None));
    let mut network = Network::new(peers, recipes());
    let mut posts = Posts::new();
    let mut announced = Vec::new();
    for (at, event) in events.iter().enumerate() {
        let metadata_of = |network: &mut Network, metadata: Option<u8>| -> Option<Vec<ObjectHash>> {
            let one = |of| thing(&mut network.store, &format!("metadata {of}"));
            metadata.map(|count| (0..count).map(one).collect())
        };
        match event.clone() {
            Event::Post { peer, clock, metadata } => {
                let (peer, metadata) = (peer % peers, metadata_of(&mut network, metadata));
                let data = thing(&mut network.store, &format!("post {at}"));
                let creation_time = time(&mut network.store, clock as f64, data);
                posts.entry(creation_time).or_default().extend(metadata.iter().flatten());
                let head = head_of(&mut network, peer);
                let head = list::insert(&mut network.store, head, creation_time, metadata, &LIMITS).unwrap();
                network.change(peer, &channel(Some(head)), clock);
            }
            Event::PostOnTop { peer, clock } => {
                let peer = peer % peers;
                let data = thing(&mut network.store, &format!("post {at}"));
                let creation_time = time(&mut network.store, clock as f64, data);
                posts.entry(creation_time).or_default();
                let head = head_of(&mut network, peer);
                let head = raw_entry(&mut network.store, creation_time, None, head);
                // It is not ours: we only ever hear of it.
                let data = support::put(&mut network.store, &channel(Some(head)));
                announced.push(support::put(&mut network.store, &edge(data, clock)));
                network.merge(peer, &id, announced[announced.len() - 1]);
            }
            Event::Amend { peer, post, metadata } => {
                let (peer, metadata) = (peer % peers, metadata_of(&mut network, metadata));
                let Some(head) = head_of(&mut network, peer) else { continue };
                let entries: Vec<_> = list::iterate_back(&network.store, Some(head)).map(Result::unwrap).collect();
                let creation_time = entries[post % entries.len()].creation_time;
                posts.entry(creation_time).or_default().extend(metadata.iter().flatten());
                let head = list::insert(&mut network.store, Some(head), creation_time, metadata, &LIMITS).unwrap();
                network.change(peer, &channel(Some(head)), 5);
            }
            Event::Tell { from, to } => {
                network.tell(from % peers, to % peers, &id);
            }
            Event::Again { node, to } => {
                if !announced.is_empty() {
                    network.merge(to % peers, &id, announced[node % announced.len()]);
                }
            }
        }
        announced.extend(network.announced(at % peers, &id));
    }
    let end = network.settle(&id);
    // Nothing of the past changes anything any more.
    for node in announced {
        for peer in 0..peers {
            assert!(!network.merge(peer, &id, node).announce);
        }
    }
    (network, posts, end)
}

fn edge(data: ObjectHash, clock: u64) -> Object {
    recipes().read(&Node::edge(data, clock).microdata().unwrap()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn channels_converge(peers in 2..=6_usize, events in vec(event(), 0..40)) {
        let (mut network, posts, end) = play(peers, &events);
        prop_assert_eq!(end.is_none(), posts.is_empty());
        for peer in 0..peers {
            let head = head_of(&mut network, peer);
            let entries: Vec<_> = list::iterate_back(&network.store, head).map(Result::unwrap).collect();
            prop_assert!(entries.windows(2).all(|pair| (pair[0].timestamp, pair[0].creation_time) > (pair[1].timestamp, pair[1].creation_time)));
            let found: Posts = entries.into_iter()
                .map(|entry| (entry.creation_time, entry.metadata.into_iter().flatten().collect()))
                .collect();
            prop_assert_eq!(&found, &posts);
        }
    }
}

/// Objects of the kinds that merge in any order: containers, and values that are always there.
fn orderless(kind: u8, values: &[u8]) -> Object {
    let at = |index: usize| values[index % values.len()];
    let reference = |of: u8| support::object_ref(ObjectHash::from_bytes([of; 32]));
    let id = |of: u8| support::id_ref(ratatosk_objects::IdHash::from_bytes([of; 32]));
    let object_refs = || values.iter().map(|of| reference(of % 5)).collect();
    let ids = |step: usize| {
        let some: BTreeSet<u8> = values.iter().step_by(step).map(|of| of % 5).collect();
        some.into_iter().map(id).collect::<Vec<_>>()
    };
    match kind % 3 {
        0 => Object::new("Profile")
            .with("profileId", support::text("default"))
            .with("personId", id(0))
            .with("owner", id(0))
            .with("communicationEndpoint", Value::Bag(object_refs()))
            .with("personDescription", Value::Bag(values.iter().skip(1).map(|of| reference(of % 3)).collect())),
        1 => {
            let mut keys = ids(1);
            if at(0) % 2 == 0 {
                keys.reverse();
            }
            let identities = keys.into_iter().map(|key| (key, Value::Set(ids(2)))).collect();
            Object::new("Someone")
                .with("someoneId", support::text("someone"))
                .with("mainProfile", id(at(1) % 4))
                .with("identities", Value::Map(identities))
        }
        _ => Object::new("Leute")
            .with("appId", support::text("one.leute"))
            .with("me", id(at(0) % 4))
            .with("other", Value::Bag(ids(1)))
            .with("group", Value::Bag(ids(2))),
    }
}

/// The order in which each peer hears what all of them had at the start.
fn merged(start: &[(Object, u64)], peers: usize, tells: &[(usize, usize)]) -> Vec<Option<ObjectHash>> {
    let id = id_of(&start[0].0);
    let mut network = Network::new(peers, recipes());
    let nodes: Vec<_> = start
        .iter()
        .map(|(object, clock)| {
            let data = support::put(&mut network.store, object);
            support::put(&mut network.store, &edge(data, *clock))
        })
        .collect();
    for (peer, of) in tells {
        network.merge(peer % peers, &id, nodes[of % nodes.len()]);
        // What was merged so far goes to somebody else, too.
        network.tell(peer % peers, of % peers, &id);
    }
    for peer in 0..peers {
        for node in &nodes {
            network.merge(peer, &id, *node);
        }
    }
    (0..peers).map(|peer| network.announced(peer, &id)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Commutative, associative, idempotent: whoever has merged each of some versions at least once, in whatever order, with
    /// whatever others had merged before, announces the same node. Nobody has to tell anything in the end.
    #[test]
    fn merging_has_no_order(
        kind in 0..3_u8,
        start in vec((vec(any::<u8>(), 1..6), 0..4_u64), 1..6),
        tells in vec((any::<usize>(), any::<usize>()), 0..20),
    ) {
        let start: Vec<_> = start.iter().map(|(values, clock)| (orderless(kind, values), *clock)).collect();
        let announced = merged(&start, 3, &tells);
        prop_assert!(announced.windows(2).all(|pair| pair[0] == pair[1]));
    }

    /// With changes in between, things that are taken away, and properties that may be missing.
    #[test]
    fn people_converge(
        kind in 0..4_u8,
        peers in 2..=6_usize,
        events in vec((any::<usize>(), any::<usize>(), proptest::option::of(vec(any::<u8>(), 1..6)), 0..20_u64), 0..40),
    ) {
        let object = |values: &[u8]| match kind {
            3 if values[0].is_multiple_of(3) => Object::new("Person").with("email", support::text("a@peer.test")),
            3 => {
                let name = support::text((values[0] % 5).to_string());
                Object::new("Person").with("email", support::text("a@peer.test")).with("name", name)
            }
            _ => orderless(kind, values),
        };
        let id = id_of(&object(&[0]));
        let mut network = Network::new(peers, recipes());
        let mut ever = false;
        for (peer, other, values, clock) in &events {
            match values {
                Some(values) => {
                    ever = true;
                    let stored = network.change(peer % peers, &object(values), *clock);
                    prop_assert_eq!(stored.id, id);
                }
                None => {
                    network.tell(peer % peers, other % peers, &id);
                }
            }
        }
        prop_assert_eq!(network.settle(&id).is_some(), ever);
    }
}
