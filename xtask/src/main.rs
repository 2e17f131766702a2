//! The commands of this repository: `cargo xtask <command>`.
//!
//! One module per command, one line per command in [`COMMANDS`]. Nothing here depends on another crate but on the JSON
//! that peers speak, so that the first answer on a new machine comes within seconds.

mod bench;
mod cargo;
mod conformance;
mod defects;
mod demo;
mod fuzz;
mod model;
mod test;
mod tree;
mod workspace;

use std::env;
use std::process::ExitCode;

/// A command: what it is called, what the help says about it, and what it does with the arguments after its name.
struct Command {
    name: &'static str,
    about: &'static str,
    run: fn(&[String]) -> ExitCode,
}

/// Every command, in the order of the help.
const COMMANDS: &[Command] = &[
    Command {
        name: "demo",
        about: "a CommServer, people who chat and an AI that one of them asks, live on this machine",
        run: demo::run,
    },
    Command {
        name: "test",
        about: "everything that must be green before a change goes in (--help lists the steps)",
        run: test::run,
    },
    Command {
        name: "bench",
        about: "the relay, plugins, storage, or models, against others that do the same work (writes pages and pictures to target/bench)",
        run: bench::run,
    },
    Command { name: "fuzz", about: "the fuzz targets, with their seeds (--list shows them)", run: fuzz::run },
    Command {
        name: "model",
        about: "fetches a small real model into target/models (--help says which)",
        run: model::run,
    },
    Command {
        name: "conformance",
        about: "who works with whom: CommServers, peers, pairs of them",
        run: conformance::run,
    },
    Command { name: "defects", about: "whether the conformance suite notices what is broken", run: defects::run },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        eprint!("{}", help());
        return ExitCode::FAILURE;
    };
    if matches!(name.as_str(), "help" | "-h" | "--help") {
        print!("{}", help());
        return ExitCode::SUCCESS;
    }
    match COMMANDS.iter().find(|command| command.name == name) {
        Some(command) => (command.run)(rest),
        None => {
            eprint!("xtask: there is no command {name:?}\n\n{}", help());
            ExitCode::FAILURE
        }
    }
}

fn help() -> String {
    let mut text = String::from("usage: cargo xtask <command>\n\ncommands:\n");
    for Command { name, about, .. } in COMMANDS {
        text.push_str(&format!("  {name:<11} {about}\n"));
    }
    text.push_str("  help        this text\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_names_every_command() {
        for command in COMMANDS {
            assert!(help().contains(command.name));
        }
    }
}
