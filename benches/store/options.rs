//! The command line.

use ratatosk_benches::{Common, Outcome};

const HELP: &str = "\
usage: cargo xtask bench store [options]

  --quick          fewer rounds, fewer objects
  --only WHAT      one measurement: objects, bytes or million
  --out FOLDER     where store.md and store.svg go, and the stores while they are measured (default: target/bench)
";

/// What is measured, and for how long.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) common: Common,
    /// Turns of each contender.
    pub(crate) rounds: usize,
    /// Objects of which the space is measured, and among which one is read.
    pub(crate) objects: usize,
    /// Objects in the store that is opened.
    pub(crate) million: usize,
}

impl Options {
    pub(crate) fn parse(words: &[&str]) -> Outcome<Self> {
        let common = Common::parse(words, HELP, |_, _| false)?;
        let (rounds, objects, million) = if common.quick { (5, 10_000, 100_000) } else { (21, 50_000, 1_000_000) };
        Ok(Self { common, rounds, objects, million })
    }
}
