//! The page `store.md` and the picture `store.svg`.

use std::fmt::Write;
use std::time::Duration;

use ratatosk_benches::{Bar, Chart, Goal, Machine, Times, table};

use crate::Results;
use crate::bytes::SIZE;
use crate::keeper::{FILES, STORE, UNSAFE};
use crate::options::Options;

pub(crate) fn page(results: &Results, goals: &[Goal], machine: &Machine, options: &Options, took: Duration) -> String {
    let mut page = String::from("# The store, measured\n\n");
    let quick = if options.common.quick { " A quick run." } else { "" };
    // Writing into a string cannot fail.
    let _ = writeln!(
        page,
        "{machine}. Medians of {} rounds in turns, {:.0} s in all.{quick}\n",
        options.rounds,
        took.as_secs_f64()
    );
    page.push_str(&table(goals));
    if !results.put.is_empty() {
        let names: Vec<_> = results.put.iter().map(|(count, _)| format!("{count} in a commit")).collect();
        let _ = writeln!(
            page,
            "\nObjects a second:\n\n| | {} | read |\n| --- |{}",
            names.join(" | "),
            " --- |".repeat(names.len() + 1)
        );
        for (row, read) in results.get.iter().enumerate() {
            let put = results.put.iter().map(|(count, times)| format!("{:.0}", *count as f64 / times[row].seconds()));
            let _ = writeln!(
                page,
                "| {} | {} | {:.0} |",
                read.name,
                put.collect::<Vec<_>>().join(" | "),
                1.0 / read.seconds()
            );
        }
        page.push_str(
            "\nBytes an object on the disk:\n\n| | objects | content | on the disk |\n| --- | --- | --- | --- |\n",
        );
        for space in &results.space {
            let [content, taken] = [space.content, space.taken].map(|bytes| bytes as f64 / space.objects as f64);
            let _ = writeln!(page, "| {} | {} | {content:.0} B | {taken:.0} B |", space.who, space.objects);
        }
    }
    if !results.bytes.is_empty() {
        page.push_str("\nA BLOB of 16 MiB, MB/s:\n\n| | store | plain file |\n| --- | --- | --- |\n");
        for (what, times) in &results.bytes {
            let speed = |times: &Times| SIZE as f64 / 1e6 / times.seconds();
            let _ = writeln!(page, "| {what} | {:.0} | {:.0} |", speed(&times[0]), speed(&times[1]));
        }
    }
    if let Some(million) = &results.million {
        let _ = writeln!(
            page,
            "\n{} objects: open and one read in {:.1} ms; in {:.0} ms after a kill that left a log of {:.1} MB; checked in {:.1} s; \
             garbage looked for in {:.1} s; {:.0} MiB of memory for all of it.",
            million.objects,
            million.open,
            million.open_killed,
            million.log as f64 / 1e6,
            million.check,
            million.garbage,
            million.memory,
        );
    }
    page
}

pub(crate) fn picture(results: &Results) -> String {
    let bars = |name: &str| {
        let bar = |(count, times): &(usize, Vec<Times>)| {
            let times = times.iter().find(|times| times.name == name)?;
            Some(Bar { value: *count as f64 / times.seconds(), outline: None })
        };
        (name.to_owned(), results.put.iter().map(bar).collect())
    };
    let chart = Chart {
        title: "Objects stored a second (logarithmic)".to_owned(),
        scale: [100.0, 1_000_000.0],
        groups: results.put.iter().map(|(count, _)| format!("{count} in a commit")).collect(),
        contenders: [STORE, FILES, UNSAFE].map(bars).to_vec(),
    };
    chart.svg()
}
