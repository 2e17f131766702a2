//! The page `generation.md` and the picture `generation.svg`.

use std::fmt::Write;
use std::time::Duration;

use ratatosk_benches::{Bar, Chart, Goal, Machine, median, table};

use crate::options::{CONTEXT, Options, THREADS, TOKENS};
use crate::turns::Results;

const OURS: &str = "ratatosk worker";

pub(crate) fn page(results: &Results, goals: &[Goal], machine: &Machine, options: &Options, took: Duration) -> String {
    let mut page = String::from("# Generating text, measured\n\n");
    let model = options.model.file_name().unwrap_or_default().to_string_lossy();
    let quick = if options.common.quick { " A quick run." } else { "" };
    // Writing into a string cannot fail.
    let _ = writeln!(
        page,
        "{machine}. {model}, {THREADS} thread, {TOKENS} tokens each. Medians of {} rounds in turns, {:.0} s in all.{quick}\n",
        options.rounds,
        took.as_secs_f64()
    );
    page.push_str(&table(goals));
    let [short, long] = results.depths;
    let _ = writeln!(
        page,
        "\nTokens a second:\n\n| | generated behind {short} | ratio | behind {long} | ratio | of a prompt of {long} |\n\
         | --- | --- | --- | --- | --- | --- |"
    );
    let [ours, deep] = results.generation.clone().map(median);
    let _ = writeln!(page, "| {OURS} | {ours:.1} | | {deep:.1} | | {:.0} |", median(results.prompt()));
    for (name, speeds) in &results.others {
        let [generation, deep, prompt] = Results::medians(speeds);
        let ratios = [0, 1].map(|depth| results.ratio(depth, speeds));
        let _ = writeln!(
            page,
            "| {name} | {generation:.1} | {:.2} | {deep:.1} | {:.2} | {prompt:.0} |",
            ratios[0], ratios[1]
        );
    }
    let [first, long_first, again] = results.first.clone().map(median);
    let _ = writeln!(
        page,
        "\nThe first token comes after {first:.0} ms behind {short} tokens, after {long_first:.0} ms behind {long}, and after \
         {again:.0} ms when that conversation goes on ({} tokens, {} of them there already). The model is there {:.0} ms \
         after the start of the process, which has {:.0} MiB then with a context of {CONTEXT} tokens, and {:.0} MiB in the end.",
        results.again[0],
        results.again[1],
        median(results.load.clone()),
        results.memory[0],
        results.memory[1],
    );
    page
}

pub(crate) fn picture(results: &Results) -> String {
    let bar = |value: f64| Some(Bar { value, outline: None });
    let [short, deep] = results.generation.clone().map(median);
    let ours = (OURS.to_owned(), vec![bar(short), bar(deep), bar(median(results.prompt()))]);
    let others = results.others.iter().map(|(name, speeds)| (name.clone(), Results::medians(speeds).map(bar).to_vec()));
    let [short, long] = results.depths;
    let chart = Chart {
        title: "Tokens a second on one thread (logarithmic)".to_owned(),
        scale: [10.0, 1000.0],
        groups: vec![
            format!("generated behind {short}"),
            format!("generated behind {long}"),
            format!("of a prompt of {long}"),
        ],
        contenders: std::iter::once(ours).chain(others).collect(),
    };
    chart.svg()
}
