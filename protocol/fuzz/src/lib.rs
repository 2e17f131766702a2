//! What the fuzz targets do with their input. `protocol/tests/fuzz_seeds.rs` includes this file and runs the same
//! bodies over the seeds, so that they are exercised without a fuzzer.
//!
//! A body panics if the protocol code breaks a promise. Besides not panicking itself it promises bounded memory, at most
//! one close with nothing after it, and timers that move on.

pub mod fragmentation;
mod input;
pub mod message;
pub mod padding;
pub mod secretbox;
pub mod stack;
mod watch;
