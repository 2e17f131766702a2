//! `commserver`: the relay as a program.

mod files;
mod logging;
mod reload;
mod settings;
mod signals;

use std::io::{ErrorKind, Write};
use std::process::ExitCode;
use std::sync::Arc;

use ratatosk_protocol::entropy::OsEntropy;
use ratatosk_relay::registry::Phase;
use ratatosk_relay::{BindError, Ops, Server};

use logging::Log;
use reload::Reload;
use settings::{CommandLine, Loaded};
use signals::{Request, Signals};

/// What the program ends with when its settings cannot work.
const BAD_SETTINGS: u8 = 2;

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("commserver: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(start());
    // A name that is being looked up for the admission hook cannot be given up and may take half a minute: it is not waited
    // for.
    runtime.shutdown_background();
    code
}

async fn start() -> ExitCode {
    let line = CommandLine::new(settings::command().get_matches());
    for warning in std::env::vars_os().filter_map(|(name, _)| settings::stray(&name)) {
        eprintln!("commserver: {warning}");
    }
    let settings = match Loaded::from(&line) {
        Ok(settings) => settings,
        Err(problems) => {
            eprintln!("commserver: {problems}");
            return ExitCode::from(BAD_SETTINGS);
        }
    };
    if line.check {
        if let Some(Err(error)) = settings.config().tls.map(|tls| tls.check()) {
            eprintln!("commserver: {error}");
            return ExitCode::from(BAD_SETTINGS);
        }
        announce(settings.to_toml().trim_end());
        return ExitCode::SUCCESS;
    }
    match run(Reload::new(&line, settings)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("commserver: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Serves until a signal comes, then drains.
async fn run(mut reload: Reload<'_>) -> Result<(), String> {
    let settings = reload.current();
    let log = Arc::new(Log::start(settings.log_filter(), settings.log_format())?);
    let mut signals = Signals::new().map_err(|error| format!("cannot listen for signals: {error}"))?;
    OsEntropy::check().map_err(|error| format!("there are no random numbers for keys: {error}{ENTROPY_ADVICE}"))?;
    files::allow(settings.config().limits.connections);
    let server = Server::bind(settings.config()).await.map_err(|error| explain(&error))?;
    // It ends with this function, so that it can be asked until the last connection is closed.
    let ops = match settings.ops_listen() {
        None => None,
        Some(address) => {
            let ops = Ops::bind(address, server.view(), Arc::<Log>::clone(&log)).await;
            Some(ops.map_err(|error| format!("cannot listen on {address} for operators: {error}{OPS_ADVICE}"))?)
        }
    };
    say_where(&server);
    if let Some(ops) = &ops {
        announce(&format!("operators find it on http://{}", ops.local_addr()));
    }

    while signals.next().await == Request::Reload {
        reload.run(&server, &log);
    }
    let pairs = server.snapshot().connections.of(Phase::Paired) / 2;
    let drain = reload.current().drain();
    tracing::info!(pairs, ?drain, "draining");
    announce(&format!("commserver stops: {pairs} pairs have {drain:?} to finish (a second signal stops it at once)"));
    tokio::select! {
        () = server.shutdown(drain) => Ok(()),
        () = signals.stop() => Err("stopped at once".to_owned()),
    }
}

/// Says where the relay listens; without TLS first, if it does both.
fn say_where(server: &Server) {
    let (address, tls) = (server.local_addr(), server.tls_addr());
    let mut hint = " (Ctrl-C stops it)";
    if tls != Some(address) {
        announce(&format!("commserver listens on ws://{address}{hint}"));
        tracing::info!(%address, "listening");
        hint = "";
    }
    if let Some(address) = tls {
        announce(&format!("commserver listens on wss://{address}{hint}"));
        tracing::info!(%address, "listening with TLS");
    }
}

/// What to do when the operating system gives no random numbers.
const ENTROPY_ADVICE: &str = "\nIn a chroot or container, /dev/random and /dev/urandom have to be there.";

/// What to do when the listener for operators cannot be had.
const OPS_ADVICE: &str = "\nChoose another address with --ops-listen, or do without with --ops-listen off.";

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
                "\nAnother program listens there: stop it, or choose another port with --listen or --tls-listen (port 0 takes a free one)."
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
