//! `ratatosk peer` as a process of its own, driven as a test bench drives it, with a relay between two of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod ends;
mod flood;
mod mistakes;
mod support;
mod talk;
