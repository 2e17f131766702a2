//! The page `relay.md`.

use std::fmt::Write;
use std::time::Duration;

use ratatosk_benches::{Goal, Machine, median, table};

use crate::contender::Kind;
use crate::options::Options;
use crate::run::{Latency, Results, SIZES, of};

pub(crate) fn page(results: &Results, goals: &[Goal], machine: &Machine, options: &Options, took: Duration) -> String {
    let mut page = String::from("# The relay, measured\n\n");
    let binding = results.cpu.map_or("not bound to a CPU", |_| "server and client on one CPU");
    // Writing into a string cannot fail.
    let _ = writeln!(
        page,
        "{machine}. Medians of {} rounds in turns{}, {:.0} s in all. \
         Latencies: {binding}. The relay runs with all its checks and limits.\n",
        options.rounds,
        if options.common.quick { " (short ones)" } else { "" },
        took.as_secs_f64(),
    );
    page.push_str(&table(goals));
    if !results.kernel.is_empty() {
        let shares: Vec<_> = results.kernel.iter().map(|(what, share)| format!("{what} {share:.0} %")).collect();
        let _ = writeln!(page, "\nThe kernel's part of the relay's CPU time: {}.", shares.join(", "));
    }
    page.push_str("\nPayload in MB/s, and in MB for each second of the server's CPU time (user + system):\n\n");
    page.push_str(
        "| | 100 B | 1 KiB | 64 KiB | registrations per CPU s | KiB per idle spare | round trip 100 B, p50 / p99 us \
         | handover, p50 / p99 us | start, ms |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for kind in Kind::present() {
        let _ = writeln!(page, "{}", row(results, kind));
    }
    page
}

fn row(results: &Results, kind: Kind) -> String {
    let mut cells = vec![kind.name().to_owned()];
    for size in SIZES {
        let speed = results.speed(kind, size);
        cells.push(speed.map_or_else(none, |speed| {
            format!("{:.0}, {:.0} / CPU s", median(speed.whole.clone()), median(speed.per_cpu.clone()))
        }));
    }
    let registrations = of(&results.registrations, kind);
    cells.push(registrations.map_or_else(none, |series| format!("{:.0}", median(series.clone()))));
    cells.push(of(&results.spares, kind).map_or_else(none, |kib| format!("{kib:.2}")));
    for latencies in [&results.round_trips, &results.handovers] {
        cells.push(of(latencies, kind).map_or_else(none, latency));
    }
    cells.push(of(&results.start, kind).map_or_else(none, |ms| format!("{ms:.1}")));
    format!("| {} |", cells.join(" | "))
}

fn latency(Latency { p50, p99 }: &Latency) -> String {
    format!("{:.1} / {:.1}", median(p50.clone()), median(p99.clone()))
}

fn none() -> String {
    "-".to_owned()
}
