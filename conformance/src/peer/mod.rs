//! Puts two implementations behind the peer control interface on the two ends of a CommServer, and plays scenarios with
//! them: each as the one that connects and as the one that listens.
//!
//! [`script`] says what happens, [`parse`] how that is written. What an implementation does to a partner that breaks the
//! protocol is tested by the scripts of [`crate::client`], which can play with a process as well.

mod exchange;
pub mod known;
pub mod parse;
pub(crate) mod payload;
mod play;
pub(crate) mod process;
mod relay;
pub mod scenarios;
pub mod script;
pub mod table;
pub(crate) mod told;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures_util::StreamExt;

pub use process::Launch;
pub use relay::Relay;

use crate::report::{Outcome, Skipped};
use script::Script;

/// An implementation behind the control interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Implementation {
    /// Its name in reports.
    pub name: String,
    /// Its name in the lists of what is known, if it is in one.
    pub known: Option<String>,
    /// A shell command that starts one peer.
    pub command: String,
}

/// Which CommServer is between the peers.
#[derive(Clone, Debug)]
pub enum Via {
    /// One that runs already: its address.
    Given(String),
    /// One that was started for the run.
    Own {
        /// Its address.
        url: String,
        /// The program, for scenarios that need one for themselves.
        program: PathBuf,
    },
}

/// How to play.
#[derive(Clone, Debug)]
pub struct Options {
    /// The CommServer.
    pub via: Via,
    /// How long is waited for something that is due.
    pub patience: Duration,
    /// How many scenarios run side by side.
    pub jobs: usize,
    /// How peers are started.
    pub launch: Launch,
}

/// The two roles of a pair: the suffix of the outcome's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The first connects, the second listens.
    AtoB,
    /// The other way round.
    BtoA,
}

impl Direction {
    /// Both.
    pub const ALL: [Self; 2] = [Self::AtoB, Self::BtoA];

    /// What stands behind the id of a scenario in the id of its outcome.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::AtoB => "ab",
            Self::BtoA => "ba",
        }
    }
}

/// Plays scenarios in both roles and reports each as soon as it is through. The result is in the order of `scripts`; ids end
/// in `/ab` where `a` connects and in `/ba` where `b` does.
pub async fn run(
    scripts: &[Script],
    a: &Implementation,
    b: &Implementation,
    options: &Options,
    mut report: impl FnMut(&Outcome),
) -> Vec<Outcome> {
    let both = scripts.iter().flat_map(|script| Direction::ALL.map(|direction| (script, direction)));
    let runs = both.enumerate().map(|(index, (script, direction))| async move {
        let outcome = match direction {
            Direction::AtoB => run_one(script, a, b, options).await,
            Direction::BtoA => run_one(script, b, a, options).await,
        };
        (index, Outcome { id: format!("{}/{}", outcome.id, direction.suffix()), ..outcome })
    });
    let mut results = futures_util::stream::iter(runs).buffer_unordered(options.jobs.max(1));
    let mut outcomes = Vec::new();
    while let Some((index, outcome)) = results.next().await {
        report(&outcome);
        outcomes.push((index, outcome));
    }
    outcomes.sort_by_key(|(index, _)| *index);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// Plays one scenario: `connects` connects, `listens` listens.
pub async fn run_one(
    script: &Script,
    connects: &Implementation,
    listens: &Implementation,
    options: &Options,
) -> Outcome {
    let started = Instant::now();
    let result = if script.restarts_relay() && matches!(options.via, Via::Given(_)) {
        Err(Skipped::Because("kills the CommServer, so that it needs one of its own (leave out --via)".to_owned()))
    } else {
        Ok(play::play(script, connects, listens, options).await)
    };
    Outcome {
        id: script.id.clone(),
        title: script.title.clone(),
        spec: script.spec.clone(),
        result,
        time: started.elapsed(),
    }
}
