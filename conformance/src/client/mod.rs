//! Plays scripts against a listener, connector or acceptor, as the CommServer and the peer that it meets.
//!
//! The scripted side speaks with real cryptography over real sockets ([`script`] says what it does, [`parse`] how that is
//! written), but it also does what no peer does: it tampers, repeats, falls silent. Every wait has a deadline. What is under
//! test is this project's own driver.

pub mod black_box;
mod cipher;
mod door;
mod inbox;
mod judge;
mod line;
pub mod parse;
mod play;
mod process;
mod reception;
pub mod recordings;
pub mod script;
mod subject;

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use ratatosk_protocol::connection::Config;

use crate::peer;
use crate::report::{Implementation, KnownError, Observation, Outcome, Verdict};
use script::Script;

/// How to play.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long is waited for something that is due.
    pub patience: Duration,
    /// How many scripts run side by side.
    pub jobs: usize,
    /// The configuration of the peer under test.
    pub config: Config,
    /// A process that is under test in place of this project's own driver.
    pub process: Option<Subprocess>,
}

/// A process behind the peer control interface.
#[derive(Clone, Debug)]
pub struct Subprocess {
    /// What it is.
    pub implementation: peer::Implementation,
    /// How it is started.
    pub launch: peer::Launch,
}

impl Default for Options {
    fn default() -> Self {
        // More than any of the peer's own deadlines that a script waits for.
        Self { patience: Duration::from_secs(15), jobs: 8, config: Config::default(), process: None }
    }
}

/// What is known of this project's own peers.
///
/// # Errors
///
/// [`KnownError`] if the list is malformed.
pub fn known() -> Result<Implementation, KnownError> {
    Implementation::parse(include_str!("../../expected/client.json"))
}

/// Plays scripts and reports each as soon as it is through. The result is in the order of `scripts`.
pub async fn run(scripts: &[Script], options: &Options, mut report: impl FnMut(&Outcome)) -> Vec<Outcome> {
    let runs = scripts.iter().enumerate().map(|(index, script)| async move { (index, run_one(script, options).await) });
    let mut results = futures_util::stream::iter(runs).buffer_unordered(options.jobs.max(1));
    let mut outcomes = Vec::new();
    while let Some((index, outcome)) = results.next().await {
        report(&outcome);
        outcomes.push((index, outcome));
    }
    outcomes.sort_by_key(|(index, _)| *index);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// Plays one script as often as it wants; the first failure ends it.
pub async fn run_one(script: &Script, options: &Options) -> Outcome {
    let started = Instant::now();
    let mut worst = Observation::default();
    for _ in 0..script.runs {
        let observation = play::play(script, options).await;
        if observation.verdict > worst.verdict {
            worst = observation;
        }
        if worst.verdict == Verdict::Fails {
            break;
        }
    }
    Outcome {
        id: script.id.clone(),
        title: script.title.clone(),
        spec: script.spec.clone(),
        result: Ok(worst),
        time: started.elapsed(),
    }
}
