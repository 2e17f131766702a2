//! `conformance`: replays recorded conversations against an implementation and says how it differs.

mod cli;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use cli::output::{Output, Run, Show};
use ratatosk_conformance::client::{self, recordings::client_scripts};
use ratatosk_conformance::report::{self, Implementation, Subject};
use ratatosk_conformance::scenario::recordings::server_scenarios;
use ratatosk_conformance::server::{self, Address, Options, Target};

/// Conformance tests for implementations of the ONE network's protocol.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Replays the recordings of a CommServer, as its clients.
    ///
    /// Exits with 0 if everything came as it is known of the implementation, with 1 if not, with 2 if nothing could be
    /// tried. Without an implementation, scenarios must conform or conform better.
    Server(Box<ServerArguments>),
    /// Replays the recordings of peers against this project's own listener, connector and acceptor, as the CommServer and
    /// the peer that they meet.
    ///
    /// Exits with 0 if everything came as it is known, with 1 if not.
    Client(ClientArguments),
    /// Plays with any implementations of peers, as processes behind the peer control interface: a pair in both roles, and
    /// each before a partner that breaks the protocol.
    ///
    /// Exits with 0 if everything came as it is known of the implementations, with 1 if not, with 2 if nothing could be
    /// tried. Of implementations that are not known, scenarios must conform or conform better.
    Peer(Box<cli::peer::Arguments>),
    /// Checks a codec in any language against the vectors, over its standard input and output; or is one.
    ///
    /// Exits with 0 if every answer was the recorded one or may differ, with 1 if not, with 2 if nothing could be tried.
    Vectors(Box<cli::vectors::Args>),
    /// Joins reports of runs into one page, implementations by scenarios, and into tables of counts.
    ///
    /// Exits with 0, or with 2 if a file is no report.
    Matrix(cli::matrix::Args),
    /// Stands between peers and a CommServer, or between two peers: writes down what passes, shows it, and damages it.
    ///
    /// Runs until it is interrupted. Exits with 0, or with 2 if it cannot begin.
    Proxy(Box<cli::proxy::Args>),
    /// Runs this project's relay, listeners and connectors on a virtual network and clock, with crashes, partitions and
    /// delays, all from a seed.
    ///
    /// Exits with 0 if everything held, with 1 and the seed if not.
    #[cfg(feature = "simulation")]
    Simulate(cli::simulate::Args),
}

#[derive(Debug, clap::Args)]
struct ClientArguments {
    /// Only scenarios whose id begins so, such as `d2/` or `e/limit-4`.
    #[arg(long, value_name = "PREFIX", default_value = "")]
    only: String,
    /// How many scenarios run side by side.
    #[arg(long, value_name = "N", default_value_t = 8)]
    jobs: usize,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, clap::Args)]
struct ServerArguments {
    /// Where the server listens: `ws://host:port`.
    #[arg(long, value_parser = Address::parse)]
    url: Address,
    /// Where one listens that has a ping interval between 0.2 and 0.5 s and, if it has a deadline for registering, one
    /// between 2 and 5 s; scenarios about timers are skipped without it.
    #[arg(long, value_name = "URL", value_parser = Address::parse)]
    short_ping_url: Option<Address>,
    /// A shell command that stops the server at `--url`; the scenario about stopping is skipped without it.
    #[arg(long, value_name = "COMMAND")]
    stop_command: Option<String>,
    /// Compare with what is known of this implementation: `ratatosk` or `reference`.
    #[arg(long, value_name = "NAME", conflicts_with = "known")]
    implementation: Option<String>,
    /// Compare with the known deviations in this file.
    #[arg(long, value_name = "FILE")]
    known: Option<PathBuf>,
    /// Only scenarios whose id begins so, such as `d/` or `e/pop-order`.
    #[arg(long, value_name = "PREFIX", default_value = "")]
    only: String,
    /// How many scenarios run side by side.
    #[arg(long, value_name = "N", default_value_t = 8)]
    jobs: usize,
    /// Seconds that a client waits for something that is due.
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    patience: u64,
    #[command(flatten)]
    output: Output,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let tested = match Arguments::parse().command {
        Command::Server(arguments) => test_server(*arguments).await,
        Command::Client(arguments) => test_client(arguments).await,
        Command::Peer(arguments) => cli::peer::run(*arguments).await,
        Command::Vectors(arguments) => cli::vectors::run(*arguments).await,
        Command::Matrix(arguments) => cli::matrix::run(&arguments),
        Command::Proxy(arguments) => cli::proxy::run(*arguments).await,
        #[cfg(feature = "simulation")]
        Command::Simulate(arguments) => cli::simulate::run(&arguments),
    };
    match tested {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("conformance: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether everything came as it should.
async fn test_server(arguments: ServerArguments) -> Result<bool, String> {
    let known = known(&arguments)?;
    let mut scenarios = server_scenarios().map_err(|(file, error)| format!("{file}: {error}"))?;
    scenarios.retain(|scenario| scenario.id.starts_with(&arguments.only));
    if scenarios.is_empty() {
        return Err("no scenario has such an id".to_owned());
    }
    let target = Target {
        url: arguments.url,
        short_timers: arguments.short_ping_url,
        stop: arguments.stop_command.map(|command| Box::new(move || run(&command)) as _),
    };
    let options = Options { jobs: arguments.jobs, patience: Duration::from_secs(arguments.patience) };
    for address in std::iter::once(&target.url).chain(&target.short_timers) {
        let probe = server::probe(address, options.patience).await;
        probe.map_err(|error| format!("{address} cannot be reached: {}", report::escape(&error)))?;
    }
    let name = arguments.implementation.unwrap_or_else(|| "CommServer".to_owned());
    let run = Run {
        suite: "server",
        subjects: vec![Subject { name, version: None }],
        known: known.as_ref(),
        total: scenarios.len(),
    };
    let play = async |show: Show<'_>| server::run(&target, &scenarios, &options, show).await;
    arguments.output.told(run, play).await
}

/// Whether everything came as it is known of this project's own peers.
async fn test_client(arguments: ClientArguments) -> Result<bool, String> {
    let known = client::known().map_err(|error| error.to_string())?;
    let mut scripts = client_scripts().map_err(|(file, error)| format!("{file}: {error}"))?;
    scripts.retain(|script| script.id.starts_with(&arguments.only));
    if scripts.is_empty() {
        return Err("no scenario has such an id".to_owned());
    }
    let options = client::Options { jobs: arguments.jobs, ..client::Options::default() };
    let subject = Subject { name: "ratatosk".to_owned(), version: Some(env!("CARGO_PKG_VERSION").to_owned()) };
    let run = Run { suite: "client", subjects: vec![subject], known: Some(&known), total: scripts.len() };
    let play = async |show: Show<'_>| client::run(&scripts, &options, show).await;
    arguments.output.told(run, play).await
}

fn known(arguments: &ServerArguments) -> Result<Option<Implementation>, String> {
    match (&arguments.implementation, &arguments.known) {
        (Some(name), _) => Implementation::named(name).map(Some).map_err(|error| error.to_string()),
        (None, Some(file)) => {
            let json = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
            Implementation::parse(&json).map(Some).map_err(|error| error.to_string())
        }
        (None, None) => Ok(None),
    }
}

/// Starts a shell command and does not wait for it.
fn run(command: &str) {
    if let Err(error) = tokio::process::Command::new("sh").arg("-c").arg(command).spawn() {
        eprintln!("conformance: the stop command does not start: {error}");
    }
}
