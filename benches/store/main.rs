//! A node's store against plain files: `cargo xtask bench store`.
//!
//! | Module | What it knows |
//! | --- | --- |
//! | `things` | objects as a conversation has them |
//! | `files` | a file for each object |
//! | `keeper` | the contenders behind one interface |
//! | `objects`, `bytes`, `million` | what is measured |
//! | `goals`, `report` | what comes of it |

mod bytes;
mod files;
mod goals;
mod keeper;
mod million;
mod objects;
mod options;
mod report;
mod things;

use std::env;
use std::fs;
use std::process::ExitCode;
use std::time::Instant;

use ratatosk_benches::{Machine, Outcome, Times};

use crate::million::Million;
use crate::objects::Space;
use crate::options::Options;

/// What was measured.
#[derive(Debug, Default)]
pub(crate) struct Results {
    /// For each number of objects in a commit, the contenders.
    pub(crate) put: Vec<(usize, Vec<Times>)>,
    /// Reading one object.
    pub(crate) get: Vec<Times>,
    pub(crate) space: Vec<Space>,
    /// Writing and reading a BLOB.
    pub(crate) bytes: Vec<(&'static str, Vec<Times>)>,
    pub(crate) million: Option<Million>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match Options::parse(&words).and_then(|options| run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("store-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Outcome<()> {
    let (machine, began) = (Machine::look(), Instant::now());
    let mut results = Results::default();
    // On the disk where a node would be, not in memory.
    let scratch = options.common.out.join("store");
    let _ = fs::remove_dir_all(&scratch);
    fs::create_dir_all(&scratch)?;
    if options.common.wants("objects") {
        objects::all(options, &scratch, &mut results)?;
    }
    if options.common.wants("bytes") {
        results.bytes = bytes::all(options, &scratch)?;
    }
    if options.common.wants("million") {
        results.million = Some(million::measure(options, &scratch)?);
    }
    fs::remove_dir_all(&scratch)?;
    let goals = goals::all(&results);
    let page = report::page(&results, &goals, &machine, options, began.elapsed());
    println!("\n{page}");
    fs::write(options.common.out.join("store.md"), &page)?;
    fs::write(options.common.out.join("store.svg"), report::picture(&results))?;
    println!("written to {}", options.common.out.display());
    Ok(())
}
