//! The vector files as they are checked in.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::objects;

/// The files that come with this program.
const FILES: [(&str, &str); 9] = [
    ("box", include_str!("../../vectors/box.json")),
    ("challenge", include_str!("../../vectors/challenge.json")),
    ("close_reason", include_str!("../../vectors/close_reason.json")),
    ("encryption", include_str!("../../vectors/encryption.json")),
    ("escape", include_str!("../../vectors/escape.json")),
    ("fragmentation", include_str!("../../vectors/fragmentation.json")),
    ("padding", include_str!("../../vectors/padding.json")),
    ("stack", include_str!("../../vectors/stack.json")),
    ("timers", include_str!("../../vectors/timers.json")),
];

/// One file of vectors.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VectorFile {
    /// The file's name, without extension.
    #[serde(skip)]
    pub name: String,
    /// Whether its values are what they say, without recipes for large ones.
    #[serde(skip)]
    pub literal: bool,
    /// What it tests, for people.
    pub about: String,
    /// Bytes in hex that steps refer to by name.
    #[serde(default)]
    pub data: BTreeMap<String, String>,
    /// The cases, by what they have in common.
    pub groups: Vec<Group>,
}

/// Cases that begin alike.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// What the cases have in common.
    pub name: String,
    /// Whether the cases go on where the one before ended. Otherwise each begins anew.
    #[serde(default)]
    pub lasting: bool,
    /// The steps before a case; in a lasting group, before the first one.
    #[serde(default)]
    pub setup: Vec<Step>,
    /// The cases.
    pub cases: Vec<Case>,
}

/// What is counted: one thing that an implementation does right or not.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The name, unique in its group.
    pub name: String,
    /// The steps, in order.
    pub steps: Vec<Step>,
}

/// One operation and its answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "Map<String, Value>")]
pub struct Step {
    /// An [`super::Op`], with recipes in place of large values.
    pub op: Value,
    /// An [`super::Answer`], likewise.
    pub expect: Value,
}

impl From<Map<String, Value>> for Step {
    fn from(mut fields: Map<String, Value>) -> Self {
        let expect = fields.remove("expect").unwrap_or_else(|| serde_json::json!({ "flag": true }));
        Self { op: Value::Object(fields), expect }
    }
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// It is malformed.
    #[error("{file}: {error}")]
    Json {
        /// The file's name.
        file: String,
        /// What is wrong.
        error: serde_json::Error,
    },
    /// Two cases could not be told apart in a list of deviations.
    #[error("two cases are called {0}")]
    Twice(String),
}

impl VectorFile {
    /// All files that come with this program, sorted by name.
    ///
    /// # Errors
    ///
    /// [`FileError`] for the first that cannot be used.
    pub fn all() -> Result<Vec<Self>, FileError> {
        let mut files: Vec<_> = FILES.iter().map(|(name, json)| Self::parse(name, json)).collect::<Result<_, _>>()?;
        let malformed = |error| FileError::Json { file: objects::NAME.to_owned(), error };
        files.push(objects::file().map_err(malformed)?.without_twins()?);
        files.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(files)
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// [`FileError`] if it cannot be used.
    pub fn parse(name: &str, json: &str) -> Result<Self, FileError> {
        let parsed = serde_json::from_str(json).map_err(|error| FileError::Json { file: name.to_owned(), error });
        Self { name: name.to_owned(), ..parsed? }.without_twins()
    }

    fn without_twins(self) -> Result<Self, FileError> {
        let mut seen = BTreeSet::new();
        let twin = self.ids().find(|id| !seen.insert(id.clone()));
        twin.map_or(Ok(self), |id| Err(FileError::Twice(id)))
    }

    /// The ids of all cases, in order.
    pub fn ids(&self) -> impl Iterator<Item = String> {
        self.groups.iter().flat_map(|group| group.cases.iter().map(|case| self.id(group, case)))
    }

    /// The sections of the specification, as `about` names them.
    #[must_use]
    pub fn spec(&self) -> String {
        let sections = ["spec/wire.md ", "spec/one.md "].iter().find_map(|document| self.about.split_once(document));
        let sections = sections.map_or("", |(_, sections)| sections);
        sections.split_once(')').map_or(sections, |(sections, _)| sections).to_owned()
    }

    /// How a case is called in reports and lists: file, group and name.
    #[must_use]
    pub fn id(&self, group: &Group, case: &Case) -> String {
        format!("{}/{}/{}", self.name, group.name, case.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::checks;

    #[test]
    fn no_file_is_forgotten() {
        checks::nothing_forgotten("vectors", "json", &FILES);
    }

    #[test]
    fn every_file_names_its_sections() {
        let specs: Vec<_> = VectorFile::all().unwrap().iter().map(VectorFile::spec).collect();
        assert!(specs.iter().all(|spec| spec.starts_with('§')), "{specs:?}");
        assert!(specs.contains(&"§2, §4".to_owned()), "{specs:?}");
    }

    #[test]
    fn what_no_file_may_hold_is_refused() {
        let twice = r#"{"about":"","groups":[{"name":"g","cases":[{"name":"a","steps":[]},{"name":"a","steps":[]}]}]}"#;
        assert!(matches!(VectorFile::parse("f", twice), Err(FileError::Twice(id)) if id == "f/g/a"));
        let misspelt = r#"{"about":"","groups":[{"name":"g","lastin":true,"cases":[]}]}"#;
        assert!(matches!(VectorFile::parse("f", misspelt), Err(FileError::Json { .. })));
    }

    #[test]
    fn a_step_that_expects_nothing_expects_success() {
        let step: Step = serde_json::from_str(r#"{"do":"connect","end":"a","plugins":[]}"#).unwrap();
        assert_eq!(step.expect, serde_json::json!({ "flag": true }));
        assert_eq!(step.op["do"], "connect");
    }
}
