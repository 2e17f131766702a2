//! Puts peers with identities, behind the peer control interface, on the two ends of a CommServer: they pair, talk, come
//! and go. A hostile partner then does everything that a contact must not do.
//!
//! [`script`] says what happens, [`parse`] how that is written.

mod actor;
mod chat;
mod folder;
pub mod parse;
mod partners;
mod play;
pub mod scenarios;
pub mod script;

use std::time::{Duration, Instant};

use futures_util::StreamExt;

use crate::peer::{Direction, Implementation, Options, Via};
use crate::report::{Outcome, Skipped};
use script::Script;

pub use partners::Partners;

/// Who plays whom.
#[derive(Clone, Copy, Debug)]
pub struct Cast<'a> {
    /// `a`, `a2` …: it accepts invitations. Before the hostile partner, the one under test.
    pub a: &'a Implementation,
    /// `b`, `b2` …: it invites. Before the hostile partner, one that behaves.
    pub b: &'a Implementation,
    /// `m`, the hostile partner.
    pub hostile: Option<&'a Implementation>,
}

/// Plays scenarios in both roles and reports each as soon as it is through. The result is in the order of `scripts`; ids end
/// in `/ab` where `a` accepts and in `/ba` where `b` does.
pub async fn run(
    scripts: &[Script],
    a: &Implementation,
    b: &Implementation,
    options: &Options,
    report: impl FnMut(&Outcome),
) -> Vec<Outcome> {
    let both = scripts.iter().flat_map(|script| {
        Direction::ALL.map(|direction| match direction {
            Direction::AtoB => (script, Cast { a, b, hostile: None }, format!("/{}", direction.suffix())),
            Direction::BtoA => (script, Cast { a: b, b: a, hostile: None }, format!("/{}", direction.suffix())),
        })
    });
    all(both, options, report).await
}

/// Plays with a hostile partner. Ids end in `suffix`.
pub async fn run_hostile(
    scripts: &[Script],
    cast: Cast<'_>,
    suffix: &str,
    options: &Options,
    report: impl FnMut(&Outcome),
) -> Vec<Outcome> {
    all(scripts.iter().map(|script| (script, cast, suffix.to_owned())), options, report).await
}

async fn all<'a>(
    plays: impl Iterator<Item = (&'a Script, Cast<'a>, String)>,
    options: &Options,
    mut report: impl FnMut(&Outcome),
) -> Vec<Outcome> {
    let runs = plays.enumerate().map(|(index, (script, cast, suffix))| async move {
        let outcome = run_one(script, cast, options).await;
        (index, Outcome { id: format!("{}{suffix}", outcome.id), ..outcome })
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

/// What is said of a scenario that cannot be tried.
fn skipped(script: &Script, suffix: &str, why: &str) -> Outcome {
    Outcome {
        id: format!("{}{suffix}", script.id),
        title: script.title.clone(),
        spec: script.spec.clone(),
        result: Err(Skipped::Because(why.to_owned())),
        time: Duration::ZERO,
    }
}

/// Plays one scenario.
pub async fn run_one(script: &Script, cast: Cast<'_>, options: &Options) -> Outcome {
    let started = Instant::now();
    let (Via::Given(url) | Via::Own { url, .. }) = &options.via;
    let result = match cannot(script, cast) {
        Some(why) => Err(Skipped::Because(why.to_owned())),
        None => Ok(play::play(script, cast, url, options).await),
    };
    Outcome {
        id: script.id.clone(),
        title: script.title.clone(),
        spec: script.spec.clone(),
        result,
        time: started.elapsed(),
    }
}

/// Why a scenario is not for these peers.
fn cannot(script: &Script, cast: Cast<'_>) -> Option<&'static str> {
    let loses_files = |name: &str| {
        let sender = if name.starts_with('b') { cast.b } else { cast.a };
        sender.known.as_deref() == Some("reference")
    };
    let lost = script.steps.iter().filter_map(|step| step.sends_file()).any(loses_files);
    lost.then_some("under Node the reference sends the chunks of a file without what is in them")
}
