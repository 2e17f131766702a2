//! The command line.

use std::path::PathBuf;

use ratatosk_benches::{Common, Outcome};

const HELP: &str = "\
usage: cargo xtask bench sync [options]

  --quick          shorter histories, fewer rounds
  --only WHAT      one measurement: poll or empty
  --out FOLDER     where sync.md and sync.svg go, and the nodes while they are measured (default: target/bench)

  RATATOSK_REFERENCE=FOLDER   where the packages of the reference are installed: it takes part, under Node
";

/// What is measured, and for how long.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) common: Common,
    /// Where `commserver` is.
    pub(crate) relay: PathBuf,
    /// Lengths of histories whose polls are measured.
    pub(crate) histories: Vec<usize>,
    /// Polls, and new messages, at each length.
    pub(crate) rounds: usize,
    /// Messages that arrive from empty.
    pub(crate) messages: usize,
    /// Messages that arrive at a reference, which takes longer for each the more there are.
    pub(crate) reference_messages: usize,
}

impl Options {
    pub(crate) fn parse(words: &[&str]) -> Outcome<Self> {
        let mut relay = PathBuf::from("target/release/commserver");
        let common = Common::parse(words, HELP, |word, value| {
            if word == "--relay" {
                relay = value.into();
            }
            word == "--relay"
        })?;
        let (histories, rounds, messages, reference_messages) = if common.quick {
            (vec![100, 1_000, 10_000], 21, 2_000, 100)
        } else {
            (vec![100, 1_000, 10_000, 100_000], 101, 10_000, 200)
        };
        Ok(Self { common, relay, histories, rounds, messages, reference_messages })
    }
}
