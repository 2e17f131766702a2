//! The bodies of the fuzz targets, over all seeds and a bounded number of changed ones, the same in every run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

#[path = "../fuzz/src/lib.rs"]
#[allow(unreachable_pub, missing_docs, reason = "the library of the fuzz crate")]
mod bodies;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;

/// Changed inputs that are tried per target.
const CHANGED: usize = 4000;

fn run(target: &str, body: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let seeds: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    assert!(!seeds.is_empty(), "{target} has no seeds");
    for (file, seed) in files.iter().zip(&seeds) {
        attempt(&file.display().to_string(), body, seed);
    }
    let mut random = Random(0x5eed);
    for number in 0..CHANGED {
        let mut input = seeds[random.below(seeds.len())].clone();
        for _ in 0..=random.below(4) {
            change(&mut input, &seeds, &mut random);
        }
        attempt(&format!("changed input {number}"), body, &input);
    }
}

fn attempt(name: &str, body: fn(&[u8]), input: &[u8]) {
    if catch_unwind(AssertUnwindSafe(|| body(input))).is_err() {
        panic!("{name} failed: {}", hex::encode(input));
    }
}

/// One of the changes that fuzzers make.
fn change(input: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    let at = random.below(input.len() + 1);
    match random.below(6) {
        0 if at < input.len() => input[at] ^= 1 << random.below(8),
        1 if at < input.len() => input[at] = random.byte(),
        2 => input.insert(at, random.byte()),
        3 => input.truncate(at),
        4 if at < input.len() => drop(input.remove(at)),
        _ => {
            let other = &seeds[random.below(seeds.len())];
            let tail = other[random.below(other.len() + 1)..].to_vec();
            input.truncate(at);
            input.extend(tail);
        }
    }
}

/// SplitMix64: the same numbers in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }
}

#[test]
fn messages() {
    run("message", bodies::message::run);
}

#[test]
fn padding() {
    run("padding", bodies::padding::run);
}

#[test]
fn secretbox() {
    run("secretbox", bodies::secretbox::run);
}

#[test]
fn fragmentation() {
    run("fragmentation", bodies::fragmentation::run);
}

#[test]
fn stack() {
    run("stack", bodies::stack::run);
}

proptest! {
    #[test]
    fn any_bytes(input in vec(any::<u8>(), 0..600)) {
        bodies::message::run(&input);
        bodies::padding::run(&input);
        bodies::secretbox::run(&input);
        bodies::fragmentation::run(&input);
        bodies::stack::run(&input);
    }

    /// JSON of the right shape with values that may be anything.
    #[test]
    fn any_values_in_messages(
        command in prop::sample::select(vec![
            "register", "communication_request", "authentication_request", "authentication_response",
            "authentication_success", "connection_handover", "ping", "pong", "communication_ready", "comm_pong",
        ]),
        fields in vec((prop::sample::select(vec![
            "publicKey", "sourcePublicKey", "targetPublicKey", "challenge", "response", "pingInterval", "command", "x",
        ]), value()), 0..5),
    ) {
        let fields: String = fields.iter().map(|(name, value)| format!(r#","{name}":{value}"#)).collect();
        bodies::message::run(format!(r#"{{"command":"{command}"{fields}}}"#).as_bytes());
    }
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "null",
            "true",
            "0",
            "-1",
            "1e300",
            "1e999",
            "9007199254740993",
            "[]",
            "{}",
            r#""""#,
            r#""\ud800""#,
            "{\"a\":[[1]]}",
        ])
        .prop_map(str::to_owned),
        vec(any::<char>(), 0..80).prop_map(|text| serde_json::Value::from(String::from_iter(text)).to_string()),
        vec(any::<u8>(), 31..34).prop_map(|bytes| format!("\"{}\"", hex::encode(bytes))),
        vec(any::<u8>(), 0..2100).prop_map(|bytes| format!("\"{}\"", hex::encode(bytes))),
    ]
}
