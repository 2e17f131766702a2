//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use crate::Outcome;

const HELP: &str = "\
usage: cargo xtask bench relay [options]

  --quick          short turns and fewer spares
  --only WHAT      one measurement: throughput, registrations, spares, round-trip, handover, crowd or start
  --relay PATH     the relay to measure (default: commserver beside this program)
  --out FOLDER     where relay.md and relay.svg go (default: target/bench)

  RATATOSK_REFERENCE=PATH   server.mjs of the reference: it takes part
  RATATOSK_IROH=PATH        the program of benches/iroh: it takes part
";

/// What is measured, and for how long.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) relay: PathBuf,
    pub(crate) out: PathBuf,
    pub(crate) quick: bool,
    only: Option<String>,
    /// Turns of each contender in each measurement.
    pub(crate) rounds: usize,
    /// One turn of throughput.
    pub(crate) throughput: Duration,
    /// One turn of registrations.
    pub(crate) registrations: Duration,
    /// Round trips of a turn.
    pub(crate) round_trips: usize,
    /// Handovers of a turn.
    pub(crate) handovers: usize,
    /// Spares whose memory is measured.
    pub(crate) spares: usize,
    /// Idle spares beside the handovers: few and many.
    pub(crate) crowd: [usize; 2],
}

impl Options {
    pub(crate) fn parse(words: &[&str]) -> Outcome<Self> {
        let own = std::env::current_exe()?;
        let mut options = Self {
            relay: own.with_file_name("commserver"),
            out: PathBuf::from("target/bench"),
            quick: false,
            only: None,
            rounds: 7,
            throughput: Duration::from_millis(1500),
            registrations: Duration::from_millis(2000),
            round_trips: 5000,
            handovers: 500,
            spares: 2000,
            crowd: [100, 15_000],
        };
        let mut words = words.iter().copied();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value\n\n{HELP}"));
            match word {
                "--relay" => options.relay = value()?.into(),
                "--out" => options.out = value()?.into(),
                "--quick" => options = options.quick(),
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

    fn quick(self) -> Self {
        Self {
            quick: true,
            rounds: 5,
            throughput: Duration::from_millis(500),
            registrations: Duration::from_millis(700),
            round_trips: 2000,
            handovers: 200,
            spares: 1000,
            ..self
        }
    }
}
