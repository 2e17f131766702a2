//! Peers that lie, flood, stall or break off.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

#[path = "../common/mod.rs"]
mod common;
mod deputy;
mod drafts;
mod exporter;
mod fake;
mod importer;
mod streams;
mod timing;
