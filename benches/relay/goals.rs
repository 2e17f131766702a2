//! What the relay is to reach, beside what it reaches.

use ratatosk_benches::{Goal, median, ratio};

use crate::contender::Kind;
use crate::options::Options;
use crate::run::{Latency, Results, of};

/// All goals, in the order of the table.
pub(crate) fn all(results: &Results, options: &Options) -> Vec<Goal> {
    let mut goals = vec![
        faster(results, 100, Kind::Tungstenite, 50.0),
        faster(results, 1024, Kind::Tungstenite, 12.0),
        faster(results, 65_536, Kind::TcpProxy, 0.9),
    ];
    goals.push(below("100 B round trip on one CPU, p50", "the TCP proxy's", 1.1, round_trip(results), "x"));
    goals.push(below("memory of an idle spare", "", 3.0, of(&results.spares, Kind::Ratatosk).copied(), " KiB"));
    goals.push(below("memory of an idle spare with TLS", "", 20.0, results.tls_spare, " KiB"));
    goals.push(registrations(results));
    let [few, many] = &results.crowd;
    let flat = (!many.p99.is_empty()).then(|| ratio(&many.p99, &few.p99));
    let what = format!("p99 handover with {} idle spares", options.crowd[1]);
    goals.push(below(&what, &format!("that with {}", options.crowd[0]), 1.5, flat, "x"));
    goals.push(below("start to listening", "", 20.0, of(&results.start, Kind::Ratatosk).copied(), " ms"));
    goals.push(below("stripped binary", "", 8.0, Some(results.megabytes), " MB"));
    goals
}

/// Throughput as a ratio, by the clock and by the server's CPU time. Both have to reach the goal.
fn faster(results: &Results, size: usize, than: Kind, least: f64) -> Goal {
    let own = results.speed(Kind::Ratatosk, size);
    let ratios = own
        .zip(results.speed(than, size))
        .map(|(own, other)| [ratio(&own.whole, &other.whole), ratio(&own.per_cpu, &other.per_cpu)]);
    Goal {
        what: format!("throughput at {size} B"),
        goal: format!("at least {least} x {}", than.name()),
        figure: ratios.map(|[whole, cpu]| format!("{whole:.2} x, per CPU second {cpu:.2} x")),
        met: ratios.is_some_and(|ratios| ratios.iter().all(|ratio| *ratio >= least)),
    }
}

fn below(what: &str, of: &str, most: f64, figure: Option<f64>, unit: &str) -> Goal {
    let goal = if of.is_empty() { format!("at most {most}{unit}") } else { format!("at most {most} x {of}") };
    let unit = if unit == "x" { " x" } else { unit };
    Goal {
        what: what.to_owned(),
        goal,
        figure: figure.map(|figure| format!("{figure:.2}{unit}")),
        met: figure.is_some_and(|figure| figure <= most),
    }
}

fn round_trip(results: &Results) -> Option<f64> {
    let times = |kind| of(&results.round_trips, kind).map(|latency: &Latency| latency.p50.as_slice());
    Some(ratio(times(Kind::Ratatosk)?, times(Kind::TcpProxy)?))
}

fn registrations(results: &Results) -> Goal {
    const LEAST: f64 = 12.0;
    let own = of(&results.registrations, Kind::Ratatosk);
    let ratio = own.zip(of(&results.registrations, Kind::Reference)).map(|(own, other)| ratio(own, other));
    Goal {
        what: "registrations per CPU second".to_owned(),
        goal: format!("at least {LEAST} x {}", Kind::Reference.name()),
        figure: own.zip(ratio).map(|(own, ratio)| format!("{ratio:.1} x ({:.0})", median(own.clone()))),
        met: ratio.is_some_and(|ratio| ratio >= LEAST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Of, Speed};

    fn goal<'a>(goals: &'a [Goal], what: &str) -> &'a Goal {
        goals.iter().find(|goal| goal.what.contains(what)).unwrap()
    }

    #[test]
    fn a_goal_is_met_by_the_clock_and_by_cpu_time_or_not_at_all() {
        let options = Options::parse(&[]).unwrap();
        let speed = |kind, whole, per_cpu| Speed { kind, size: 100, whole: vec![whole], per_cpu: vec![per_cpu] };
        for (per_cpu, met) in [(499.0, false), (500.0, true)] {
            let speeds = vec![speed(Kind::Ratatosk, 500.0, per_cpu), speed(Kind::Tungstenite, 10.0, 10.0)];
            let goals = all(&Results { speeds, ..Results::default() }, &options);
            assert_eq!(goal(&goals, "at 100 B").met, met);
            assert_eq!(goal(&goals, "at 1024 B").figure, None);
            assert!(!goal(&goals, "at 1024 B").met);
        }
    }

    #[test]
    fn an_upper_bound_may_be_reached_and_not_passed() {
        let options = Options::parse(&[]).unwrap();
        for (kib, met) in [(3.0, true), (3.1, false)] {
            let spares = vec![Of { kind: Kind::Ratatosk, figures: kib }];
            let goals = all(&Results { spares, ..Results::default() }, &options);
            assert_eq!(goal(&goals, "idle spare").met, met);
            assert!(!goal(&goals, "with TLS").met, "what was not measured is not met");
        }
    }
}
