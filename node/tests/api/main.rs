//! The HTTP API of daemons, on real sockets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod agents;
mod care;
mod killed;
mod limits;
mod strangers;
mod support;
mod talk;
