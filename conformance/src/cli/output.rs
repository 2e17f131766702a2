//! What every run shows and writes: a line for each scenario, a summary, and reports for other programs.

use std::cell::RefCell;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::pin::pin;

use ratatosk_conformance::report::{self, Implementation, Outcome, Report, Subject, Summary};

use super::progress::Progress;

/// Where the results of a run go, and how what was tested is called there.
#[derive(Debug, clap::Args)]
pub(crate) struct Output {
    /// Print one JSON object at the end, and the progress to standard error.
    #[arg(long)]
    json: bool,
    /// Write the same JSON object to a file, for `conformance matrix`.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Write JUnit XML to a file; what is not as known is a failure there.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// How the implementation is called in reports; twice for a pair.
    #[arg(long = "subject", value_name = "NAME")]
    subjects: Vec<String>,
    /// Its version, in reports; twice for a pair.
    #[arg(long = "subject-version", value_name = "VERSION", requires = "subjects")]
    versions: Vec<String>,
    /// The day, in reports, such as `2024-02-29`.
    #[arg(long, value_name = "DATE", value_parser = date)]
    date: Option<String>,
}

/// What is run.
pub(crate) struct Run<'a> {
    /// Which scenarios: `server`, `client`, `peer`, `vectors`.
    pub(crate) suite: &'static str,
    /// What is tested, if the caller does not say otherwise: one implementation, or the two of a pair.
    pub(crate) subjects: Vec<Subject>,
    /// What is known of it.
    pub(crate) known: Option<&'a Implementation>,
    /// How many scenarios there are.
    pub(crate) total: usize,
}

/// Takes each outcome as soon as it is there.
pub(crate) type Show<'a> = &'a mut dyn FnMut(&Outcome);

impl Output {
    /// Shows what comes of a run, and writes it; whether everything came as it should.
    ///
    /// # Errors
    ///
    /// If a file cannot be written. That is tried before anything runs.
    pub(crate) async fn told(
        &self,
        run: Run<'_>,
        play: impl AsyncFnOnce(Show<'_>) -> Vec<Outcome>,
    ) -> Result<bool, String> {
        let subjects = self.subjects(run.subjects)?;
        let mut report_file = self.report.as_deref().map(create).transpose()?;
        let mut junit_file = self.junit.as_deref().map(create).transpose()?;
        let mut summary = Summary::default();
        let outcomes = self.play(&mut summary, run.known, run.total, play).await;
        let mut report = Report::new(run.suite, subjects, &outcomes, run.known);
        report.date.clone_from(&self.date);
        let json = format!("{:#}\n", report.to_json());
        if self.json {
            print!("{json}");
        } else {
            print!("{summary}\n{}", summary.by_rule());
        }
        if let Some(file) = &mut report_file {
            file.write(&json)?;
        }
        if let Some(file) = &mut junit_file {
            file.write(&report::junit(&report))?;
        }
        Ok(summary.surprises() == 0)
    }

    async fn play(
        &self,
        summary: &mut Summary,
        known: Option<&Implementation>,
        total: usize,
        play: impl AsyncFnOnce(Show<'_>) -> Vec<Outcome>,
    ) -> Vec<Outcome> {
        let progress = RefCell::new(Progress::new(total));
        let mut show = |outcome: &Outcome| {
            let surprise = summary.add(outcome, known);
            let prefix = progress.borrow_mut().step();
            let line = format!("{prefix} {}", report::line(outcome, surprise.as_ref()));
            if self.json { eprintln!("{line}") } else { println!("{line}") }
        };
        let mut playing = pin!(play(&mut show));
        let outcomes = loop {
            let patience = progress.borrow().patience();
            match tokio::time::timeout(patience, &mut playing).await {
                Ok(outcomes) => break outcomes,
                Err(_) => progress.borrow_mut().waiting(),
            }
        };
        progress.borrow_mut().clear();
        outcomes
    }

    fn subjects(&self, default: Vec<Subject>) -> Result<Vec<Subject>, String> {
        if self.subjects.is_empty() {
            return Ok(default);
        }
        if self.subjects.len() != default.len() || self.versions.len() > default.len() {
            return Err(format!("this run is about {} (--subject, --subject-version)", default.len()));
        }
        let versions = self.versions.iter().cloned().map(Some).chain(std::iter::repeat(None));
        Ok(self.subjects.iter().cloned().zip(versions).map(|(name, version)| Subject { name, version }).collect())
    }
}

/// A file that can be written.
pub(crate) struct Created<'a> {
    path: &'a Path,
    file: File,
}

/// Creates a file, and the folder that it lies in.
pub(crate) fn create(path: &Path) -> Result<Created<'_>, String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let created = folder.map_or(Ok(()), std::fs::create_dir_all).and_then(|()| File::create(path));
    let file = created.map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(Created { path, file })
}

impl Created<'_> {
    pub(crate) fn write(&mut self, text: &str) -> Result<(), String> {
        self.file.write_all(text.as_bytes()).map_err(|error| format!("{}: {error}", self.path.display()))
    }
}

/// Takes what looks like a day. Which days a month has is not looked at.
fn date(text: &str) -> Result<String, String> {
    let form = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect::<String>();
    let number = |range| text.get(range).and_then(|digits: &str| digits.parse::<u8>().ok()).unwrap_or_default();
    let day = form == "0000-00-00" && (1..=12).contains(&number(5..7)) && (1..=31).contains(&number(8..10));
    if day { Ok(text.to_owned()) } else { Err("a day is written YYYY-MM-DD".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days() {
        assert_eq!(date("2024-02-29"), Ok("2024-02-29".to_owned()));
        for bad in ["2024-13-01", "2024-1-01", "2024-01-00", "29.02.2024", "2024-01-011", "<script>", "２024-01-01"] {
            assert!(date(bad).is_err(), "{bad}");
        }
    }
}
