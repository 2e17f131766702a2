//! The subcommands of the program, each in a file of its own, and what they share.

pub(crate) mod matrix;
pub(crate) mod output;
pub(crate) mod peer;
mod progress;
pub(crate) mod proxy;
#[cfg(feature = "simulation")]
pub(crate) mod simulate;
pub(crate) mod vectors;
