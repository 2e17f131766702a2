//! Generating text, against llama.cpp's own benchmark: `cargo xtask bench generation`.
//!
//! | Module | What it knows |
//! | --- | --- |
//! | `worker` | the worker process of this repository, started from this very program |
//! | `others` | llama-bench and node-llama-cpp |
//! | `turns` | what is measured, in turns |
//! | `goals`, `report` | what comes of it |

mod goals;
mod options;
mod others;
mod report;
mod turns;
mod worker;

use std::env;
use std::fs;
use std::process::ExitCode;
use std::time::Instant;

use ratatosk_benches::{Machine, Outcome};

use crate::options::Options;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if words == [worker::WORD] {
        return ratatosk_engine::worker::main();
    }
    match Options::parse(&words).and_then(|options| run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("generation-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Outcome<()> {
    let (machine, began) = (Machine::look(), Instant::now());
    let results = turns::all(options)?;
    let goals = goals::all(&results);
    let page = report::page(&results, &goals, &machine, options, began.elapsed());
    println!("\n{page}");
    fs::create_dir_all(&options.common.out)?;
    fs::write(options.common.out.join("generation.md"), &page)?;
    fs::write(options.common.out.join("generation.svg"), report::picture(&results))?;
    println!("written to {}", options.common.out.display());
    Ok(())
}
