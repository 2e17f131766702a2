//! The command line.

use ratatosk_benches::{Common, Outcome};

const HELP: &str = "\
usage: cargo xtask bench plugins [options]

  --quick          fewer rounds
  --only WHAT      one measurement: path, crossing, crowd or start
  --out FOLDER     where plugins.md and plugins.svg go (default: target/bench)

  RATATOSK_TWEETNACL=FOLDER   a folder with node_modules/tweetnacl: it takes part, under Node
  RATATOSK_LIBSODIUM=PATH     the program of benches/libsodium: it takes part
";

/// What is measured, and for how long.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) common: Common,
    /// Turns of each contender.
    pub(crate) rounds: usize,
    /// Connections that are alive at the same time.
    pub(crate) crowd: usize,
    /// Processes whose start is timed.
    pub(crate) starts: usize,
}

impl Options {
    pub(crate) fn parse(words: &[&str]) -> Outcome<Self> {
        let common = Common::parse(words, HELP, |_, _| false)?;
        let (rounds, starts) = if common.quick { (101, 5) } else { (501, 11) };
        Ok(Self { common, rounds, crowd: 10_000, starts })
    }
}
