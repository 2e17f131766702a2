//! `ratatosk peer` as a process of its own, driven as a test bench drives it, with a relay between two of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod ends;
mod flood;
#[cfg(feature = "wasm")]
mod forms;
mod mistakes;
#[cfg(feature = "wasm")]
mod modules;
#[cfg(not(feature = "wasm"))]
mod native;
mod people;
#[cfg(feature = "wasm")]
mod reloads;
mod support;
mod talk;
#[cfg(feature = "wasm")]
mod tool;
