//! The command line.

use std::path::PathBuf;

use ratatosk_benches::Outcome;

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
    pub(crate) out: PathBuf,
    pub(crate) quick: bool,
    only: Option<String>,
    /// Turns of each contender.
    pub(crate) rounds: usize,
    /// Connections that are alive at the same time.
    pub(crate) crowd: usize,
    /// Processes whose start is timed.
    pub(crate) starts: usize,
}

impl Options {
    pub(crate) fn parse(words: &[&str]) -> Outcome<Self> {
        let out = PathBuf::from("target/bench");
        let mut options = Self { out, quick: false, only: None, rounds: 501, crowd: 10_000, starts: 11 };
        let mut words = words.iter().copied();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value\n\n{HELP}"));
            match word {
                "--out" => options.out = value()?.into(),
                "--quick" => options = Self { quick: true, rounds: 101, starts: 5, ..options },
                "--only" => options.only = Some(value()?.to_owned()),
                "-h" | "--help" => {
                    print!("{HELP}");
                    std::process::exit(0);
                }
                other => return Err(format!("there is no option {other:?}\n\n{HELP}").into()),
            }
        }
        Ok(options)
    }

    /// Whether a measurement is asked for.
    pub(crate) fn wants(&self, what: &str) -> bool {
        self.only.as_deref().is_none_or(|only| only == what)
    }
}
