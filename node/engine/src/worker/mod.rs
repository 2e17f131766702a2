//! The worker process: llama.cpp and nothing else, so that what ends it ends nothing else.
//!
//! It reads commands and writes replies as [`crate::ipc`] has them, and ends when its input does. A thread reads, so that a
//! cancellation is seen in the middle of an answer; everything else happens in one thread, one thing at a time.

#[cfg(feature = "llama")]
mod confine;
mod lines;
#[cfg(feature = "llama")]
mod log;
#[cfg(feature = "llama")]
mod memory;
#[cfg(feature = "llama")]
mod model;
#[cfg(feature = "llama")]
mod sample;
#[cfg(feature = "llama")]
mod serve;
#[cfg(feature = "llama")]
mod session;
#[cfg(test)]
#[cfg(feature = "llama")]
mod tests;
#[cfg(feature = "llama")]
mod text;
#[cfg(feature = "llama")]
mod tokens;

use std::io::{Read, Write};
use std::process::ExitCode;

use self::lines::{Inbox, Out};
#[cfg(not(feature = "llama"))]
use crate::EngineError;
#[cfg(not(feature = "llama"))]
use crate::ipc::{Command, Reply, VERSION};

/// The worker's `main`: standard input and output are the engine's.
pub fn main() -> ExitCode {
    #[cfg(feature = "llama")]
    log::start();
    run(std::io::stdin(), std::io::stdout());
    ExitCode::SUCCESS
}

/// Serves until the input ends or nobody takes the output.
fn run(input: impl Read + Send + 'static, output: impl Write + Send + 'static) {
    let out = Out::new(output);
    let inbox = Inbox::read(input, &out);
    #[cfg(feature = "llama")]
    serve::serve(&inbox, &out);
    #[cfg(not(feature = "llama"))]
    refuse(&inbox, &out);
}

/// Says to everything that there is no llama.cpp.
#[cfg(not(feature = "llama"))]
fn refuse(inbox: &Inbox, out: &Out) {
    out.say(&Reply::Ready { version: VERSION });
    while let Some(command) = inbox.next() {
        let id = if let Command::Generate(generate) = command { Some(generate.id) } else { None };
        out.say(&Reply::Failed { id, error: EngineError::NoLlama });
    }
}
