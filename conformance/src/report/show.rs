//! Outcomes as lines for people and as JSON for programs.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value, json};

use super::known::stranger;
use super::{Implementation, Outcome, Surprise, Verdict, escape};

/// A line for an outcome: verdict, scenario, time, title. What else has to be said stands in further lines.
#[must_use]
pub fn line(outcome: &Outcome, surprise: Option<&Surprise>) -> String {
    let mark = if surprise.is_some() { '!' } else { ' ' };
    let (verdict, notes) = match &outcome.result {
        Err(skipped) => ("skipped".to_owned(), vec![skipped.to_string()]),
        Ok(observation) => {
            let mut notes: Vec<_> = observation.reasons.iter().map(ToString::to_string).collect();
            notes.extend(observation.differences.iter().map(|difference| {
                let (expected, got) = (escape(&difference.expected), escape(&difference.got));
                format!("{}: expected {expected}, got {got}", difference.client)
            }));
            (observation.verdict.to_string(), notes)
        }
    };
    let mut out = format!(
        "{mark} {verdict:<15} {:<21} {:>6} ms  {}",
        outcome.id,
        outcome.time.as_millis(),
        escape(&outcome.title)
    );
    for note in notes.into_iter().chain(surprise.map(ToString::to_string)) {
        out.push_str("\n                   ");
        out.push_str(&note);
    }
    out
}

/// The counts of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    counts: BTreeMap<Verdict, usize>,
    skipped: usize,
    surprises: usize,
}

impl Summary {
    /// Counts an outcome, and compares it with what is known; `None` if nothing is.
    pub fn add(&mut self, outcome: &Outcome, known: Option<&Implementation>) -> Option<Surprise> {
        match &outcome.result {
            Ok(observation) => *self.counts.entry(observation.verdict).or_default() += 1,
            Err(_) => self.skipped += 1,
        }
        let surprise = known.map_or_else(|| stranger(outcome), |known| known.surprise(outcome));
        self.surprises += usize::from(surprise.is_some());
        surprise
    }

    /// Scenarios with this verdict.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.counts.get(&verdict).copied().unwrap_or_default()
    }

    /// Scenarios that were not tried.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// Outcomes that were not to be expected.
    #[must_use]
    pub fn surprises(&self) -> usize {
        self.surprises
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.counts.values().sum::<usize>() + self.skipped;
        write!(f, "{total} scenarios:")?;
        for verdict in Verdict::ALL {
            write!(f, " {} {verdict},", self.count(verdict))?;
        }
        write!(f, " {} skipped; {} not as known", self.skipped, self.surprises)
    }
}

/// The whole run as one JSON object.
#[must_use]
pub fn json(outcomes: &[Outcome], known: Option<&Implementation>) -> Value {
    let mut summary = Summary::default();
    let scenarios: Vec<_> = outcomes.iter().map(|outcome| entry(outcome, summary.add(outcome, known))).collect();
    let counts: BTreeMap<_, _> =
        Verdict::ALL.into_iter().map(|verdict| (verdict.to_string(), summary.count(verdict))).collect();
    json!({
        "counts": counts,
        "skipped": summary.skipped(),
        "surprises": summary.surprises(),
        "scenarios": scenarios,
    })
}

fn entry(outcome: &Outcome, surprise: Option<Surprise>) -> Value {
    let mut value = json!({
        "id": outcome.id,
        "title": escape(&outcome.title),
        "ms": u64::try_from(outcome.time.as_millis()).unwrap_or(u64::MAX),
    });
    match &outcome.result {
        Err(skipped) => {
            value["verdict"] = "skipped".into();
            value["why"] = skipped.to_string().into();
        }
        Ok(observation) => {
            value["verdict"] = observation.verdict.to_string().into();
            value["reasons"] = json!(observation.reasons);
            let differences = observation.differences.iter().map(|difference| {
                json!({
                    "client": difference.client,
                    "expected": escape(&difference.expected),
                    "got": escape(&difference.got),
                })
            });
            value["differences"] = differences.collect();
        }
    }
    if let Some(surprise) = surprise {
        value["surprise"] = surprise.to_string().into();
    }
    value
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::report::{Difference, Observation, Skipped};

    fn deviating(got: &str) -> Outcome {
        let mut observation = Observation::default();
        let difference = Difference { client: "a".to_owned(), expected: "1000 x".to_owned(), got: got.to_owned() };
        observation.differs(Verdict::Deviates, difference);
        Outcome { id: "d/1".to_owned(), title: "t".to_owned(), result: Ok(observation), time: Duration::ZERO }
    }

    #[test]
    fn peer_text_is_escaped_for_people_and_programs() {
        let outcome = deviating("\x1b]0;gotcha\x07");
        assert!(!line(&outcome, None).contains('\x1b'));
        let value = json(&[outcome], None);
        assert_eq!(value["scenarios"][0]["differences"][0]["got"], "\\u{1b}]0;gotcha\\u{7}");
    }

    #[test]
    fn everything_is_counted() {
        let mut summary = Summary::default();
        assert_eq!(summary.add(&deviating("x"), None), Some(Surprise::Unknown));
        let skipped = Outcome { result: Err(Skipped::Stop), ..deviating("x") };
        assert_eq!(summary.add(&skipped, None), None);
        assert_eq!(
            summary.to_string(),
            "2 scenarios: 0 conforms, 0 conforms better, 1 deviates, 0 fails, 1 skipped; 1 not as known"
        );
    }
}
