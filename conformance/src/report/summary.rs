//! The counts of a run, and what allows what in it is not as recorded.

use std::collections::BTreeMap;
use std::fmt;

use super::known::stranger;
use super::{Implementation, Observation, Outcome, Surprise, Verdict};
use crate::scenario::reason::{Reason, Rule};

/// What allows a difference, and why; `None` if nothing is known that does.
type AllowedBy = Option<(Rule, Reason)>;

/// The counts of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    counts: BTreeMap<Verdict, usize>,
    /// The scenarios that went another way than the recorded one, by verdict and what allows it.
    allowed: BTreeMap<(Verdict, AllowedBy), Vec<String>>,
    skipped: usize,
    surprises: usize,
}

impl Summary {
    /// Counts an outcome, and compares it with what is known; `None` if nothing is.
    pub fn add(&mut self, outcome: &Outcome, known: Option<&Implementation>) -> Option<Surprise> {
        match &outcome.result {
            Ok(observation) => {
                *self.counts.entry(observation.verdict).or_default() += 1;
                self.sort(outcome, observation, known);
            }
            Err(_) => self.skipped += 1,
        }
        let surprise = known.map_or_else(|| stranger(outcome), |known| known.surprise(outcome));
        self.surprises += usize::from(surprise.is_some());
        surprise
    }

    /// Puts a scenario under its reasons. Of an end that differs only the list of what is known has one.
    fn sort(&mut self, outcome: &Outcome, observation: &Observation, known: Option<&Implementation>) {
        if !matches!(observation.verdict, Verdict::Better | Verdict::Deviates) {
            return;
        }
        let mut reasons: Vec<_> = observation.reasons.iter().map(|reason| Some(*reason)).collect();
        if reasons.is_empty() {
            reasons.push(known.and_then(|known| known.get(&outcome.id)).map(|known| known.reason));
        }
        for reason in reasons {
            let allowed_by = reason.map(|reason| (reason.rule(), reason));
            self.allowed.entry((observation.verdict, allowed_by)).or_default().push(outcome.id.clone());
        }
    }

    /// The scenarios that are better or deviate, under the rules and reasons that allow it: a line for each rule, and one
    /// for each reason.
    #[must_use]
    pub fn by_rule(&self) -> String {
        let mut out = String::new();
        let mut heading = None;
        for ((verdict, allowed_by), ids) in &self.allowed {
            let rule = allowed_by.map(|(rule, _)| rule);
            if heading != Some((*verdict, rule)) {
                heading = Some((*verdict, rule));
                let rule = rule.map_or_else(|| "nothing that is known".to_owned(), |rule| rule.to_string());
                out.push_str(&format!("{verdict}, allowed by: {rule}\n"));
            }
            let reason = allowed_by.map_or("", |(_, reason)| reason.text());
            let mut ids = ids.clone();
            ids.sort_unstable();
            out.push_str(&format!("  {:>3} {reason}: {}\n", ids.len(), ids.join(" ")));
        }
        out
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

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use super::*;
    use crate::report::{Difference, Skipped};

    pub(in crate::report) fn deviating(got: &str) -> Outcome {
        let mut observation = Observation::default();
        let difference = Difference { client: "a".to_owned(), expected: "1000 x".to_owned(), got: got.to_owned() };
        observation.differs(Verdict::Deviates, difference);
        Outcome {
            id: "d/1".to_owned(),
            title: "t".to_owned(),
            spec: "§6".to_owned(),
            result: Ok(observation),
            time: Duration::ZERO,
        }
    }

    #[test]
    fn what_is_in_no_row_of_the_table_stands_apart() {
        let list = r#"{"d/1":{"verdict":"deviates","reason":"engine-accident","got":"a x"}}"#;
        let known = Implementation::parse(list).unwrap();
        let outcome = |id: &str, verdict, reason| {
            let mut observation = Observation::default();
            observation.note(verdict, Some(reason));
            Outcome { id: id.to_owned(), result: Ok(observation), ..deviating("") }
        };
        let mut summary = Summary::default();
        summary.add(&deviating("x"), Some(&known));
        summary.add(&Outcome { id: "d/0".to_owned(), ..deviating("x") }, Some(&known));
        summary.add(&outcome("d/3", Verdict::Deviates, Reason::EarlyCap), Some(&known));
        summary.add(&outcome("d/2", Verdict::Deviates, Reason::EarlyCap), Some(&known));
        summary.add(&outcome("d/4", Verdict::Better, Reason::Stop), Some(&known));
        let [stop, accident, cap] = [Reason::Stop, Reason::EngineAccident, Reason::EarlyCap].map(Reason::text);
        let expected = [
            "conforms better, allowed by: a row of §10".to_owned(),
            format!("    1 {stop}: d/4"),
            "deviates, allowed by: nothing that is known".to_owned(),
            "    1 : d/0".to_owned(),
            "deviates, allowed by: JavaScript engine accident, §10 first paragraph".to_owned(),
            format!("    1 {accident}: d/1"),
            "deviates, allowed by: relay limits, no row of §10".to_owned(),
            format!("    2 {cap}: d/2 d/3"),
        ];
        assert_eq!(summary.by_rule().lines().collect::<Vec<_>>(), expected);
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
