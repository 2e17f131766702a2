//! What the store is to reach, beside what it reaches.

use ratatosk_benches::{Goal, Times};

use crate::Results;
use crate::keeper::{FILES, STORE};

/// All goals, in the order of the table.
pub(crate) fn all(results: &Results) -> Vec<Goal> {
    let mut goals = Vec::new();
    for (least, (count, times)) in [1.0, 2.0, 5.0].into_iter().zip(&results.put) {
        goals.push(Goal::at_least(
            format!("objects stored, {count} in a commit: over durable files"),
            least,
            " x",
            faster(times),
        ));
    }
    goals.push(Goal::at_least("objects read: over files", 1.0, " x", faster(&results.get)));
    let taken = |who| results.space.iter().find(|space| space.who == who).map(|space| space.taken as f64);
    let figure = taken(STORE).zip(taken(FILES)).map(|(store, files)| store / files);
    goals.push(Goal::at_most("space: over files", 0.25, " x", figure));
    for (least, (what, times)) in [0.3, 0.5].into_iter().zip(&results.bytes) {
        goals.push(Goal::at_least(format!("BLOBs {what}: over files"), least, " x", faster(times)));
    }
    if let Some(million) = &results.million {
        let what = format!("opening with {} objects", million.objects);
        goals.push(Goal::at_most(&what, 100.0, " ms", Some(million.open)));
        goals.push(Goal::at_most(format!("{what}, after a kill"), 1000.0, " ms", Some(million.open_killed)));
    }
    goals
}

/// How many times as fast the store is as durable files.
pub(crate) fn faster(times: &[Times]) -> Option<f64> {
    let named = |name: &str| times.iter().find(|times| times.name == name);
    Some(named(FILES)?.against(named(STORE)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twice_as_fast_is_half_the_time() {
        let times = |name: &str, seconds: f64| Times { name: name.to_owned(), rounds: vec![seconds] };
        assert_eq!(faster(&[times(STORE, 1.0), times(FILES, 2.0)]), Some(2.0));
        assert_eq!(faster(&[times(STORE, 1.0)]), None);
        let results = Results { put: vec![(1, vec![times(STORE, 2.0), times(FILES, 1.0)])], ..Results::default() };
        let goals = all(&results);
        assert!(!goals[0].met && goals[0].figure.as_deref() == Some("0.50 x"));
    }
}
