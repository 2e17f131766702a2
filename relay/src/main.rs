//! `commserver`: the relay as a program.

mod args;
mod signals;

use std::io::{ErrorKind, IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;
use ratatosk_relay::registry::Phase;
use ratatosk_relay::{BindError, Server};
use tracing_subscriber::EnvFilter;

use args::Args;
use signals::Signals;

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(&args.log))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    match run(&args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("commserver: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Serves until a signal comes, then drains.
async fn run(args: &Args) -> Result<(), String> {
    let mut signals = Signals::new().map_err(|error| format!("cannot listen for signals: {error}"))?;
    let server = Server::bind(args.config()).await.map_err(|error| explain(&error))?;
    let address = server.local_addr();
    announce(&format!("commserver listens on ws://{address} (Ctrl-C stops it)"));
    tracing::info!(%address, "listening");

    signals.next().await;
    let pairs = server.snapshot().connections.of(Phase::Paired) / 2;
    let drain = args.drain();
    announce(&format!("commserver stops: {pairs} pairs have {drain:?} to finish (a second signal stops it at once)"));
    tokio::select! {
        () = server.shutdown(drain) => Ok(()),
        () = signals.next() => Err("stopped at once".to_owned()),
    }
}

/// One line for whoever started the program. That nobody reads it is no reason to stop.
fn announce(line: &str) {
    let mut out = std::io::stdout();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// What happened, and what to do.
fn explain(error: &BindError) -> String {
    let advice = match error {
        BindError::Listen { source, .. } => match source.kind() {
            ErrorKind::AddrInUse => {
                "\nAnother program listens there: stop it, or choose another port with --listen (port 0 takes a free one)."
            }
            ErrorKind::PermissionDenied => {
                "\nPorts below 1024 usually need a privilege: choose a higher one with --listen."
            }
            ErrorKind::AddrNotAvailable => {
                "\nThis machine has no such address: use one of its own with --listen, or 0.0.0.0 for all of them."
            }
            _ => "",
        },
        _ => "",
    };
    format!("{error}{advice}")
}
