//! A run of the vectors as outcomes, one for each case: what the reports of all suites are made of.

use std::time::Instant;

use serde_json::Value;

use super::replay::each_case;
use super::{Codec, Deviation, Difference, Known, ReplayError, Rule, VectorFile};
use crate::report::{self, Implementation, Observation, Outcome, Skipped, Verdict};
use crate::scenario::reason::Reason;

/// Most differences of one case that are told.
const MAX_TOLD: usize = 5;

/// How to judge.
#[derive(Clone, Debug, Default)]
pub struct Judge {
    /// The answers that are allowed beside the recorded ones.
    pub allowed: Known,
    /// Whether a codec may leave out what it has not: such a case is skipped.
    pub partial: bool,
}

/// Asks a codec every case whose id is wanted, and gives what came of each as soon as it is there. In groups whose cases
/// go on from one another all are asked.
///
/// # Errors
///
/// [`ReplayError`] if the vectors cannot be used.
pub fn run(
    files: &[VectorFile],
    wanted: &dyn Fn(&str) -> bool,
    judge: &Judge,
    codec: &mut dyn Codec,
    show: &mut dyn FnMut(Outcome),
) -> Result<(), ReplayError> {
    for file in files {
        let spec = file.spec();
        let mut started = Instant::now();
        each_case(file, wanted, codec, &mut |case, played| {
            let result = match played {
                Ok(differences) => judge.case(&case, &differences),
                Err(ReplayError::Lost { .. }) => Err(Skipped::Because("goes on from a case without an answer".into())),
                Err(ReplayError::Codec { error, .. }) => Ok(failed("codec", "an answer", &error.to_string())),
                Err(other) => return Err(other),
            };
            let time = started.elapsed();
            started = Instant::now();
            show(Outcome { id: case, title: String::new(), spec: spec.clone(), result, time });
            Ok(())
        })?;
    }
    Ok(())
}

impl Judge {
    /// The verdict on a case.
    fn case(&self, case: &str, differences: &[Difference]) -> Result<Observation, Skipped> {
        if let (true, Some(why)) = (self.partial, differences.first().and_then(|it| it.got.get("unsupported"))) {
            return Err(Skipped::Because(format!("unsupported: {}", why.as_str().unwrap_or_default())));
        }
        let mut observation = Observation::default();
        let allowed = self.allowed.get(case).filter(|allowed| matches!(differences, [it] if is_allowed(allowed, it)));
        if let Some(Deviation { rule, .. }) = allowed {
            let (verdict, reason) = weight(*rule);
            observation.note(verdict, Some(reason));
        } else if !differences.is_empty() {
            observation.note(Verdict::Fails, None);
        }
        for difference in differences.iter().take(MAX_TOLD) {
            observation.differences.push(told(difference));
        }
        Ok(observation)
    }
}

/// The same answer in the same step; an error may have words of its own.
fn is_allowed(allowed: &Deviation, difference: &Difference) -> bool {
    let is_error = |answer: &Value| answer["error"].is_string();
    let both_errors = is_error(&allowed.got) && is_error(&difference.got);
    allowed.step == difference.step && (allowed.got == difference.got || both_errors)
}

/// A list of known answers as one of known outcomes.
#[must_use]
pub fn implementation(known: &Known) -> Implementation {
    let entry = |(case, deviation): (&str, &Deviation)| {
        let (verdict, reason) = weight(deviation.rule);
        let got = format!("{} {}", step(deviation.step), deviation.got);
        (case.to_owned(), report::Known { verdict, reason, got })
    };
    Implementation::from(known.iter().map(entry).collect::<std::collections::BTreeMap<_, _>>())
}

/// What a deviation that this rule allows is in a report.
fn weight(rule: Rule) -> (Verdict, Reason) {
    match rule {
        Rule::RefusedKeys => (Verdict::Better, Reason::RegisterKeys),
        Rule::EngineAccident => (Verdict::Deviates, Reason::EngineAccident),
        Rule::NotOnTheWire => (Verdict::Deviates, Reason::NotOnTheWire),
    }
}

fn told(difference: &Difference) -> report::Difference {
    report::Difference {
        client: step(difference.step),
        expected: difference.expected.to_string(),
        got: difference.got.to_string(),
    }
}

fn step(step: usize) -> String {
    format!("step {step}")
}

fn failed(client: &str, expected: &str, got: &str) -> Observation {
    let mut observation = Observation::default();
    let (client, expected, got) = (client.to_owned(), expected.to_owned(), got.to_owned());
    observation.differs(Verdict::Fails, report::Difference { client, expected, got });
    observation
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::vectors::{CodecError, Ratatosk};

    /// Answers as it is told, and not at all to `fail`.
    struct Scripted(Value);

    impl Codec for Scripted {
        fn reset(&mut self) {}

        fn answer(&mut self, op: &Value) -> Result<Value, CodecError> {
            if op["do"] == "fail" { Err(CodecError("gone".to_owned())) } else { Ok(self.0.clone()) }
        }
    }

    fn case(name: &str, op: &str) -> Value {
        json!({ "name": name, "steps": [{ "do": op, "expect": { "flag": true } }] })
    }

    fn outcomes(lasting: bool, answer: Value, judge: &Judge) -> Vec<Outcome> {
        let cases = [case("a", "fail"), case("b", "x")];
        let file =
            json!({ "about": "x (spec/wire.md §4).", "groups": [{ "name": "g", "lasting": lasting, "cases": cases }] });
        let file = VectorFile::parse("f", &file.to_string()).unwrap();
        let mut outcomes = Vec::new();
        run(&[file], &|_| true, judge, &mut Scripted(answer), &mut |outcome| outcomes.push(outcome)).unwrap();
        outcomes
    }

    fn verdict(outcome: &Outcome) -> Option<Verdict> {
        outcome.result.as_ref().ok().map(|observation| observation.verdict)
    }

    #[test]
    fn a_case_without_an_answer_fails_and_the_next_one_is_asked() {
        let outcomes = outcomes(false, json!({ "flag": true }), &Judge::default());
        assert_eq!(outcomes.iter().map(verdict).collect::<Vec<_>>(), [Some(Verdict::Fails), Some(Verdict::Conforms)]);
        assert_eq!((outcomes[0].id.as_str(), outcomes[0].spec.as_str()), ("f/g/a", "§4"));
        assert_eq!(outcomes[0].result.as_ref().unwrap().got(), "codec gone");
    }

    #[test]
    fn what_goes_on_from_a_case_without_an_answer_is_not_tried() {
        let outcomes = outcomes(true, json!({ "flag": true }), &Judge::default());
        assert_eq!(outcomes.iter().map(verdict).collect::<Vec<_>>(), [Some(Verdict::Fails), None]);
    }

    #[test]
    fn only_what_is_listed_may_differ() {
        let allowed = |got: Value| {
            let list = json!({ "f/g/b": { "got": got, "rule": "refused-keys", "why": "" } });
            Judge { allowed: serde_json::from_value(list).unwrap(), partial: false }
        };
        let b = |answer: Value, judge: &Judge| verdict(&outcomes(false, answer, judge)[1]);
        assert_eq!(b(json!({ "error": "x" }), &allowed(json!({ "error": "y" }))), Some(Verdict::Better));
        assert_eq!(b(json!({ "bytes": "00" }), &allowed(json!({ "bytes": "00" }))), Some(Verdict::Better));
        assert_eq!(b(json!({ "bytes": "00" }), &allowed(json!({ "error": "y" }))), Some(Verdict::Fails));
        assert_eq!(b(json!({ "bytes": "00" }), &allowed(json!({ "bytes": "01" }))), Some(Verdict::Fails));
        assert_eq!(b(json!({ "error": "x" }), &Judge::default()), Some(Verdict::Fails));
    }

    #[test]
    fn what_is_not_there_is_skipped_only_where_that_is_allowed() {
        let answer = json!({ "unsupported": "no such thing" });
        let partial = Judge { partial: true, ..Judge::default() };
        assert_eq!(verdict(&outcomes(false, answer.clone(), &Judge::default())[1]), Some(Verdict::Fails));
        let skipped = Skipped::Because("unsupported: no such thing".to_owned());
        assert_eq!(outcomes(false, answer, &partial)[1].result, Err(skipped));
    }

    #[test]
    fn our_codec_is_as_it_is_known_word_for_word() {
        let list = Known::ratatosk().unwrap();
        let (known, judge) = (implementation(&list), Judge { allowed: list, partial: false });
        let (mut summary, mut surprises) = (report::Summary::default(), Vec::new());
        let files = VectorFile::all().unwrap();
        run(&files, &|_| true, &judge, &mut Ratatosk::default(), &mut |outcome| {
            if summary.add(&outcome, Some(&known)).is_some() {
                surprises.push(outcome);
            }
        })
        .unwrap();
        assert_eq!(surprises, []);
        assert_eq!((summary.count(Verdict::Better), summary.count(Verdict::Deviates)), (4, 12));
    }
}
