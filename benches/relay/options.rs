//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use ratatosk_benches::Common;

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
    pub(crate) common: Common,
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
        let mut relay = std::env::current_exe()?.with_file_name("commserver");
        let common = Common::parse(words, HELP, |word, value| {
            let known = word == "--relay";
            if known {
                relay = value.into();
            }
            known
        })?;
        let millis = Duration::from_millis;
        let crowd = [100, 15_000];
        Ok(if common.quick {
            let (throughput, registrations) = (millis(500), millis(700));
            let (rounds, round_trips, handovers, spares) = (5, 2000, 200, 1000);
            Self { relay, common, rounds, throughput, registrations, round_trips, handovers, spares, crowd }
        } else {
            let (throughput, registrations) = (millis(1500), millis(2000));
            let (rounds, round_trips, handovers, spares) = (7, 5000, 500, 2000);
            Self { relay, common, rounds, throughput, registrations, round_trips, handovers, spares, crowd }
        })
    }
}
