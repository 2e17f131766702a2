//! The order of the plugins: each permutation is taken or refused as specified.

use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;
use ratatosk_protocol::crypto::SharedKey;
use ratatosk_protocol::entropy::Entropy;
use ratatosk_protocol::plugin::{
    Encryption, Fragmentation, Incoming, KeepAlive, Layer, NonceParity, OrderError, Ping, Plugin, Pong, Stack,
    Statistics,
};

struct Zeros;

impl Entropy for Zeros {
    fn fill(&mut self, _buffer: &mut [u8]) {}
}

/// From the socket outwards, as specified; statistics may stand anywhere.
const ORDER: [&str; 4] = ["ping or pong", "encryption", "keepalive", "fragmentation"];

fn native(name: &str, listener: bool) -> Box<dyn Plugin> {
    let second = Duration::from_secs(1);
    match name {
        "statistics" => Box::new(Statistics::default()),
        "encryption" => Box::new(Encryption::new(&SharedKey::from_bytes([1; 32]), NonceParity::Odd)),
        "keepalive" => Box::new(KeepAlive::default()),
        "fragmentation" => Box::new(Fragmentation::default()),
        _ if listener => Box::new(Pong::with_interval(second)),
        _ => Box::new(Ping::new(second, second)),
    }
}

fn rank(name: &str) -> usize {
    match name {
        "ping" | "pong" => 0,
        other => ORDER.iter().position(|ordered| *ordered == other).unwrap(),
    }
}

fn permutations(names: &[&'static str]) -> Vec<Vec<&'static str>> {
    if names.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (index, first) in names.iter().enumerate() {
        let rest: Vec<_> = [&names[..index], &names[index + 1..]].concat();
        all.extend(permutations(&rest).into_iter().map(|tail| [vec![*first], tail].concat()));
    }
    all
}

#[test]
fn every_permutation_of_the_native_plugins() {
    let all = permutations(&["statistics", ORDER[0], ORDER[1], ORDER[2], ORDER[3]]);
    let mut accepted = 0;
    for (listener, permutation) in
        [true, false].iter().flat_map(|listener| all.iter().map(move |names| (*listener, names)))
    {
        let build = || permutation.iter().map(|name| native(name, listener)).collect::<Vec<_>>();
        let names: Vec<_> = build().iter().map(|plugin| plugin.name().to_owned()).collect();
        let bound: Vec<_> = names.iter().filter(|name| *name != "statistics").collect();
        let place = |name: &String| bound.iter().position(|other| *other == name).unwrap();
        match Stack::new(build(), Box::new(Zeros)) {
            Ok(stack) => {
                accepted += 1;
                assert!(bound.is_sorted_by_key(|name| rank(name)), "{names:?} was taken");
                assert!(stack.names().eq(&names));
            }
            Err(OrderError::Misplaced { inner, outer }) => {
                assert!(place(&inner) < place(&outer), "{names:?}: {inner} is not inside {outer}");
                assert!(rank(&inner) > rank(&outer), "{names:?}: {inner} may stand inside {outer}");
            }
            Err(other) => panic!("{names:?}: {other}"),
        }
        pushed_one_by_one(build(), &names);
    }
    // One order of the four, with statistics in any of five places, for either end.
    assert_eq!(accepted, 10);
}

/// Pushing is refused exactly where the list up to there would be, and changes nothing then.
fn pushed_one_by_one(plugins: Vec<Box<dyn Plugin>>, names: &[String]) {
    let now = Instant::now();
    let mut stack = Stack::new(Vec::new(), Box::new(Zeros)).unwrap();
    stack.handle_incoming(now, Incoming::Opened);
    let mut kept: Vec<&String> = Vec::new();
    for (plugin, name) in plugins.into_iter().zip(names) {
        let fits = name == "statistics" || kept.iter().all(|inner| *inner == "statistics" || rank(inner) < rank(name));
        assert_eq!(stack.push(now, plugin).is_ok(), fits, "{name} onto {kept:?}");
        kept.extend(fits.then_some(name));
        assert!(stack.names().eq(kept.iter().copied()));
    }
}

#[test]
fn a_layer_is_taken_once() {
    for (first, second) in
        [("encryption", "encryption"), ("keepalive", "keepalive"), ("fragmentation", "fragmentation")]
    {
        let error = Stack::new(vec![native(first, true), native(second, true)], Box::new(Zeros)).err();
        assert_eq!(error, Some(OrderError::Duplicate { first: first.to_owned(), second: second.to_owned() }));
    }
    let both_ends = vec![native(ORDER[0], false), native(ORDER[0], true)];
    let expected = OrderError::Duplicate { first: "ping".to_owned(), second: "pong".to_owned() };
    assert_eq!(Stack::new(both_ends, Box::new(Zeros)).err(), Some(expected));
    assert!(Stack::new(vec![native("statistics", true), native("statistics", true)], Box::new(Zeros)).is_ok());
}

/// A plugin of any layer.
struct Any(String, Layer);

impl Plugin for Any {
    fn name(&self) -> &str {
        &self.0
    }

    fn layer(&self) -> Layer {
        self.1
    }
}

/// Whether `inner` may stand inside `outer`.
fn may_hold(inner: Layer, outer: Layer) -> bool {
    use Layer::{Encryption, Fragmentation, KeepAlive, Observer, PingPong, Transform};
    let outside: &[Layer] = match inner {
        Observer => return true,
        PingPong => &[Encryption, Transform, KeepAlive, Fragmentation],
        Encryption | Transform => &[Transform, KeepAlive, Fragmentation],
        KeepAlive => &[Transform, Fragmentation],
        Fragmentation => &[Transform],
    };
    outer == Observer || outside.contains(&outer)
}

proptest! {
    #[test]
    fn any_list_of_layers(
        layers in vec(
            prop::sample::select(vec![
                Layer::Observer, Layer::PingPong, Layer::Encryption, Layer::Transform, Layer::KeepAlive,
                Layer::Fragmentation,
            ]),
            0..7,
        ),
    ) {
        let plugin = |(index, layer): (usize, &Layer)| Box::new(Any(index.to_string(), *layer)) as Box<dyn Plugin>;
        let stack = Stack::new(layers.iter().enumerate().map(plugin).collect(), Box::new(Zeros));
        let pairs = || (0..layers.len()).flat_map(|outer| (0..outer).map(move |inner| (inner, outer)));
        let valid = pairs().all(|(inner, outer)| may_hold(layers[inner], layers[outer]));
        let named = match stack {
            Ok(_) => {
                prop_assert!(valid, "{:?} was taken", layers);
                return Ok(());
            }
            Err(OrderError::Misplaced { inner, outer }) => (inner, outer, false),
            Err(OrderError::Duplicate { first, second }) => (first, second, true),
            Err(other) => panic!("{other}"),
        };
        let (inner, outer): (usize, usize) = (named.0.parse().unwrap(), named.1.parse().unwrap());
        prop_assert!(inner < outer && !may_hold(layers[inner], layers[outer]), "{:?}: {} in {}", layers, inner, outer);
        prop_assert_eq!(layers[inner] == layers[outer], named.2);
    }
}
