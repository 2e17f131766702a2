//! `ratatosk`: a node of the ONE network.
//!
//! Most commands are for people (`cli`); `peer` is a peer under remote control, for tests and for people who want to see the
//! protocol work; `plugin` is for people who write plugins.

mod cli;
mod peer;
mod plugins;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

/// Threads that wait for disks and the like. None waits for another one of them; with many AIs there is work for hundreds, which
/// would take memory and be no faster.
const BLOCKING: usize = 64;

/// A node of the ONE network.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    #[command(flatten)]
    People(cli::Command),
    /// A peer that is driven by JSON lines on standard input and tells what happens on standard output.
    Peer(peer::Options),
    /// Looks at plugins without connecting to anybody.
    #[command(subcommand)]
    Plugin(plugins::Tool),
    /// The process in which a model runs; the node starts it and talks to it by lines.
    #[command(hide = true)]
    Worker,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    // It logs by itself, for it has no settings and nobody who reads along.
    if matches!(cli.command, Command::Worker) {
        return ratatosk_engine::worker::main();
    }
    let configured = || match &cli.command {
        Command::People(command) => EnvFilter::try_new(command.log_filter()?).ok(),
        _ => None,
    };
    let filter = EnvFilter::try_from_env("RATATOSK_LOG").ok().or_else(configured);
    let filter = filter.unwrap_or_else(|| EnvFilter::new("warn"));
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr).init();
    if let Command::Plugin(tool) = cli.command {
        return tool.run();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().max_blocking_threads(BLOCKING).build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "cannot start");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(async {
        match cli.command {
            Command::People(command) => cli::run(command).await,
            Command::Peer(options) => peer::run(options).await,
            Command::Plugin(_) | Command::Worker => ExitCode::SUCCESS,
        }
    });
    // A read of standard input cannot be interrupted; waiting for it would keep the process until somebody types.
    runtime.shutdown_background();
    code
}
