//! Plugins as WebAssembly modules against the same plugins linked, and against other ways to do their work:
//! `cargo xtask bench plugins`.
//!
//! Contenders take turns of milliseconds (A B C A B C …). Figures are medians over the rounds; ratios are medians of the
//! rounds' ratios. Every message that is measured has to arrive whole.
//!
//! | Module | What it knows |
//! | --- | --- |
//! | `sets` | the plugins of a connection, linked and as modules |
//! | `ends` | two stacks that talk to each other |
//! | `in_place` | the encryption plugin without a stack, and a bare cipher |
//! | `others` | contenders that are programs: tweetnacl under Node, libsodium |
//! | `path`, `crossing`, `crowd`, `start` | what is measured |
//! | `goals`, `report` | what comes of it |

mod crossing;
mod crowd;
mod ends;
mod goals;
mod in_place;
mod options;
mod others;
mod path;
mod report;
mod run;
mod sets;
mod start;

use std::env;
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let began = Instant::now();
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        // Roles of this program that are started by itself, for a process of their own.
        ["crowd", rest @ ..] => crowd::child(rest),
        ["start"] => start::child(began),
        rest => options::Options::parse(rest).and_then(|options| run::run(&options)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("plugins-bench: {error}");
            ExitCode::FAILURE
        }
    }
}
