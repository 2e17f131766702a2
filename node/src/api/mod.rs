//! The HTTP API of a daemon, on loopback alone.

pub mod types;
