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

#[path = "../fuzz/bounded.rs"]
mod bounded;

use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;

fn run(target: &str, body: fn(&[u8])) {
    bounded::run(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target), body);
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
