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
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Changed inputs that are tried per target.
const CHANGED: u32 = 4000;

fn run(target: &str, body: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let seeds: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    assert!(!seeds.is_empty(), "{target} has no seeds");
    for (file, seed) in files.iter().zip(&seeds) {
        attempt(&file.display().to_string(), body, seed);
    }
    let config = Config { cases: CHANGED, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let changed = (prop::sample::select(seeds), vec((any::<prop::sample::Index>(), change()), 1..5));
    runner
        .run(&changed, |(mut input, changes)| {
            for (at, change) in changes {
                let at = at.index(input.len() + 1);
                match change {
                    Change::Replace(byte) if at < input.len() => input[at] = byte,
                    Change::Flip(bit) if at < input.len() => input[at] ^= 1 << bit,
                    Change::Remove if at < input.len() => drop(input.remove(at)),
                    Change::Insert(bytes) => drop(input.splice(at..at, bytes)),
                    _ => input.truncate(at),
                }
            }
            attempt("a changed seed", body, &input);
            Ok(())
        })
        .unwrap();
}

fn attempt(name: &str, body: fn(&[u8]), input: &[u8]) {
    if catch_unwind(AssertUnwindSafe(|| body(input))).is_err() {
        panic!("{name} failed: {:?}", String::from_utf8_lossy(input));
    }
}

/// One of the changes that fuzzers make, at some place.
#[derive(Clone, Debug)]
enum Change {
    Replace(u8),
    Flip(u8),
    Remove,
    Cut,
    Insert(Vec<u8>),
}

fn change() -> impl Strategy<Value = Change> {
    let telling = prop::sample::select(b"\r\n,;=\"\\[]: \0".to_vec());
    prop_oneof![
        prop_oneof![any::<u8>(), telling.clone()].prop_map(Change::Replace),
        (0_u8..8).prop_map(Change::Flip),
        Just(Change::Remove),
        Just(Change::Cut),
        vec(prop_oneof![any::<u8>(), telling], 1..20).prop_map(Change::Insert),
    ]
}

#[test]
fn headers_of_the_proxy_protocol() {
    run("proxy_header", bodies::proxy_header);
}

#[test]
fn forwarded_fields() {
    run("forwarded", bodies::forwarded);
}

#[test]
fn upgrade_heads() {
    run("upgrade", bodies::upgrade);
}

proptest! {
    #[test]
    fn any_bytes(input in vec(any::<u8>(), 0..600)) {
        bodies::proxy_header(&input);
        bodies::forwarded(&input);
        bodies::upgrade(&input);
    }
}
