//! How far a run is: in front of each line, and between them when nothing comes for a while.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often a terminal is told; the line is overwritten.
const ON_TERMINAL: Duration = Duration::from_secs(1);
/// How long a log has to be silent before it is told.
const IN_LOG: Duration = Duration::from_secs(30);

/// The progress of one run.
pub(crate) struct Progress {
    total: usize,
    done: usize,
    started: Instant,
    terminal: bool,
    /// Whether a line stands there that is to be overwritten.
    transient: bool,
}

impl Progress {
    pub(crate) fn new(total: usize) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { total, done: 0, started: Instant::now(), terminal, transient: false }
    }

    /// How long to wait before [`Self::waiting`].
    pub(crate) fn patience(&self) -> Duration {
        if self.terminal { ON_TERMINAL } else { IN_LOG }
    }

    /// One more is through; what stands in front of its line.
    pub(crate) fn step(&mut self) -> String {
        self.done += 1;
        self.clear();
        prefix(self.done, self.total)
    }

    /// Nothing came for a while.
    pub(crate) fn waiting(&mut self) {
        let text = waiting(self.done, self.total, self.started.elapsed());
        if self.terminal {
            self.clear();
            eprint!("{text}");
            self.transient = std::io::stderr().flush().is_ok();
        } else {
            eprintln!("{text}");
        }
    }

    /// Takes the overwritable line away.
    pub(crate) fn clear(&mut self) {
        if std::mem::take(&mut self.transient) {
            eprint!("\r\x1b[K");
        }
    }
}

/// `  7/152`, as wide as the last one will be.
fn prefix(done: usize, total: usize) -> String {
    let total = total.to_string();
    format!("{done:>width$}/{total}", width = total.len())
}

fn waiting(done: usize, total: usize, elapsed: Duration) -> String {
    format!("{done} of {total} after {} s, the next is running", elapsed.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_it_is() {
        assert_eq!(prefix(7, 152), "  7/152");
        assert_eq!(prefix(152, 152), "152/152");
        assert_eq!(waiting(7, 152, Duration::from_millis(61_500)), "7 of 152 after 61 s, the next is running");
        let mut progress = Progress::new(12);
        assert_eq!((progress.step(), progress.step()), (" 1/12".to_owned(), " 2/12".to_owned()));
    }
}
