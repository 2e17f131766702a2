//! Nodes on the network: real sockets, real stores, and a relay in between.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod agents;
mod chat;
mod connections;
mod drafts;
mod link;
mod pairing;
mod strangers;
mod support;
