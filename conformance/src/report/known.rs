//! What is known of an implementation: the scenarios in which it does something else than the recorded server.
//!
//! The lists are checked in, one per implementation. A difference that is not listed is a surprise, and so is a listed one
//! that is gone: both fail a run.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Observation, Outcome, Verdict};
use crate::scenario::reason::Reason;

/// The known differences of one implementation, by scenario.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(from = "BTreeMap<String, Known>")]
pub struct Implementation {
    known: BTreeMap<String, Known>,
    /// Whether what is listed is allowed rather than due.
    lenient: bool,
}

/// What an implementation is known to do in a scenario.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// Better or deviating; a failure is never known and accepted.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// What comes instead of a recorded end, or where none was recorded, as [`Observation::got`] says it, or as a run shows
    /// it.
    #[serde(default)]
    pub got: String,
}

/// Why a list cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KnownError {
    /// There is no list of this name.
    #[error("no implementation of this name is known; there are {0}")]
    NoSuchList(String),
    /// The list is malformed.
    #[error("malformed list of known deviations: {0}")]
    Json(#[from] serde_json::Error),
    /// A verdict that no list may hold.
    #[error("{0}: only `better` and `deviates` can be known")]
    Verdict(String),
}

/// A difference between what is known and what happened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Surprise {
    /// Not on the list, or there is no list.
    #[error("this is not a known deviation")]
    Unknown,
    /// On the list, but the implementation does something else now.
    #[error("the known deviation was another one")]
    Changed,
    /// On the list, but the implementation conforms.
    #[error("the known deviation is gone; take it off the list")]
    Gone,
}

/// The lists that come with this program.
const LISTS: [(&str, &str); 2] = [
    ("ratatosk", include_str!("../../expected/ratatosk.json")),
    ("reference", include_str!("../../expected/reference.json")),
];

impl From<BTreeMap<String, Known>> for Implementation {
    fn from(known: BTreeMap<String, Known>) -> Self {
        Self { known, lenient: false }
    }
}

impl Implementation {
    /// The same for an implementation about which nothing is known: it may differ in these ways, in words of its own, and
    /// need not.
    #[must_use]
    pub fn lenient(self) -> Self {
        Self { lenient: true, ..self }
    }

    /// The list of a name.
    ///
    /// # Errors
    ///
    /// [`KnownError`] if there is none, or it is malformed.
    pub fn named(name: &str) -> Result<Self, KnownError> {
        let names = || LISTS.map(|(name, _)| name).join(", ");
        let (_, json) =
            LISTS.iter().find(|(known, _)| *known == name).ok_or_else(|| KnownError::NoSuchList(names()))?;
        Self::parse(json)
    }

    /// Reads a list: an object from scenario to [`Known`].
    ///
    /// # Errors
    ///
    /// [`KnownError`] if it is malformed.
    pub fn parse(json: &str) -> Result<Self, KnownError> {
        let list: Self = serde_json::from_str(json)?;
        for (id, known) in &list.known {
            if !matches!(known.verdict, Verdict::Better | Verdict::Deviates) {
                return Err(KnownError::Verdict(id.clone()));
            }
        }
        Ok(list)
    }

    /// The scenarios on the list.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.known.keys().map(String::as_str)
    }

    /// What is known about a scenario.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Known> {
        self.known.get(id)
    }

    /// Whether an outcome is the one that was to be expected. Scenarios that were not tried surprise nobody.
    #[must_use]
    pub fn surprise(&self, outcome: &Outcome) -> Option<Surprise> {
        let observed = outcome.result.as_ref().ok()?;
        match (self.get(&outcome.id), observed.verdict) {
            (None, Verdict::Conforms) => None,
            (None, _) => Some(Surprise::Unknown),
            (Some(_), Verdict::Conforms) => (!self.lenient).then_some(Surprise::Gone),
            (Some(known), _) if self.lenient => (!known.is_alike(observed)).then_some(Surprise::Changed),
            (Some(known), _) => (!known.is(observed)).then_some(Surprise::Changed),
        }
    }
}

impl Known {
    fn is(&self, observed: &Observation) -> bool {
        let reasons: Vec<_> = observed.reasons.iter().copied().collect();
        // A scenario that does not know about an end has no reason for it: the list alone says why.
        let same_reason = reasons == [self.reason] || (reasons.is_empty() && !self.got.is_empty());
        let same_words = self.got == observed.got() || self.got == observed.shown();
        self.verdict == observed.verdict && same_reason && same_words
    }

    /// The same in other words.
    fn is_alike(&self, observed: &Observation) -> bool {
        self.verdict == observed.verdict && observed.reasons.iter().eq([&self.reason])
    }
}

/// Whether an outcome is acceptable of an implementation about which nothing is known.
pub(super) fn stranger(outcome: &Outcome) -> Option<Surprise> {
    let observed = outcome.result.as_ref().ok()?;
    (observed.verdict > Verdict::Better).then_some(Surprise::Unknown)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::report::Difference;
    use crate::scenario::checks;

    fn outcome(verdict: Verdict, reason: Option<Reason>, got: Option<&str>) -> Outcome {
        let mut observation = Observation::default();
        observation.note(verdict, reason);
        if let Some(got) = got {
            let difference = Difference { client: "a".to_owned(), expected: "x".to_owned(), got: got.to_owned() };
            observation.differs(verdict, difference);
        }
        Outcome {
            id: "d/1".to_owned(),
            title: String::new(),
            spec: String::new(),
            result: Ok(observation),
            time: Duration::ZERO,
        }
    }

    fn list(json: &str) -> Implementation {
        Implementation::parse(json).unwrap()
    }

    #[test]
    fn no_list_is_forgotten() {
        // The others are those of this project's peers, of all peers as processes, and of its codec.
        let lists: Vec<_> = LISTS.into_iter().chain([("client", ""), ("peers", ""), ("vectors", "")]).collect();
        checks::nothing_forgotten("expected", "json", &lists);
    }

    #[test]
    fn a_change_in_either_direction_is_a_surprise() {
        let better = outcome(Verdict::Better, Some(Reason::EarlyData), None);
        let conforms = outcome(Verdict::Conforms, None, None);
        let known = list(r#"{"d/1":{"verdict":"better","reason":"early-data"}}"#);
        assert_eq!(known.surprise(&better), None);
        assert_eq!(known.surprise(&conforms), Some(Surprise::Gone));
        assert_eq!(list("{}").surprise(&better), Some(Surprise::Unknown));
        assert_eq!(list("{}").surprise(&conforms), None);
        let other = outcome(Verdict::Better, Some(Reason::Stop), None);
        assert_eq!(known.surprise(&other), Some(Surprise::Changed));
        assert_eq!(known.surprise(&outcome(Verdict::Fails, None, Some("nothing"))), Some(Surprise::Changed));
    }

    #[test]
    fn what_is_allowed_is_not_due_and_everything_else_is_a_surprise() {
        let allowed = list(r#"{"d/1":{"verdict":"better","reason":"stop","got":"a 1000 no"}}"#).lenient();
        let better = |reason, got| allowed.surprise(&outcome(Verdict::Better, Some(reason), Some(got)));
        assert_eq!(better(Reason::Stop, "1000 na"), None);
        assert_eq!(better(Reason::EarlyData, "1000 no"), Some(Surprise::Changed));
        assert_eq!(allowed.surprise(&outcome(Verdict::Conforms, None, None)), None);
        assert_eq!(allowed.surprise(&outcome(Verdict::Fails, None, Some("x"))), Some(Surprise::Changed));
        let elsewhere = Outcome { id: "d/2".to_owned(), ..outcome(Verdict::Better, Some(Reason::Stop), None) };
        assert_eq!(allowed.surprise(&elsewhere), Some(Surprise::Unknown));
    }

    #[test]
    fn a_deviation_is_known_with_its_text() {
        let known = list(r#"{"d/1":{"verdict":"deviates","reason":"engine-accident","got":"a 1000 no"}}"#);
        assert_eq!(known.surprise(&outcome(Verdict::Deviates, None, Some("1000 no"))), None);
        assert_eq!(known.surprise(&outcome(Verdict::Deviates, None, Some("1000 na"))), Some(Surprise::Changed));
        let known = list(r#"{"d/1":{"verdict":"better","reason":"stop","got":"a 1000 no"}}"#);
        let better = |got| outcome(Verdict::Better, Some(Reason::Stop), got);
        assert_eq!(known.surprise(&better(Some("1000 no"))), None);
        assert_eq!(known.surprise(&better(Some("1000 na"))), Some(Surprise::Changed));
        assert_eq!(known.surprise(&better(None)), Some(Surprise::Changed));
    }

    #[test]
    fn a_text_can_be_copied_from_what_a_run_shows() {
        let odd = format!("1000 a\\b\u{7}{}", "x".repeat(500));
        let observed = outcome(Verdict::Deviates, None, Some(&odd));
        let shown = Difference { client: String::new(), expected: String::new(), got: odd.clone() }.escaped().got;
        assert_ne!(shown, odd);
        for (got, surprise) in [(&odd, None), (&shown, None), (&"1000 a".to_owned(), Some(Surprise::Changed))] {
            let entry =
                serde_json::json!({"verdict": "deviates", "reason": "engine-accident", "got": format!("a {got}")});
            let known = list(&serde_json::json!({ "d/1": entry }).to_string());
            assert_eq!(known.surprise(&observed), surprise, "{got}");
        }
    }

    #[test]
    fn failures_cannot_be_put_on_a_list() {
        for verdict in ["fails", "conforms"] {
            let json = format!(r#"{{"d/1":{{"verdict":"{verdict}","reason":"stop"}}}}"#);
            assert!(matches!(Implementation::parse(&json), Err(KnownError::Verdict(_))), "{verdict}");
        }
    }

    #[test]
    fn strangers_may_be_better_but_not_different() {
        assert_eq!(stranger(&outcome(Verdict::Better, Some(Reason::Stop), None)), None);
        assert_eq!(stranger(&outcome(Verdict::Deviates, None, Some("x"))), Some(Surprise::Unknown));
    }
}
