//! What came of a run: verdicts, how they compare with what is known of an implementation, and how they are shown.
//!
//! Texts of peers go through [`escape`] before they leave this room.

mod escape;
mod file;
mod group;
mod junit;
mod known;
mod markup;
mod matrix;
mod show;
mod summary;

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::scenario::reason::Reason;

pub use escape::escape;
pub use file::{Entry, MAX_FILE, Mark, Report, ReportError, Subject};
pub use group::group;
pub use junit::junit;
pub use known::{Implementation, Known, KnownError, Surprise};
pub use matrix::Matrix;
pub use show::line;
pub use summary::Summary;

/// What an implementation did, from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// What was recorded.
    Conforms,
    /// Not what was recorded, because a defect is mended that the specification names.
    Better,
    /// The right things to the right clients in the right order, but an end has another code or reason.
    Deviates,
    /// Something else, something less, or nothing.
    Fails,
}

impl Verdict {
    /// All of them, from best to worst.
    pub const ALL: [Self; 4] = [Self::Conforms, Self::Better, Self::Deviates, Self::Fails];
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Conforms => "conforms",
            Self::Better => "conforms better",
            Self::Deviates => "deviates",
            Self::Fails => "fails",
        })
    }
}

/// What happened in one scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The scenario.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The section of the specification, such as `§6`.
    pub spec: String,
    /// What came of it, or why it was not tried.
    pub result: Result<Observation, Skipped>,
    /// How long it took.
    pub time: Duration,
}

/// Why a scenario was not tried.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Skipped {
    /// It needs short ping intervals.
    #[error("needs a server with a ping interval below a second (--short-ping-url)")]
    ShortTimers,
    /// It stops the server.
    #[error("needs a way to stop the server (--stop-command)")]
    Stop,
    /// It speaks plain HTTP.
    #[error("speaks HTTP over plain TCP, which this server does not")]
    Tls,
    /// What was to be tested cannot do it, or is not there: what it says, or what is missing. Not escaped.
    #[error("{0}")]
    Because(String),
}

/// What was observed.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// The worst of what happened.
    pub verdict: Verdict,
    /// The reasons of the branches that were taken.
    pub reasons: BTreeSet<Reason>,
    /// What differed, step by step; the last is what made the scenario fail.
    pub differences: Vec<Difference>,
}

impl Default for Observation {
    fn default() -> Self {
        Self { verdict: Verdict::Conforms, reasons: BTreeSet::new(), differences: Vec::new() }
    }
}

impl Observation {
    /// Takes note of a verdict on a part of the scenario.
    pub fn note(&mut self, verdict: Verdict, reason: Option<Reason>) {
        self.verdict = self.verdict.max(verdict);
        self.reasons.extend(reason);
    }

    /// Takes note of a difference.
    pub fn differs(&mut self, verdict: Verdict, difference: Difference) {
        self.note(verdict, None);
        self.differences.push(difference);
    }

    /// The differences in one line: what a list of known deviations holds. Not escaped.
    #[must_use]
    pub fn got(&self) -> String {
        self.differences
            .iter()
            .map(|difference| format!("{} {}", difference.client, difference.got))
            .collect::<Vec<_>>()
            .join("; ")
    }

    /// The same as a run shows it, which is what people copy into lists: escaped, and not too long.
    fn shown(&self) -> String {
        let shown = self.differences.iter().map(Difference::escaped);
        shown.map(|difference| format!("{} {}", difference.client, difference.got)).collect::<Vec<_>>().join("; ")
    }
}

/// Something that came other than expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Whom it came to.
    pub client: String,
    /// What was due.
    pub expected: String,
    /// What came. Not escaped.
    pub got: String,
}

impl Difference {
    /// The same without anything that a terminal acts upon.
    #[must_use]
    pub fn escaped(&self) -> Self {
        Self { client: escape(&self.client), expected: escape(&self.expected), got: escape(&self.got) }
    }
}

/// As it is written in reports. Not escaped.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, got {}", self.client, self.expected, self.got)
    }
}
