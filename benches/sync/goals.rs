//! What synchronisation is to reach, beside what it reaches.

use ratatosk_benches::Goal;

use crate::Results;
use crate::poll::Cost;

/// All goals, in the order of the table.
pub(crate) fn all(results: &Results) -> Vec<Goal> {
    let ends = || Some((results.costs.first()?, results.costs.last()?));
    let growth = |of: fn(&Cost) -> f64| ends().map(|(first, last)| of(last) / of(first));
    let lengths = ends().map_or(String::new(), |(first, last)| format!("{} over {}", last.messages, first.messages));
    let mut goals = Vec::new();
    for (what, of) in [
        ("a poll without news", (|cost| cost.idle) as fn(&Cost) -> f64),
        ("a new message", |cost| cost.one),
        ("bytes for a new message", |cost| cost.one_bytes),
    ] {
        goals.push(Goal::at_most(format!("{what}: {lengths} messages"), 3.0, " x", growth(of)));
    }
    let arrival = |who: &str| results.arrivals.iter().find(|arrival| arrival.who.starts_with(who));
    let short = arrival("ratatosk, ").zip(arrival("reference"));
    let figure = short.map(|(own, other)| other.cpu.iter().sum::<f64>() / own.cpu.iter().sum::<f64>().max(0.01));
    goals.push(Goal::at_least("from empty: CPU time of the reference over ours", 1.0, " x", figure));
    let figure = short.map(|(own, other)| own.bytes / other.bytes);
    goals.push(Goal::at_most("from empty: our bytes over the reference's", 1.0, " x", figure));
    goals
}
