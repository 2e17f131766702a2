//! What a run wrote down, as far as tables need it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::plan::Cell;

/// The verdicts of reports with the symbols of tables.
pub(super) const VERDICTS: [(&str, char); 5] =
    [("conforms", '✓'), ("conforms better", '★'), ("deviates", '≠'), ("fails", '✗'), ("skipped", '–')];

/// A scenario that was run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) group: String,
    /// The place in [`VERDICTS`].
    verdict: usize,
    /// Whether it came otherwise than is known.
    surprising: bool,
}

/// How often each verdict was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    by_verdict: [usize; VERDICTS.len()],
    surprises: usize,
}

/// Where the report of a cell lies.
pub(super) fn path(folder: &Path, cell: Cell) -> PathBuf {
    folder.join(format!("{}.json", cell.file()))
}

/// Writes that nothing was run: tables show the cell all the same.
///
/// # Errors
///
/// A sentence, if the file cannot be written.
pub(super) fn write_not_run(folder: &Path, cell: Cell) -> Result<(), String> {
    let subjects: Vec<_> = cell.subjects().into_iter().map(|name| json!({ "name": name })).collect();
    let report = json!({
        "format": "conformance-report", "version": 1, "tool": "cargo xtask conformance",
        "suite": cell.suite(), "subjects": subjects, "scenarios": [],
    });
    let path = path(folder, cell);
    fs::write(&path, format!("{report:#}\n")).map_err(|error| format!("{}: {error}", path.display()))
}

/// Reads the report of a cell; no scenarios if it was not run.
///
/// # Errors
///
/// A sentence, if there is none.
pub(super) fn read(folder: &Path, cell: Cell) -> Result<Vec<Entry>, String> {
    let path = path(folder, cell);
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    parse(&text).ok_or_else(|| format!("{} is no report", path.display()))
}

fn parse(text: &str) -> Option<Vec<Entry>> {
    let report: Value = serde_json::from_str(text).ok()?;
    report["scenarios"].as_array()?.iter().map(entry).collect()
}

fn entry(scenario: &Value) -> Option<Entry> {
    let verdict = scenario["verdict"].as_str()?;
    Some(Entry {
        id: scenario["id"].as_str()?.to_owned(),
        group: scenario["group"].as_str()?.replace('_', " "),
        verdict: VERDICTS.iter().position(|(name, _)| *name == verdict)?,
        surprising: !scenario["surprise"].is_null(),
    })
}

impl Counts {
    /// Counts scenarios.
    pub(super) fn of<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Self {
        let mut counts = Self::default();
        for entry in entries {
            counts.by_verdict[entry.verdict] += 1;
            counts.surprises += usize::from(entry.surprising);
        }
        counts
    }

    /// How many there are.
    pub(super) fn all(&self) -> usize {
        self.by_verdict.iter().sum()
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let present = self.by_verdict.iter().zip(VERDICTS).filter(|(count, _)| **count > 0);
        let mut parts: Vec<_> = present.map(|(count, (_, symbol))| format!("{count} {symbol}")).collect();
        if parts.is_empty() {
            parts.push("not run".to_owned());
        }
        if self.surprises > 0 {
            parts.push(format!("({} not as known)", self.surprises));
        }
        f.write_str(&parts.join(" "))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Entries of `(id, group, verdict)`.
    pub(in super::super) fn entries(of: &[(&str, &str, &str)]) -> Vec<Entry> {
        let scenarios: Vec<_> =
            of.iter().map(|(id, group, verdict)| json!({"id": id, "group": group, "verdict": verdict})).collect();
        parse(&json!({ "scenarios": scenarios }).to_string()).unwrap()
    }

    #[test]
    fn verdicts_are_counted_and_surprises_said() {
        let mut read = entries(&[("a", "x_y", "conforms"), ("b", "x_y", "fails"), ("c", "z", "conforms")]);
        assert_eq!(read[0].group, "x y");
        assert_eq!(Counts::of(&read).to_string(), "2 ✓ 1 ✗");
        read[1].surprising = true;
        assert_eq!(Counts::of(&read).to_string(), "2 ✓ 1 ✗ (1 not as known)");
        assert_eq!(Counts::of(&read).all(), 3);
        assert_eq!(Counts::default().to_string(), "not run");
    }

    #[test]
    fn what_is_no_report_is_refused() {
        assert_eq!(parse("{}"), None);
        assert_eq!(parse(r#"{"scenarios":[{"id":"a","group":"g","verdict":"passes"}]}"#), None);
        assert_eq!(parse(r#"{"scenarios":[]}"#), Some(Vec::new()));
    }
}
