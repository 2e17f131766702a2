//! How Ratatosk is measured.
//!
//! A figure in nanoseconds says something about one machine on one day. A ratio between two ways of doing the same work,
//! taken in turns, says something about the code. So every measurement here is a [`duel`] of contenders that run in
//! alternation (A B C A B C …): whatever slows the machine down for a moment slows all of them.
//!
//! The larger measurements have a program each (`relay`, `plugins`), which ends in a page: goals beside figures ([`Goal`],
//! [`table`]), the [`Machine`], and a picture ([`Chart`]).
//!
//! Nothing here is asserted; time is no test.

mod chart;
mod common;
mod duel;
mod goal;
mod machine;
mod rounds;
mod stats;

/// What goes wrong ends the run, with a sentence.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

pub use chart::{Bar, Chart, size_name};
pub use common::Common;
pub use duel::{Contender, Times, duel};
pub use goal::{Goal, table};
pub use machine::{Machine, mappings, resident_kib};
pub use rounds::{Series, percentile, ratio, turns};
pub use stats::median;
