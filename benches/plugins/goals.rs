//! What plugins are to reach, beside what they reach.

use ratatosk_benches::{Goal, Times};

use crate::crossing;
use crate::options::Options;
use crate::path::{BARE, LINKED, MODULES, NARROW, SETS, name};
use crate::run::Results;

/// All goals, in the order of the table.
pub(crate) fn all(results: &Results, options: &Options) -> Vec<Goal> {
    let mut goals = Vec::new();
    for than in [NARROW, LINKED] {
        for (least, size) in [(0.9, 100), (0.85, 65_536)] {
            for (set, _) in SETS {
                let figure = faster(results.named(size, &name(MODULES, set)), results.named(size, &name(than, set)));
                goals.push(Goal::at_least(format!("{set}, {size} B: modules over {than}"), least, " x", figure));
            }
        }
    }
    let encryption = results.named(65_536, &name(MODULES, "encryption"));
    let figure = faster(encryption, results.named(65_536, "tweetnacl"));
    goals.push(Goal::at_least("encryption, 65536 B: modules over tweetnacl under Node", 6.0, " x", figure));
    let figure = faster(results.named(65_536, BARE), results.named(65_536, "libsodium"));
    goals.push(Goal::at_least("65536 B: the cipher, native and bare, over libsodium", 0.9, " x", figure));

    let crossing = |than: usize| {
        let (module, other) = (results.crossing.get(crossing::MODULE)?, results.crossing.get(than)?);
        Some(1e9 * module.beyond(other))
    };
    for (than, what) in
        [(crossing::LINKED, "the same plugin linked"), (crossing::NOTHING, "a stack that passes by itself")]
    {
        let what = format!("crossing: a module that passes 100 B, beyond {what}");
        goals.push(Goal::at_most(what, 60.0, " ns", crossing(than)));
    }

    let crowd = results.crowds.first();
    let what = format!("connections with three modules each, alive of {}", options.crowd);
    goals.push(Goal::at_least(what, options.crowd as f64, "", crowd.map(|crowd| crowd.alive as f64)));
    goals.push(Goal::at_most("memory of each", 40.0, " KiB", crowd.map(|crowd| crowd.each)));
    let most = crowd.map_or(0, |crowd| crowd.mappings[1]);
    goals.push(Goal::at_most("mappings of the process", most as f64, "", crowd.map(|crowd| crowd.mappings[0] as f64)));
    goals.push(Goal::at_most("start: engine and three modules", 100.0, " ms", results.start));
    goals
}

/// How many times as fast.
fn faster(own: Option<&Times>, other: Option<&Times>) -> Option<f64> {
    Some(other?.against(own?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(name: &str, seconds: f64) -> Times {
        Times { name: name.to_owned(), rounds: vec![seconds] }
    }

    #[test]
    fn ratios_are_of_speeds_and_who_was_not_there_is_not_met() {
        let options = Options::parse(&[]).unwrap();
        for (own, met) in [(1.0, true), (1.01, false)] {
            let row = vec![times("modules: encryption", own), times("linked: encryption", 0.9)];
            let goals = all(&Results { path: vec![(100, row)], ..Results::default() }, &options);
            let (measured, others): (Vec<_>, Vec<_>) = goals.iter().partition(|goal| goal.figure.is_some());
            let [measured] = measured.as_slice() else { panic!("{measured:?}") };
            assert_eq!((measured.what.as_str(), measured.met), ("encryption, 100 B: modules over linked", met));
            assert!(others.iter().all(|goal| !goal.met));
        }
        let row = vec![times("modules: encryption", 1.0), times("tweetnacl 1", 6.0)];
        let goals = all(&Results { path: vec![(65_536, row)], ..Results::default() }, &options);
        let tweetnacl = goals.iter().find(|goal| goal.what.contains("tweetnacl")).unwrap();
        assert!(tweetnacl.met && tweetnacl.figure.as_deref() == Some("6.00 x"));
    }
}
