//! The record of one connection for a person: phase, step, message, size, time; never a secret.

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use crate::phase::{Completed, Outcome, Phase, Role};
use crate::plugin::{Form, Note, Origin};

/// Entries that are kept from the beginning: a whole establishment has about twenty.
const FIRST: usize = 64;
/// Entries that are kept from the end.
const LAST: usize = 64;

/// What happened to a connection, and when. Holds at most 128 entries: the first ones and the last ones.
#[derive(Clone, Debug)]
pub struct Timeline {
    start: Instant,
    role: Role,
    first: Vec<(Duration, Entry)>,
    last: VecDeque<(Duration, Entry)>,
    left_out: u64,
}

/// One line of a timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Entry {
    /// A phase has begun.
    Entered(Phase),
    /// A phase has ended.
    Exited {
        /// Which.
        phase: Phase,
        /// How.
        outcome: Outcome,
        /// After how long.
        duration: Duration,
    },
    /// A message went out.
    Sent {
        /// Its command, or what it is.
        what: &'static str,
        /// Its payload on the wire.
        bytes: usize,
    },
    /// A message came in.
    Received {
        /// Its command, or what it is.
        what: &'static str,
        /// Its payload on the wire.
        bytes: usize,
    },
    /// A plugin joined the connection, outside those before it.
    Attached {
        /// Its name.
        plugin: String,
        /// How it runs.
        form: Form,
    },
    /// A plugin said something; shown escaped.
    Noted(Note),
    /// Phase 6 came to this; never [`Completed::Failed`].
    Completed(Completed),
    /// The connection is over.
    Closed {
        /// Who ended it.
        origin: Origin,
        /// The reason; shown escaped.
        reason: String,
    },
}

impl Timeline {
    /// An empty record that counts from `start`.
    #[must_use]
    pub fn new(start: Instant, role: Role) -> Self {
        Self { start, role, first: Vec::new(), last: VecDeque::new(), left_out: 0 }
    }

    /// Adds what happened at `now`.
    pub fn push(&mut self, now: Instant, entry: Entry) {
        let entry = (now.saturating_duration_since(self.start), entry);
        if self.first.len() < FIRST {
            self.first.push(entry);
            return;
        }
        if self.last.len() == LAST {
            self.last.pop_front();
            self.left_out += 1;
        }
        self.last.push_back(entry);
    }

    /// The entries that are kept, with the time since the start.
    pub fn entries(&self) -> impl Iterator<Item = &(Duration, Entry)> {
        self.first.iter().chain(&self.last)
    }

    /// Which side this record is of.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }
}

/// A table for a terminal.
impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (at, entry)) in self.entries().enumerate() {
            if index == FIRST && self.left_out > 0 {
                writeln!(f, "            … {} entries left out", self.left_out)?;
            }
            writeln!(f, "{:>10}  {entry}", millis(*at))?;
        }
        Ok(())
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entered(phase) => write!(f, "┌ {phase}"),
            Self::Exited { phase, outcome: Outcome::Ok, duration } => {
                write!(f, "└ {} in {}", phase.exit_state(), millis(*duration))
            }
            Self::Exited { phase, outcome, duration } => {
                write!(f, "└ {} ended with {} after {}", phase.name(), outcome.name(), millis(*duration))
            }
            Self::Sent { what, bytes } => write!(f, "│ → {what:<24} {bytes:>7} B"),
            Self::Received { what, bytes } => write!(f, "│ ← {what:<24} {bytes:>7} B"),
            Self::Attached { plugin, form } => write!(f, "│ + {plugin} ({form})"),
            Self::Noted(Note { plugin, text }) => write!(f, "│ # {plugin}: {text:?}"),
            Self::Completed(completed) => write!(f, "│ = {}", completed.name()),
            Self::Closed { origin, reason } => {
                let who = if *origin == Origin::Local { "here" } else { "by the other end" };
                write!(f, "■ closed {who}: {reason:?}")
            }
        }
    }
}

fn millis(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
}
