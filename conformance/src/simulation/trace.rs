//! What has happened, for a person who looks for the reason of a failure.

use super::pipe::Millis;

/// Lines with their times, if anybody wants them.
#[derive(Debug, Default)]
pub(super) struct Trace {
    wanted: bool,
    pub(super) lines: Vec<String>,
}

impl Trace {
    pub(super) fn new(wanted: bool) -> Self {
        Self { wanted, lines: Vec::new() }
    }

    pub(super) fn line(&mut self, now: Millis, text: impl FnOnce() -> String) {
        if self.wanted {
            self.lines.push(format!("{:>10.3}  {}", now as f64 / 1000.0, text()));
        }
    }
}
