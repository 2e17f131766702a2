//! What hostile modules and files may hold, over seeds and a bounded number of changed ones, the same in every run: a module
//! whose calls of the host are the input, manifests, and `plugins.toml`.
//!
//! `protocol/fuzz` and `relay/fuzz` do the same, and have targets for a fuzzer. Here there is none: it would build wasmtime with
//! the counters of the fuzzer in it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a failed assumption in a test is a failed test; a file of the fuzz targets is shared"
)]

#[path = "../../../../protocol/fuzz/bounded.rs"]
mod bounded;
mod puppet;
#[path = "../../../../protocol/fuzz/src/watch.rs"]
mod watch;

use std::fs;
use std::path::{Path, PathBuf};

use ratatosk_plugin_host::{Choices, Manifest};
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::plugin::Layer;

fn seeds(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz_seeds/seeds").join(target)
}

fn run(target: &str, body: fn(&[u8])) {
    bounded::run(&seeds(target), body);
}

/// What is accepted keeps its bounds, and what is refused is refused in one line.
fn manifest(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match Manifest::parse(&text) {
        Ok(manifest) => {
            let Manifest { name, version, file, deadline_ms, .. } = &manifest;
            assert!(!name.is_empty() && name.len() <= 64 && name.chars().all(|c| c.is_ascii_graphic()), "{name:?}");
            assert!(
                !version.chars().any(char::is_control) && !file.contains(['/', '\\', '\0']),
                "{version:?} {file:?}"
            );
            assert!((1..=10_000).contains(deadline_ms));
            assert!(manifest.may_have_keys || manifest.layer != Layer::Encryption);
            assert_eq!(Manifest::parse(&text), Ok(manifest));
        }
        Err(error) => one_line(&error.to_string()),
    }
}

fn choices(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match Choices::parse(&text, Path::new("folder")) {
        Ok(choices) => assert_eq!(Choices::parse(&text, Path::new("folder")).unwrap(), choices),
        Err(error) => one_line(&error.to_string()),
    }
}

fn one_line(text: &str) {
    assert!(!text.is_empty() && !text.chars().any(char::is_control), "{text:?}");
}

#[test]
fn calls_of_a_module() {
    run("calls", |data| drop(puppet::run(data)));
}

#[test]
fn the_module_does_what_it_is_told() {
    let seed = |name: &str| puppet::run(&fs::read(seeds("calls").join(name)).unwrap());
    let emitted = seed("emit-in");
    assert_eq!((&emitted.delivered[0], emitted.failure), (&Payload::text("a text,"), None));
    assert_eq!(seed("error").failure.as_deref(), Some("a text,"));
    for (wrong, why) in [
        ("emit-outside", "emit was given 3 bytes at 131070, outside its memory"),
        ("emit-many", "more than 50 events from one call"),
        ("random-much", "asked for 70000 random bytes at once"),
        ("timer-other", "used the handle 1 during a call for another connection"),
        ("result-other", "on_event returned 3, which means nothing"),
        ("grow-much", "more than 1048576 bytes of memory"),
        ("trap", "a text,"),
    ] {
        assert_eq!(seed(wrong).failure, Some(format!("plugin puppet stopped: {why}")));
    }
}

#[test]
fn manifests() {
    run("manifest", manifest);
}

#[test]
fn lists_of_plugins() {
    run("choices", choices);
}
