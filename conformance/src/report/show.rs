//! Outcomes as lines for people and as JSON for programs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Implementation, Outcome, Summary, Surprise, Verdict, escape};

/// A line for an outcome: verdict, scenario, time, title. What else has to be said stands in further lines.
#[must_use]
pub fn line(outcome: &Outcome, surprise: Option<&Surprise>) -> String {
    let mark = if surprise.is_some() { '!' } else { ' ' };
    let (verdict, notes) = match &outcome.result {
        Err(skipped) => ("skipped".to_owned(), vec![escape(&skipped.to_string())]),
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
        "allowed": summary.allowed(),
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
            value["why"] = escape(&skipped.to_string()).into();
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
    use super::*;
    use crate::report::summary::tests::deviating;

    #[test]
    fn peer_text_is_escaped_for_people_and_programs() {
        let outcome = deviating("\x1b]0;gotcha\x07");
        assert!(!line(&outcome, None).contains('\x1b'));
        let value = json(&[outcome], None);
        assert_eq!(value["scenarios"][0]["differences"][0]["got"], "\\u{1b}]0;gotcha\\u{7}");
    }
}
