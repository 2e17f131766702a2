//! Asks a codec, step by step, and notes where it answers otherwise.

use serde_json::Value;

use super::recipe::{self, RecipeError};
use super::{FileError, Step, VectorFile};

/// An implementation of the protocol's codecs, in this process or behind a pipe.
pub trait Codec {
    /// Forgets all connections.
    fn reset(&mut self);

    /// Does an operation: takes a [`super::Op`] and gives a [`super::Answer`], both as JSON.
    ///
    /// # Errors
    ///
    /// [`CodecError`] if there is no answer. That ends the run.
    fn answer(&mut self, op: &Value) -> Result<Value, CodecError>;
}

/// A codec gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CodecError(pub String);

/// Why a run ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// A step cannot be asked.
    #[error("{case}: {error}")]
    Recipe {
        /// The case.
        case: String,
        /// Why not.
        error: RecipeError,
    },
    /// The case goes on from another one in which the codec gave no answer.
    #[error("{case}: goes on from a case in which the codec gave no answer")]
    Lost {
        /// The case.
        case: String,
    },
    /// The codec gave no answer.
    #[error("{case}: {error}")]
    Codec {
        /// The case.
        case: String,
        /// What it said instead.
        error: CodecError,
    },
}

/// What came of one file.
#[derive(Clone, Debug, PartialEq)]
pub struct FileReport {
    /// The file's name.
    pub file: String,
    /// The cases that ran, in order.
    pub cases: Vec<String>,
    /// Where the codec answered otherwise.
    pub differences: Vec<Difference>,
}

/// A step whose answer was another one.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The case.
    pub case: String,
    /// The step, counted from 0.
    pub step: usize,
    /// What was to come.
    pub expected: Value,
    /// What came.
    pub got: Value,
}

/// Replays a file.
///
/// # Errors
///
/// [`ReplayError`] if the run could not be finished.
pub fn replay(file: &VectorFile, codec: &mut dyn Codec) -> Result<FileReport, ReplayError> {
    let mut report = FileReport { file: file.name.clone(), cases: Vec::new(), differences: Vec::new() };
    each_case(file, &|_| true, codec, &mut |case, differences| {
        report.differences.extend(differences?);
        report.cases.push(case);
        Ok(())
    })?;
    Ok(report)
}

/// What came of one case.
type Played = Result<Vec<Difference>, ReplayError>;

/// Plays the cases of a file, or of its lasting groups all if one of their cases is wanted, and hands over what came of
/// each. It goes on after a case without an answer, unless it is told not to: a codec may have been started again.
///
/// # Errors
///
/// What `done` gives.
pub(super) fn each_case(
    file: &VectorFile,
    wanted: &dyn Fn(&str) -> bool,
    codec: &mut dyn Codec,
    done: &mut dyn FnMut(String, Played) -> Result<(), ReplayError>,
) -> Result<(), ReplayError> {
    for group in &file.groups {
        let mut lost = false;
        let group_wanted = group.cases.iter().any(|case| wanted(&file.id(group, case)));
        for (index, case) in group.cases.iter().enumerate() {
            let id = file.id(group, case);
            if !(if group.lasting { group_wanted } else { wanted(&id) }) {
                continue;
            }
            let mut played = Ok(Vec::new());
            if index == 0 || !group.lasting {
                codec.reset();
                played = steps(file, &id, &group.setup, codec);
            }
            if lost {
                played = Err(ReplayError::Lost { case: id.clone() });
            }
            let played = played.and_then(|mut differences| {
                differences.extend(steps(file, &id, &case.steps, codec)?);
                Ok(differences)
            });
            lost = group.lasting && played.is_err();
            done(id, played)?;
        }
    }
    Ok(())
}

fn steps(file: &VectorFile, case: &str, steps: &[Step], codec: &mut dyn Codec) -> Result<Vec<Difference>, ReplayError> {
    let mut differences = Vec::new();
    let mut previous = None;
    for (index, step) in steps.iter().enumerate() {
        let expand = |value: &Value| {
            if file.literal {
                return Ok(value.clone());
            }
            let made = recipe::expand(value, &file.data, previous.as_ref());
            made.map_err(|error| ReplayError::Recipe { case: case.to_owned(), error })
        };
        let (op, expected) = (expand(&step.op)?, expand(&step.expect)?);
        let got = codec.answer(&op).map_err(|error| ReplayError::Codec { case: case.to_owned(), error })?;
        if !recipe::matches("", &expected, &got) {
            differences.push(Difference { case: case.to_owned(), step: index, expected, got: got.clone() });
        }
        previous = Some(got);
    }
    Ok(differences)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Answers with how many steps it was asked since it was reset.
    #[derive(Default)]
    struct Counting(u64);

    impl Codec for Counting {
        fn reset(&mut self) {
            self.0 = 0;
        }

        fn answer(&mut self, op: &Value) -> Result<Value, CodecError> {
            self.0 += 1;
            match op["do"].as_str() {
                Some("fail") => Err(CodecError("gone".to_owned())),
                _ => Ok(json!({ "n": self.0 })),
            }
        }
    }

    fn run(groups: &Value) -> Result<FileReport, ReplayError> {
        let file = VectorFile::parse("f", &json!({ "about": "", "groups": groups }).to_string()).unwrap();
        replay(&file, &mut Counting::default())
    }

    fn case(name: &str, n: u64) -> Value {
        json!({ "name": name, "steps": [{ "do": "x", "expect": { "n": n } }] })
    }

    #[test]
    fn only_lasting_groups_go_on() {
        let setup = json!([{ "do": "x", "expect": { "n": 1 } }]);
        let fresh = json!({ "name": "fresh", "setup": setup, "cases": [case("a", 2), case("b", 2)] });
        let lasting =
            json!({ "name": "lasting", "lasting": true, "setup": setup, "cases": [case("a", 2), case("b", 3)] });
        let report = run(&json!([fresh, lasting])).unwrap();
        assert_eq!(report.cases, ["f/fresh/a", "f/fresh/b", "f/lasting/a", "f/lasting/b"]);
        assert_eq!(report.differences, []);
    }

    #[test]
    fn another_answer_is_noted_and_no_answer_ends_the_run() {
        let report = run(&json!([{ "name": "g", "cases": [case("a", 7)] }])).unwrap();
        let (expected, got) = (json!({ "n": 7 }), json!({ "n": 1 }));
        assert_eq!(report.differences, [Difference { case: "f/g/a".to_owned(), step: 0, expected, got }]);
        let failing = json!([{ "name": "g", "cases": [{ "name": "a", "steps": [{ "do": "fail" }] }] }]);
        assert!(matches!(run(&failing), Err(ReplayError::Codec { .. })));
    }
}
