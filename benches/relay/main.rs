//! The relay against others that do the same work: `cargo xtask bench relay`.
//!
//! Every contender is a process of its own; all of them run the whole time and are measured in turns (A B C A B C …), so
//! that a busy moment of the machine meets all of them. Figures are medians over the rounds; ratios are medians of the
//! rounds' ratios. Before anything is measured, every contender has to deliver every byte of every size, both ways.
//!
//! | Module | What it knows |
//! | --- | --- |
//! | `contender` | who takes part, and how to start them |
//! | `serve` | the contenders that live here: a relay of whole messages, a TCP proxy |
//! | `iroh` | iroh-relay and its load, a program of their own |
//! | `client`, `frames` | the load: raw frames, masked in advance |
//! | `content`, `throughput`, `registrations`, `spares`, `pinned`, `start` | what is measured |
//! | `goals`, `report`, `plot` | what comes of it |

mod client;
mod contender;
mod content;
mod frames;
mod goals;
mod iroh;
mod options;
mod pause;
mod pinned;
mod plot;
mod process;
mod registrations;
mod report;
mod run;
mod secured;
mod serve;
mod spares;
mod start;
mod throughput;

use std::env;
use std::process::ExitCode;

pub(crate) use ratatosk_benches::Outcome;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        // Roles of this program that are started by itself.
        ["serve", who] => serve::run(who),
        ["pinned", rest @ ..] => pinned::child(rest),
        rest => options::Options::parse(rest).and_then(|options| run::run(&options)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("relay-bench: {error}");
            ExitCode::FAILURE
        }
    }
}
