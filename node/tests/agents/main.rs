//! AIs among people, with everything that takes part in processes of its own: what happens in a group, what a kill at a bad
//! moment leaves behind, and what bad input does.
#![cfg(all(target_os = "linux", feature = "llama"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod bad;
mod group;
mod house;
mod kills;
#[path = "../cli/support.rs"]
mod support;
