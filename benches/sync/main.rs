//! What it costs to bring another node up to date: `cargo xtask bench sync`.
//!
//! | Module | What it knows |
//! | --- | --- |
//! | `pair` | two nodes on disk and the machines between them, without a network and on a clock of their own |
//! | `poll` | what a poll and a new message cost when there are many messages already |
//! | `people` | two peers as programs, with a relay between them, moved by the control interface |
//! | `empty` | how long a whole history takes to arrive, in bytes, seconds, CPU and memory |
//! | `goals`, `report` | what comes of it |

mod empty;
mod goals;
mod options;
mod pair;
mod people;
mod poll;
mod report;

use std::env;
use std::fs;
use std::process::ExitCode;
use std::time::Instant;

use ratatosk_benches::{Machine, Outcome};

use crate::empty::Arrival;
use crate::options::Options;
use crate::poll::Cost;

/// What was measured.
#[derive(Debug, Default)]
pub(crate) struct Results {
    pub(crate) costs: Vec<Cost>,
    pub(crate) arrivals: Vec<Arrival>,
    pub(crate) absent: Vec<String>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match Options::parse(&words).and_then(|options| run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sync-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Outcome<()> {
    let (machine, began) = (Machine::look(), Instant::now());
    let mut results = Results::default();
    fs::create_dir_all(&options.common.out)?;
    // Nodes are measured on the disk that they would live on, not in memory.
    let scratch = options.common.out.join("sync");
    if options.common.wants("poll") {
        results.costs = poll::all(options, &scratch)?;
    }
    if options.common.wants("empty") {
        empty::all(options, &scratch, &mut results)?;
    }
    let goals = goals::all(&results);
    let page = report::page(&results, &goals, &machine, options, began.elapsed());
    println!("\n{page}");
    fs::write(options.common.out.join("sync.md"), &page)?;
    fs::write(options.common.out.join("sync.svg"), report::picture(&results))?;
    println!("written to {}", options.common.out.display());
    Ok(())
}
