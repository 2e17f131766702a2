//! Properties of the codecs and of the plugin stack.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod codecs;
mod order;
mod round_trip;
mod timers;
