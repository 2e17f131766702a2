//! `cargo xtask bench`: what there is of this repository, measured beside others that do the same work.

use std::path::Path;
use std::process::{Command, ExitCode};

use crate::{cargo, workspace};

const HELP: &str = "\
usage: cargo xtask bench [relay | plugins | sync | store | generation] [options]

  relay      the relay beside others that do the same work (the default)
  plugins    plugins as WebAssembly modules beside the same plugins linked, and beside others
  sync       bringing another node up to date, beside the reference
  store      a node's store beside plain files
  generation text from a model, beside llama.cpp's own benchmark

Builds the contenders with optimisation and lets them take turns. The options are those of the measurement;
`cargo xtask bench relay --help` lists them. Close what else is running: it costs all of them time.
";

/// A program of `benches`, and what has to be built for it.
struct Measurement {
    name: &'static str,
    program: &'static str,
    builds: &'static [&'static str],
    /// The relay is a program of its own beside the measuring one.
    needs_relay: bool,
}

const MEASUREMENTS: [Measurement; 5] = [
    Measurement {
        name: "relay",
        program: "relay-bench",
        // The relay first and alone: built together with another package it could get features that it does not ask for.
        builds: &[
            "cargo build --release --locked -p ratatosk-relay",
            "cargo build --release --locked -p ratatosk-benches --bin relay-bench",
        ],
        needs_relay: true,
    },
    Measurement {
        name: "plugins",
        program: "plugins-bench",
        builds: &["cargo build --release --locked -p ratatosk-benches --bin plugins-bench"],
        needs_relay: false,
    },
    Measurement {
        name: "sync",
        program: "sync-bench",
        builds: &[
            "cargo build --release --locked -p ratatosk-relay",
            "cargo build --release --locked -p ratatosk-node",
            "cargo build --release --locked -p ratatosk-benches --bin sync-bench",
        ],
        needs_relay: true,
    },
    Measurement {
        name: "store",
        program: "store-bench",
        builds: &["cargo build --release --locked -p ratatosk-benches --bin store-bench"],
        needs_relay: false,
    },
    Measurement {
        name: "generation",
        program: "generation-bench",
        builds: &["cargo build --release --locked -p ratatosk-benches --features llama --bin generation-bench"],
        needs_relay: false,
    },
];

pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let [relay, ..] = &MEASUREMENTS;
    let (measurement, options) = match arguments.split_first() {
        Some((first, _)) if matches!(first.as_str(), "-h" | "--help") => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Some((first, rest)) if !first.starts_with('-') => {
            let Some(found) = MEASUREMENTS.iter().find(|measurement| measurement.name == first) else {
                eprint!("xtask bench: there is no measurement {first:?}\n\n{HELP}");
                return ExitCode::FAILURE;
            };
            (found, rest)
        }
        _ => (relay, arguments),
    };
    match bench(measurement, options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("xtask bench: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn bench(measurement: &Measurement, options: &[String]) -> Result<(), String> {
    let root = workspace::root()?;
    let target = root.join("target");
    for line in measurement.builds {
        println!("── {line}");
        succeed(cargo::call(&root, line).env("CARGO_TARGET_DIR", &target), line)?;
    }
    println!();
    let programs = target.join("release");
    let mut command = Command::new(programs.join(measurement.program));
    if measurement.needs_relay {
        command.arg("--relay").arg(programs.join("commserver"));
    }
    command.arg("--out").arg(target.join("bench")).args(options);
    succeed(command.current_dir::<&Path>(root.as_ref()), measurement.program)
}

fn succeed(command: &mut Command, what: &str) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{what}: {status}")),
        Err(error) => Err(format!("{what} cannot be started: {error}")),
    }
}
