//! `cargo xtask bench`: the relay as it is shipped, measured beside others that do the same work.

use std::path::Path;
use std::process::{Command, ExitCode};

use crate::{cargo, workspace};

const HELP: &str = "\
usage: cargo xtask bench [relay] [options]

Builds the relay and the contenders of `benches/relay` with optimisation and lets them take turns. The options are those
of the measurement; `cargo xtask bench relay --help` lists them. Close what else is running: it costs all of them time.
";

/// The relay first and alone: built together with another package it could get features that it does not ask for.
const BUILDS: [&str; 2] =
    ["cargo build --release --locked -p ratatosk-relay", "cargo build --release --locked -p ratatosk-benches"];

pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let options = match arguments.split_first() {
        Some((first, rest)) if first == "relay" => rest,
        Some((first, _)) if matches!(first.as_str(), "-h" | "--help") => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Some((first, _)) if !first.starts_with('-') => {
            eprint!("xtask bench: there is no measurement {first:?}\n\n{HELP}");
            return ExitCode::FAILURE;
        }
        _ => arguments,
    };
    match bench(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("xtask bench: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn bench(options: &[String]) -> Result<(), String> {
    let root = workspace::root()?;
    let target = root.join("target");
    for line in BUILDS {
        println!("── {line}");
        succeed(cargo::call(&root, line).env("CARGO_TARGET_DIR", &target), line)?;
    }
    println!();
    let programs = target.join("release");
    let mut command = Command::new(programs.join("relay-bench"));
    command.arg("--relay").arg(programs.join("commserver")).arg("--out").arg(target.join("bench")).args(options);
    succeed(command.current_dir::<&Path>(root.as_ref()), "relay-bench")
}

fn succeed(command: &mut Command, what: &str) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{what}: {status}")),
        Err(error) => Err(format!("{what} cannot be started: {error}")),
    }
}
