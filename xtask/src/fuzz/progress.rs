//! What libFuzzer says about a run.

use std::fmt;

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// Inputs that were tried.
    pub(super) executions: u64,
    /// Places of the program that were reached: edges, for comparison with other runs of the same target alone.
    pub(super) coverage: u64,
}

impl Progress {
    /// Reads a line like `#4096 pulse cov: 117 ft: 300 …` or `stat::number_of_executed_units: 5000`.
    pub(super) fn read(&mut self, line: &str) {
        let mut words = line.split_whitespace();
        let executions = match line.strip_prefix("stat::number_of_executed_units:") {
            Some(number) => number.trim().parse().ok(),
            None => line.strip_prefix('#').and_then(|_| words.next()?.get(1..)?.parse().ok()),
        };
        let Some(executions) = executions else { return };
        self.executions = self.executions.max(executions);
        while let Some(word) = words.next() {
            if word == "cov:" {
                self.coverage = words.next().and_then(|number| number.parse().ok()).unwrap_or(self.coverage);
            }
        }
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} executions, coverage {}", grouped(self.executions), self.coverage)
    }
}

/// `1234567` as `1,234,567`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_a_run_are_read_and_others_are_not() {
        let mut progress = Progress::default();
        for line in [
            "INFO: Running with entropic power schedule (0xFF, 100).",
            "#2\tINITED cov: 21 ft: 22 corp: 1/1b exec/s: 0 rss: 40Mb",
            "#65536\tpulse  cov: 117 ft: 301 corp: 40/2Kb lim: 4096 exec/s: 32768 rss: 55Mb",
            "#not a number cov: 5",
            "thread panicked at src/lib.rs: cov: 7",
        ] {
            progress.read(line);
        }
        assert_eq!(progress, Progress { executions: 65_536, coverage: 117 });
        progress.read("stat::number_of_executed_units: 1234567");
        assert_eq!(progress.to_string(), "1,234,567 executions, coverage 117");
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([0, 999, 1000, 1_000_000].map(grouped), ["0", "999", "1,000", "1,000,000"]);
    }
}
