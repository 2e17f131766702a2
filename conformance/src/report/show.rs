//! Outcomes as lines for people.

use super::{Outcome, Surprise, escape};

/// A line for an outcome: verdict, time, scenario, title. What else has to be said stands in further lines.
#[must_use]
pub fn line(outcome: &Outcome, surprise: Option<&Surprise>) -> String {
    let mark = if surprise.is_some() { '!' } else { ' ' };
    let (verdict, notes) = match &outcome.result {
        Err(skipped) => ("skipped".to_owned(), vec![escape(&skipped.to_string())]),
        Ok(observation) => {
            let mut notes: Vec<_> = observation.reasons.iter().map(ToString::to_string).collect();
            notes.extend(observation.differences.iter().map(|difference| difference.escaped().to_string()));
            (observation.verdict.to_string(), notes)
        }
    };
    let (ms, title) = (outcome.time.as_millis(), escape(&outcome.title));
    let mut out = format!("{mark} {verdict:<15} {ms:>6} ms  {:<21} {title}", outcome.id).trim_end().to_owned();
    for note in notes.into_iter().chain(surprise.map(ToString::to_string)) {
        out.push_str("\n                   ");
        out.push_str(&note);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::summary::tests::deviating;

    #[test]
    fn peer_text_is_escaped() {
        let outcome = deviating("\x1b]0;gotcha\x07");
        assert!(!line(&outcome, None).contains('\x1b'));
    }
}
