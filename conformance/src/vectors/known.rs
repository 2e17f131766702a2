//! Where an implementation is known to answer otherwise, and why. The list is checked in; a difference that is not on
//! it is a surprise, and so is one that is gone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use super::{Difference, FileReport};

/// The known deviations of one implementation, by case.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Known(BTreeMap<String, Deviation>);

/// What an implementation answers instead.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deviation {
    /// The step, counted from 0.
    #[serde(default)]
    pub step: usize,
    /// The answer.
    pub got: Value,
    /// What allows it.
    pub rule: Rule,
    /// Why, for people.
    pub why: String,
}

/// What allows a deviation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// A row of `spec/wire.md §10`: non-hex and low-order keys are refused.
    RefusedKeys,
    /// `spec/wire.md §10`: a text that is an accident of the JavaScript engine is no part of the protocol.
    EngineAccident,
    /// Nothing in `spec/wire.md`: a local function of the reference that no byte on the wire depends on.
    NotOnTheWire,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RefusedKeys => "a row of §10: non-hex and low-order keys are refused",
            Self::EngineAccident => "JavaScript engine accident, §10 first paragraph",
            Self::NotOnTheWire => {
                "no row of §10: a local function of the reference, on which no byte on the wire depends"
            }
        })
    }
}

/// A difference between what is known and what happened.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Surprise {
    /// Not on the list, or otherwise than there.
    #[error("{}, step {}: expected {}, got {}", .0.case, .0.step, .0.expected, .0.got)]
    Unknown(Difference),
    /// On the list, but the answer is the expected one now.
    #[error("{0}: the known deviation is gone; take it off the list")]
    Gone(String),
    /// On the list, but there is no such case.
    #[error("{0}: no such case")]
    NoSuchCase(String),
}

impl Known {
    /// The list of this project's own implementation.
    ///
    /// # Errors
    ///
    /// If it is malformed.
    pub fn ratatosk() -> Result<Self, serde_json::Error> {
        Self::parse(include_str!("../../expected/vectors.json"))
    }

    /// Reads a list.
    ///
    /// # Errors
    ///
    /// If it is malformed.
    pub fn parse(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// What is known of a case.
    #[must_use]
    pub fn get(&self, case: &str) -> Option<&Deviation> {
        self.0.get(case)
    }

    /// The deviations, by case.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Deviation)> {
        self.0.iter().map(|(case, deviation)| (case.as_str(), deviation))
    }

    /// What in the reports was not to be expected. Entries for files that did not run are left alone.
    #[must_use]
    pub fn surprises(&self, reports: &[FileReport]) -> Vec<Surprise> {
        let differences = reports.iter().flat_map(|report| &report.differences);
        let unknown = differences.clone().filter(|difference| !self.is_known(difference)).cloned();
        let differing: BTreeSet<_> = differences.clone().map(|difference| difference.case.as_str()).collect();
        let ran: BTreeSet<_> = reports.iter().flat_map(|report| &report.cases).map(String::as_str).collect();
        let is_of_a_file_that_ran =
            |case: &str| reports.iter().any(|report| case.split('/').next() == Some(&report.file));
        let listed = self.0.keys().filter(|case| is_of_a_file_that_ran(case) && !differing.contains(case.as_str()));
        let stale = listed.map(|case| match ran.contains(case.as_str()) {
            true => Surprise::Gone(case.clone()),
            false => Surprise::NoSuchCase(case.clone()),
        });
        unknown.map(Surprise::Unknown).chain(stale).collect()
    }

    fn is_known(&self, difference: &Difference) -> bool {
        self.0.get(&difference.case).is_some_and(|known| known.step == difference.step && known.got == difference.got)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn report(differences: Vec<Difference>) -> FileReport {
        FileReport { file: "f".to_owned(), cases: vec!["f/g/a".to_owned()], differences }
    }

    fn list(json: Value) -> Known {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_change_in_either_direction_is_a_surprise() {
        let entry = json!({ "got": 1, "rule": "refused-keys", "why": "" });
        let known = list(json!({ "f/g/a": entry }));
        let difference = |got| Difference { case: "f/g/a".to_owned(), step: 0, expected: json!(0), got: json!(got) };
        assert_eq!(known.surprises(&[report(vec![difference(1)])]), []);
        assert_eq!(known.surprises(&[report(vec![])]), [Surprise::Gone("f/g/a".to_owned())]);
        assert_eq!(known.surprises(&[report(vec![difference(2)])]), [Surprise::Unknown(difference(2))]);
        assert_eq!(list(json!({})).surprises(&[report(vec![difference(1)])]), [Surprise::Unknown(difference(1))]);
        let misspelt = list(json!({ "f/g/b": entry, "other/g/a": entry }));
        assert_eq!(misspelt.surprises(&[report(vec![])]), [Surprise::NoSuchCase("f/g/b".to_owned())]);
    }
}
