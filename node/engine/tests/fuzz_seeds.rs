//! The body of the fuzz target, over all seeds and a bounded number of changed ones, the same in every run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

#[path = "../fuzz/src/gguf.rs"]
#[allow(unreachable_pub, missing_docs, reason = "the body of the fuzz target")]
mod body;

#[path = "../../../protocol/fuzz/bounded.rs"]
mod bounded;

use std::path::Path;

#[test]
fn gguf() {
    bounded::run(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds/gguf"), body::run);
}
