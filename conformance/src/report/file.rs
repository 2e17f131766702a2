//! A run as a file: JSON that a later command reads again, and that programs of others may read and write.
//!
//! The format is described in the package's `README.md` and has a version. Within one version fields may be added, and
//! none changes its meaning; a reader leaves alone what it does not know.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Difference, Implementation, Outcome, Summary, Surprise, Verdict, escape, group};
use crate::scenario::reason::Reason;

/// What the field `format` says.
const FORMAT: &str = "conformance-report";
/// The version that is written and read.
const VERSION: u32 = 1;
/// Most bytes of a file that is read.
pub const MAX_FILE: usize = 64 << 20;
/// Most scenarios in it.
const MAX_ENTRIES: usize = 100_000;
/// Most groups of scenarios in it, which are columns of a table.
const MAX_GROUPS: usize = 500;
/// Most characters of a text in it, and more than any that is written.
const MAX_TEXT: usize = 1000;

/// A run of one suite against one implementation, or one pair of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    format: String,
    version: u32,
    /// The program that wrote it, with its version.
    #[serde(default)]
    pub tool: String,
    /// Which scenarios: `server`, `client`, `peer` or `vectors`.
    pub suite: String,
    /// What was tested: one implementation, or the two of a pair.
    pub subjects: Vec<Subject>,
    /// The day of the run, `YYYY-MM-DD`, if the caller gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// What came of each scenario, in the order of the suite.
    pub scenarios: Vec<Entry>,
}

/// An implementation under test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Its name.
    pub name: String,
    /// Its version, if the caller gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// What a cell of a matrix says: a verdict, or that nothing was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Mark {
    /// [`Verdict::Conforms`].
    #[serde(rename = "conforms")]
    Conforms,
    /// [`Verdict::Better`].
    #[serde(rename = "conforms better")]
    Better,
    /// [`Verdict::Deviates`].
    #[serde(rename = "deviates")]
    Deviates,
    /// [`Verdict::Fails`].
    #[serde(rename = "fails")]
    Fails,
    /// Not tried, for a reason.
    #[serde(rename = "skipped")]
    Skipped,
}

/// What came of one scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The scenario.
    pub id: String,
    /// Its title.
    #[serde(default)]
    pub title: String,
    /// The section of the specification.
    #[serde(default)]
    pub spec: String,
    /// What it is about, for tables that count.
    pub group: String,
    /// The verdict.
    pub verdict: Mark,
    /// How long it took, in milliseconds.
    #[serde(default)]
    pub ms: u64,
    /// The words of what allows a difference, see [`Reason`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// What differed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
    /// Why it was not tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// In which way it is not as it is known of the implementation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub surprise: Option<String>,
}

/// Why a file is no report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// Not the JSON of a report.
    #[error("not a report: {0}")]
    Json(#[from] serde_json::Error),
    /// Something else, or of a version that this program does not know.
    #[error("not a report of version {VERSION}")]
    Format,
    /// More than anybody could have tested.
    #[error("too large for a report")]
    TooLarge,
    /// A report of nobody.
    #[error("a report names one or two implementations")]
    Subjects,
    /// A scenario that is there twice.
    #[error("two scenarios are called {0}")]
    Twice(String),
}

impl Report {
    /// The report of a run. `known` is what was known of the implementation, if anything.
    #[must_use]
    pub fn new(suite: &str, subjects: Vec<Subject>, outcomes: &[Outcome], known: Option<&Implementation>) -> Self {
        let mut summary = Summary::default();
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            tool: format!("conformance {}", env!("CARGO_PKG_VERSION")),
            suite: suite.to_owned(),
            subjects,
            date: None,
            scenarios: outcomes.iter().map(|outcome| Entry::new(outcome, known, summary.add(outcome, known))).collect(),
        }
    }

    /// Reads a report that this program, or another one, wrote.
    ///
    /// # Errors
    ///
    /// [`ReportError`] if it is none, or cannot be shown in a table.
    pub fn parse(text: &str) -> Result<Self, ReportError> {
        if text.len() > MAX_FILE {
            return Err(ReportError::TooLarge);
        }
        let value: Value = serde_json::from_str(text)?;
        if value["format"] != FORMAT || value["version"] != VERSION {
            return Err(ReportError::Format);
        }
        let mut report: Self = serde_json::from_value(value)?;
        report.check()?;
        Ok(report)
    }

    fn check(&mut self) -> Result<(), ReportError> {
        if self.scenarios.len() > MAX_ENTRIES {
            return Err(ReportError::TooLarge);
        }
        if !(1..=2).contains(&self.subjects.len()) {
            return Err(ReportError::Subjects);
        }
        // First, so that two ids are not the same only afterwards.
        self.texts().for_each(shorten);
        let (mut ids, mut groups) = (BTreeSet::new(), BTreeSet::new());
        for entry in &self.scenarios {
            if !ids.insert(entry.id.as_str()) {
                return Err(ReportError::Twice(escape(&entry.id)));
            }
            groups.insert(entry.group.as_str());
            if groups.len() > MAX_GROUPS {
                return Err(ReportError::TooLarge);
            }
        }
        Ok(())
    }

    /// Everything that somebody else may have written.
    fn texts(&mut self) -> impl Iterator<Item = &mut String> {
        let subjects = self.subjects.iter_mut().flat_map(|it| std::iter::once(&mut it.name).chain(&mut it.version));
        let entries = self.scenarios.iter_mut().flat_map(|entry| {
            let fixed = [&mut entry.id, &mut entry.title, &mut entry.spec, &mut entry.group].into_iter();
            let differences = entry.differences.iter_mut();
            let differences = differences.flat_map(|it| [&mut it.client, &mut it.expected, &mut it.got]);
            fixed.chain(&mut entry.reasons).chain(differences).chain(&mut entry.why).chain(&mut entry.surprise)
        });
        [&mut self.tool, &mut self.suite].into_iter().chain(&mut self.date).chain(subjects).chain(entries)
    }

    /// The implementation, or both of a pair, with their versions.
    #[must_use]
    pub fn name(&self) -> String {
        self.subjects.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ↔ ")
    }

    /// How many scenarios have this verdict.
    #[must_use]
    pub fn count(&self, mark: Mark) -> usize {
        self.scenarios.iter().filter(|entry| entry.verdict == mark).count()
    }

    /// How many are not as known.
    #[must_use]
    pub fn surprises(&self) -> usize {
        self.scenarios.iter().filter(|entry| entry.surprise.is_some()).count()
    }

    /// As it is written: the fields of this type, and in front of the scenarios what can be counted in them.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let counts: BTreeMap<_, _> = Mark::ALL.into_iter().map(|mark| (mark.text(), self.count(mark))).collect();
        let mut value = json!(self);
        value["counts"] = json!(counts);
        value["surprises"] = self.surprises().into();
        value
    }
}

/// Cuts a text that no program of ours wrote.
fn shorten(text: &mut String) {
    if let Some((end, _)) = text.char_indices().nth(MAX_TEXT) {
        text.truncate(end);
        text.push('…');
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.version {
            Some(version) => write!(f, "{} {version}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

impl Mark {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Conforms, Self::Better, Self::Deviates, Self::Fails, Self::Skipped];

    /// In words.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Conforms => "conforms",
            Self::Better => "conforms better",
            Self::Deviates => "deviates",
            Self::Fails => "fails",
            Self::Skipped => "skipped",
        }
    }
}

impl From<Verdict> for Mark {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Conforms => Self::Conforms,
            Verdict::Better => Self::Better,
            Verdict::Deviates => Self::Deviates,
            Verdict::Fails => Self::Fails,
        }
    }
}

impl Entry {
    fn new(outcome: &Outcome, known: Option<&Implementation>, surprise: Option<Surprise>) -> Self {
        let mut entry = Self {
            id: outcome.id.clone(),
            title: escape(&outcome.title),
            spec: outcome.spec.clone(),
            group: group(&outcome.id, &outcome.spec).to_owned(),
            verdict: Mark::Skipped,
            ms: u64::try_from(outcome.time.as_millis()).unwrap_or(u64::MAX),
            reasons: Vec::new(),
            differences: Vec::new(),
            why: None,
            surprise: surprise.map(|surprise| surprise.to_string()),
        };
        match &outcome.result {
            Err(skipped) => entry.why = Some(escape(&skipped.to_string())),
            Ok(observation) => {
                entry.verdict = observation.verdict.into();
                let mut reasons: Vec<_> = observation.reasons.iter().copied().collect();
                if reasons.is_empty() && !observation.differences.is_empty() && entry.surprise.is_none() {
                    // Of an end that differs only the list of what is known has a reason.
                    reasons.extend(known.and_then(|known| known.get(&outcome.id)).map(|known| known.reason));
                }
                entry.reasons = reasons.into_iter().map(|reason| reason.id().to_owned()).collect();
                entry.differences = observation.differences.iter().map(Difference::escaped).collect();
            }
        }
        entry
    }

    /// What allows the difference, in the words of the specification where the word is known.
    pub fn reason_texts(&self) -> impl Iterator<Item = String> {
        self.reasons.iter().map(|word| Reason::from_id(word).map_or_else(|| word.clone(), |reason| reason.to_string()))
    }

    /// Everything that has to be said beyond the verdict, a line each.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let mut notes: Vec<_> = self.why.iter().cloned().chain(self.reason_texts()).collect();
        notes.extend(self.differences.iter().map(ToString::to_string));
        notes.extend(self.surprise.clone());
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Skipped;
    use crate::report::summary::tests::deviating;

    fn report(outcomes: &[Outcome]) -> Report {
        let subjects = vec![Subject { name: "a".to_owned(), version: Some("1.0".to_owned()) }];
        Report { date: Some("2024-02-29".to_owned()), ..Report::new("server", subjects, outcomes, None) }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let skipped = Outcome { id: "d/2".to_owned(), result: Err(Skipped::Stop), ..deviating("") };
        let report = report(&[deviating("\x1b]0;gotcha\x07"), skipped]);
        let json = report.to_json();
        assert_eq!(json["counts"]["deviates"], 1);
        assert_eq!((&json["counts"]["skipped"], &json["surprises"]), (&json!(1), &json!(1)));
        assert_eq!(json["scenarios"][0]["differences"][0]["got"], "\\u{1b}]0;gotcha\\u{7}");
        assert_eq!(Report::parse(&json.to_string()).unwrap(), report);
        assert_eq!(report.name(), "a 1.0");
    }

    #[test]
    fn the_reason_of_a_known_end_is_that_of_the_list() {
        let list = r#"{"d/1":{"verdict":"deviates","reason":"engine-accident","got":"a x"}}"#;
        let known = Implementation::parse(list).unwrap();
        let reasons = |got| {
            let report = Report::new("server", Vec::new(), &[deviating(got)], Some(&known));
            report.scenarios[0].reasons.clone()
        };
        assert_eq!(reasons("x"), ["engine-accident"]);
        assert_eq!(reasons("y"), [""; 0]);
    }

    #[test]
    fn a_later_field_does_no_harm_and_a_later_version_is_refused() {
        let mut json = report(&[deviating("x")]).to_json();
        json["scenarios"][0]["later"] = json!(5);
        assert!(Report::parse(&json.to_string()).is_ok());
        json["version"] = json!(2);
        assert!(matches!(Report::parse(&json.to_string()), Err(ReportError::Format)));
        assert!(matches!(Report::parse("{}"), Err(ReportError::Format)));
        assert!(matches!(Report::parse("x"), Err(ReportError::Json(_))));
    }

    #[test]
    fn what_makes_no_row_is_refused_and_what_is_too_long_is_cut() {
        let refused = |change: fn(&mut Value)| {
            let mut json = report(&[deviating("x")]).to_json();
            change(&mut json);
            Report::parse(&json.to_string())
        };
        assert!(matches!(refused(|json| json["subjects"] = json!([])), Err(ReportError::Subjects)));
        let twice = refused(|json| json["scenarios"] = json!([json["scenarios"][0], json["scenarios"][0]]));
        assert!(matches!(twice, Err(ReportError::Twice(id)) if id == "d/1"));
        let many = |groups: usize, id: fn(usize) -> String| {
            let mut json = report(&[]).to_json();
            let entry = |number| json!({"id": id(number), "group": number.to_string(), "verdict": "conforms"});
            json["scenarios"] = (0..groups).map(entry).collect();
            Report::parse(&json.to_string())
        };
        assert!(many(MAX_GROUPS, |number| number.to_string()).is_ok());
        assert!(matches!(many(MAX_GROUPS + 1, |number| number.to_string()), Err(ReportError::TooLarge)));
        let alike = many(2, |number| format!("{}{number}", "x".repeat(MAX_TEXT)));
        assert!(matches!(alike, Err(ReportError::Twice(_))));
        let long = refused(|json| json["scenarios"][0]["differences"][0]["got"] = "ä".repeat(5000).into()).unwrap();
        assert_eq!(long.scenarios[0].differences[0].got.chars().count(), MAX_TEXT + 1);
    }
}
