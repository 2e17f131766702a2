//! The page `sync.md` and the picture `sync.svg`.

use std::fmt::Write;
use std::time::Duration;

use ratatosk_benches::{Bar, Chart, Goal, Machine, table};

use crate::Results;
use crate::options::Options;
use crate::poll::Cost;

pub(crate) fn page(results: &Results, goals: &[Goal], machine: &Machine, options: &Options, took: Duration) -> String {
    let mut page = String::from("# Bringing another node up to date, measured\n\n");
    let quick = if options.common.quick { " A quick run." } else { "" };
    // Writing into a string cannot fail.
    let _ = writeln!(page, "{machine}, {:.0} s in all.{quick}\n", took.as_secs_f64());
    page.push_str(&table(goals));
    for absent in &results.absent {
        let _ = writeln!(page, "\nNot there: {absent}.");
    }
    if !results.costs.is_empty() {
        let _ = writeln!(page, "\nBoth nodes together, medians of {} rounds:\n", options.rounds);
        page.push_str("| messages there | poll without news | new message | its bytes | posting it |\n");
        page.push_str("| --- | --- | --- | --- | --- |\n");
        for Cost { messages, idle, one, one_bytes, post } in &results.costs {
            let [idle, one, post] = [idle, one, post].map(|seconds| seconds * 1e6);
            let _ = writeln!(page, "| {messages} | {idle:.0} us | {one:.0} us | {one_bytes:.0} B | {post:.0} us |");
        }
    }
    if !results.arrivals.is_empty() {
        page.push_str("\nA history from empty, through a relay; sender + receiver:\n\n");
        page.push_str("| | messages | messages/s | bytes a message | CPU | memory |\n");
        page.push_str("| --- | --- | --- | --- | --- | --- |\n");
        for arrival in &results.arrivals {
            let count = arrival.messages as f64;
            let _ = writeln!(
                page,
                "| {} | {} | {:.0} | {:.0} | {:.2} + {:.2} s | {:.1} + {:.1} MiB |",
                arrival.who,
                arrival.messages,
                count / arrival.seconds,
                arrival.bytes / count,
                arrival.cpu[0],
                arrival.cpu[1],
                arrival.memory[0],
                arrival.memory[1],
            );
        }
    }
    page
}

/// The costs over the length of the history.
pub(crate) fn picture(results: &Results) -> String {
    let bars = |name: &str, of: fn(&Cost) -> f64| {
        let bar = |cost| Some(Bar { value: of(cost) * 1e6, outline: None });
        (name.to_owned(), results.costs.iter().map(bar).collect())
    };
    let chart = Chart {
        title: "With so many messages in a topic, microseconds of both nodes together (logarithmic)".to_owned(),
        scale: [10.0, 100_000.0],
        groups: results.costs.iter().map(|cost| cost.messages.to_string()).collect(),
        contenders: vec![
            bars("a poll without news", |cost| cost.idle),
            bars("a new message", |cost| cost.one),
            bars("posting it", |cost| cost.post),
        ],
    };
    chart.svg()
}
