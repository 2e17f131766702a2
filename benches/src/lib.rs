//! How Ratatosk is measured.
//!
//! A figure in nanoseconds says something about one machine on one day. A ratio between two ways of doing the same work,
//! taken in turns, says something about the code. So every measurement here is a [`duel`] of contenders that run in
//! alternation (A B C A B C …): whatever slows the machine down for a moment slows all of them.
//!
//! Nothing here is asserted; time is no test.

mod duel;
mod stats;

pub use duel::{Contender, Outcome, duel};
pub use stats::median;
