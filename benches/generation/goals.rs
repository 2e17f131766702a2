//! What the worker is to reach, beside what it reaches.

use ratatosk_benches::{Goal, median};

use crate::turns::Results;

/// All goals, in the order of the table.
pub(crate) fn all(results: &Results) -> Vec<Goal> {
    let mut goals = Vec::new();
    for (name, speeds) in &results.others {
        for (at, depth) in results.depths.iter().enumerate() {
            let what = format!("generation behind {depth} tokens: over {name}");
            goals.push(Goal::at_least(what, 0.97, " x", Some(results.ratio(at, speeds))));
        }
    }
    let [_, long, again] = &results.first;
    let gain = ratatosk_benches::ratio(again, long);
    goals.push(Goal::at_most(
        "first token of a conversation that goes on: over computing all of it",
        0.25,
        " x",
        Some(gain),
    ));
    goals.push(Goal::at_most("until the model is there", 1000.0, " ms", Some(median(results.load.clone()))));
    goals
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::others::Speeds;

    #[test]
    fn half_as_fast_is_not_enough() {
        let speeds = |speed: f64| Speeds { generation: [speed, speed], prompt: 1.0 };
        let results = Results {
            depths: [20, 512],
            generation: [vec![100.0, 50.0], vec![50.0, 25.0]],
            others: vec![("other".to_owned(), vec![speeds(100.0), speeds(50.0)])],
            ..Results::default()
        };
        let goals = all(&results);
        assert!(goals[0].met && !goals[1].met);
        assert_eq!(goals[1].figure.as_deref(), Some("0.50 x"));
    }
}
