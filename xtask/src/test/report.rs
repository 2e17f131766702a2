//! What `cargo xtask test` says when a step, or everything, is done.

use std::fmt;
use std::time::Duration;

/// How a step ended. The text says more, where there is more to say.
pub(super) enum Verdict {
    /// What must hold, holds.
    Passed(String),
    /// It could not be asked here.
    Skipped(String),
    /// It does not hold.
    Failed(String),
}

impl Verdict {
    fn word(&self) -> &'static str {
        match self {
            Self::Passed(_) => "ok",
            Self::Skipped(_) => "skipped",
            Self::Failed(_) => "FAILED",
        }
    }

    fn note(&self) -> &str {
        let (Self::Passed(note) | Self::Skipped(note) | Self::Failed(note)) = self;
        note
    }
}

/// A step that was run.
pub(super) struct Line {
    /// The step's name.
    pub(super) name: &'static str,
    /// The line that runs it alone.
    pub(super) command: &'static str,
    /// How it ended.
    pub(super) verdict: Verdict,
    /// How long it took.
    pub(super) took: Duration,
}

impl Line {
    /// What stands under the output of the step.
    pub(super) fn closing(&self) -> String {
        let Self { name, command, verdict, took } = self;
        let seconds = took.as_secs_f64();
        match verdict {
            Verdict::Passed(_) => format!("   {name}: ok in {seconds:.1} s"),
            Verdict::Skipped(why) => format!("   {name}: skipped: {why}"),
            Verdict::Failed(why) => {
                format!("   {name}: FAILED after {seconds:.1} s ({why})\n   run it alone: {command}")
            }
        }
    }
}

/// One line per step, and one about everything.
pub(super) fn summary(lines: &[Line], took: Duration) -> String {
    let mut text = String::from("── summary\n");
    for Line { name, verdict, took, .. } in lines {
        let line = format!("   {name:<10} {:<8} {:>7.1} s  {}", verdict.word(), took.as_secs_f64(), verdict.note());
        text.push_str(line.trim_end());
        text.push('\n');
    }
    let failed: Vec<_> = lines.iter().filter(|line| matches!(line.verdict, Verdict::Failed(_))).collect();
    let seconds = took.as_secs_f64();
    if failed.is_empty() {
        let skipped = lines.iter().filter(|line| matches!(line.verdict, Verdict::Skipped(_))).count();
        text.push_str(&format!("all green: {} ok, {skipped} skipped, {seconds:.1} s\n", lines.len() - skipped));
    } else {
        text.push_str(&format!("NOT green: {} of {} failed, {seconds:.1} s\n", failed.len(), lines.len()));
        for Line { name, command, .. } in failed {
            text.push_str(&format!("   {name:<10} {command}\n"));
        }
    }
    text
}

/// The sum of the lines with which the test binaries close.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl Tally {
    /// Adds `test result: ok. 3 passed; 0 failed; …`; other lines count nothing.
    pub(super) fn read(&mut self, line: &str) {
        let Some((_, counts)) = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". ")) else {
            return;
        };
        for count in counts.split("; ") {
            match count.split_once(' ').map(|(number, what)| (number.parse::<u64>(), what)) {
                Some((Ok(number), "passed")) => self.passed += number,
                Some((Ok(number), "failed")) => self.failed += number,
                Some((Ok(number), "ignored")) => self.ignored += number,
                _ => {}
            }
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} ignored", self.passed, self.failed, self.ignored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &'static str, verdict: Verdict) -> Line {
        Line { name, command: "cargo something", verdict, took: Duration::from_millis(1500) }
    }

    #[test]
    fn the_tally_adds_up_the_closing_lines() {
        let mut tally = Tally::default();
        tally.read("test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s");
        tally.read("test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1s");
        tally.read("test the_result ... ok");
        assert_eq!(tally, Tally { passed: 15, failed: 2, ignored: 1 });
    }

    #[test]
    fn a_failure_says_how_to_run_it_alone() {
        let lines = [
            line("fmt", Verdict::Passed(String::new())),
            line("lint", Verdict::Failed("exit status: 101".into())),
            line("deny", Verdict::Skipped("not installed".into())),
        ];
        assert_eq!(
            lines[1].closing(),
            "   lint: FAILED after 1.5 s (exit status: 101)\n   run it alone: cargo something"
        );
        let text = summary(&lines, Duration::from_secs(4));
        assert!(text.contains("NOT green: 1 of 3 failed, 4.0 s\n   lint       cargo something\n"), "{text}");
    }

    #[test]
    fn a_skipped_step_is_not_counted_as_passed() {
        let lines =
            [line("fmt", Verdict::Passed(String::new())), line("deny", Verdict::Skipped("not installed".into()))];
        assert!(summary(&lines, Duration::ZERO).ends_with("all green: 1 ok, 1 skipped, 0.0 s\n"));
    }
}
