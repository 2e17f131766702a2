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

#[path = "../../protocol/fuzz/bounded.rs"]
mod bounded;

use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;

fn run(target: &str, body: fn(&[u8])) {
    bounded::run(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target), body);
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

#[test]
fn frames() {
    run("frames", bodies::frames::run);
}

proptest! {
    #[test]
    fn any_bytes(input in vec(any::<u8>(), 0..600)) {
        bodies::proxy_header(&input);
        bodies::forwarded(&input);
        bodies::upgrade(&input);
        bodies::frames::run(&input);
    }
}
