//! `cargo xtask test`: what must be green before a change goes in. The continuous integration runs exactly this.
//!
//! All chosen steps run even after one has failed, and the tests run last, so that their closing lines stand at the end
//! of a log.

mod logs;
mod options;
mod report;
mod step;
mod target;
mod tools;

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use self::options::Options;
use self::report::{Line, Verdict};
use self::step::STEPS;
use crate::workspace;

/// Runs the steps that `arguments` choose. Fails if one of them does.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let options = match Options::parse(arguments) {
        Ok(options) if options.help => {
            print!("{}", options::help());
            return ExitCode::SUCCESS;
        }
        Ok(options) => options,
        Err(message) => {
            eprint!("xtask test: {message}\n\n{}", options::help());
            return ExitCode::FAILURE;
        }
    };
    let root = match workspace::root() {
        Ok(root) => root,
        Err(message) => {
            eprintln!("xtask test: {message}");
            return ExitCode::FAILURE;
        }
    };

    let started = Instant::now();
    let mut lines = Vec::new();
    for step in STEPS.iter().filter(|step| options.chooses(step)) {
        println!("── {}: {}\n   $ {}", step.name, step.about, step.command);
        let began = Instant::now();
        let verdict = step.run(&root);
        let line = Line { name: step.name, command: step.command, verdict, took: began.elapsed() };
        println!("{}\n", line.closing());
        lines.push(line);
    }
    print!("{}", report::summary(&lines, started.elapsed()));
    if lines.iter().any(|line| matches!(line.verdict, Verdict::Failed(_))) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// Installs the target that the plugins are compiled for, if it is missing.
///
/// # Errors
///
/// A sentence that says how else.
pub(crate) fn wasm_target(root: &Path) -> Result<(), String> {
    found(target::install(root))
}

/// Installs what llama.cpp is compiled with, if it is missing and that may be done without asking.
///
/// # Errors
///
/// A sentence that says how else.
pub(crate) fn llama_tools() -> Result<(), String> {
    found(tools::install())
}

fn found(verdict: Verdict) -> Result<(), String> {
    match verdict {
        Verdict::Failed(problem) => Err(problem),
        Verdict::Passed(_) | Verdict::Skipped(_) => Ok(()),
    }
}
