//! The page `plugins.md` and the picture `plugins.svg`.

use std::fmt::Write;
use std::time::Duration;

use ratatosk_benches::{Bar, Chart, Goal, Machine, Times, size_name, table};

use crate::options::Options;
use crate::path::SIZES;
use crate::run::Results;

pub(crate) fn page(results: &Results, goals: &[Goal], machine: &Machine, options: &Options, took: Duration) -> String {
    let mut page = String::from("# Plugins as modules, measured\n\n");
    // Writing into a string cannot fail.
    let _ = writeln!(
        page,
        "{machine}. Medians of {} rounds in turns{}, {:.0} s in all. The processor has {}.\n",
        options.rounds,
        if options.common.quick { " (a quick run)" } else { "" },
        took.as_secs_f64(),
        vectors(),
    );
    page.push_str(&table(goals));
    for absent in &results.absent {
        let _ = writeln!(page, "\nNot there: {absent}.");
    }
    if !results.path.is_empty() {
        path(&mut page, results);
    }
    if !results.crossing.is_empty() {
        page.push_str("\nA message of 100 B through a stack with one plugin, ns, and ns beyond the stack alone:\n\n");
        page.push_str("| | ns | beyond |\n| --- | --- | --- |\n");
        for times in &results.crossing {
            let beyond = times.beyond(&results.crossing[0]) * 1e9;
            let _ = writeln!(page, "| {} | {:.0} | {beyond:.0} |", times.name, times.seconds() * 1e9);
        }
    }
    if !results.crowds.is_empty() {
        let _ = writeln!(page, "\n{} connections with all three plugins each:\n", options.crowd);
        page.push_str("| | KiB each | mappings | instances |\n| --- | --- | --- | --- |\n");
        for crowd in &results.crowds {
            let _ = writeln!(
                page,
                "| {} | {:.2} | {} of {} | {} |",
                crowd.what, crowd.each, crowd.mappings[0], crowd.mappings[1], crowd.instances
            );
        }
    }
    page
}

/// Sealing and opening, as speed, as time, and as a ratio to the same plugins linked.
fn path(page: &mut String, results: &Results) {
    page.push_str("\nSealing and opening one message: microseconds, and MB/s of its bytes:\n\n|");
    for size in SIZES {
        let _ = write!(page, " | {}", size_name(size));
    }
    page.push_str(" |\n| --- | --- | --- | --- |\n");
    for name in results.names() {
        let cells = SIZES.map(|size| {
            let cell = |times: &Times| format!("{:.2} us, {:.0} MB/s", times.seconds() * 1e6, speed(size, times));
            results.named(size, name).map_or_else(|| "-".to_owned(), cell)
        });
        let _ = writeln!(page, "| {name} | {} |", cells.join(" | "));
    }
}

pub(crate) fn picture(results: &Results) -> String {
    let bar =
        |size, name: &str| results.named(size, name).map(|times| Bar { value: speed(size, times), outline: None });
    let chart = Chart {
        title: "Sealing and opening messages, MB/s (logarithmic)".to_owned(),
        scale: [10.0, 10_000.0],
        groups: SIZES.map(size_name).to_vec(),
        contenders: results.names().map(|name| (name.to_owned(), SIZES.map(|size| bar(size, name)).to_vec())).collect(),
    };
    chart.svg()
}

/// MB/s.
pub(crate) fn speed(size: usize, times: &Times) -> f64 {
    size as f64 / 1e6 / times.seconds()
}

/// What the processor has of what a cipher can use: native code chooses when it runs.
#[cfg(target_arch = "x86_64")]
fn vectors() -> &'static str {
    if std::is_x86_feature_detected!("avx512f") {
        "AVX-512"
    } else if std::is_x86_feature_detected!("avx2") {
        "AVX2"
    } else {
        "SSE2"
    }
}

/// What the processor has is not asked elsewhere.
#[cfg(not(target_arch = "x86_64"))]
fn vectors() -> &'static str {
    "the vectors of its architecture"
}
