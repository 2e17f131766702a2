//! `conformance proxy`: stands between peers and a server, writes down what passes, and damages it on request.

use std::fs::{File, OpenOptions};
use std::io::{Write, stdout};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ratatosk_conformance::proxy::faults::Faults;
use ratatosk_conformance::proxy::{Keys, Options, Proxy, Sinks};
use ratatosk_conformance::server::Address;
use ratatosk_protocol::entropy::{OsEntropy, array};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where to listen, such as `127.0.0.1:8100`.
    #[arg(long, value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Where to connect to: `ws://host:port`, a CommServer or a peer that accepts connections.
    #[arg(long, value_name = "URL", value_parser = Address::parse)]
    to: Address,
    /// Decrypt the connections of these peers: a file with secret keys in hex, one a line, that nobody else may read.
    ///
    /// The key of one end is enough. The proxy then takes part in the key exchange.
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Write a transcript: JSON, one object a line. The file must not exist.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// End the transcript after so many MiB.
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    record_limit: u64,
    /// Show what passes as it happens.
    #[arg(long)]
    timeline: bool,
    /// Damage what passes, such as `delay=50ms..200ms,drop=0.01,corrupt=0.001`.
    ///
    /// `delay=TIME` or `delay=TIME..TIME`, `jitter=TIME`; a probability per frame: `drop` (reset both connections), `cut`
    /// (in the middle of the frame), `close` (with code 1001), `lose`, `truncate`, `corrupt` (a bit of the payload),
    /// `corrupt-header`, `duplicate`, `reorder`, `drip` (slowly, over a second); `after=N` spares the first frames of each
    /// direction, `only=up` or `only=down` one direction.
    #[arg(long, value_name = "SPEC", default_value = "")]
    faults: Faults,
    /// What decides which frames are damaged. The same seed damages the same frames.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// How many connections there may be at a time.
    #[arg(long, value_name = "N", default_value_t = 256)]
    connections: usize,
}

/// Runs until it is interrupted, then says what it has seen and done.
///
/// # Errors
///
/// If it cannot begin: an address, a file or a key.
pub(crate) async fn run(args: Args) -> Result<bool, String> {
    let keys = args.keys.as_deref().map(Keys::read).transpose()?.unwrap_or_default();
    let record = args.record.as_deref().map(create).transpose()?;
    let seed = args.seed.unwrap_or_else(|| u64::from_le_bytes(array(&mut OsEntropy)));
    let again =
        if args.faults.is_empty() { String::new() } else { format!(" --faults '{}' --seed {seed}", args.faults) };
    let decrypts = keys.count();
    let options = Options {
        listen: args.listen,
        to: args.to,
        keys,
        faults: args.faults,
        seed,
        connections: args.connections,
        sinks: Sinks {
            record: record.map(|file| Box::new(file) as _),
            record_limit: args.record_limit.saturating_mul(1 << 20),
            timeline: args.timeline.then(|| Box::new(stdout()) as _),
        },
    };
    let proxy = Proxy::bind(options).await.map_err(|error| error.to_string())?;
    let address = proxy.local_addr().map_err(|error| error.to_string())?;
    if decrypts > 0 {
        eprintln!("conformance: with {decrypts} secret keys, what their owners say is readable here");
    }
    // Whoever started this waits for the line.
    let mut out = stdout();
    writeln!(out, "listening on ws://{address}{again}")
        .and_then(|()| out.flush())
        .map_err(|error| error.to_string())?;
    let summary = proxy.run(interrupted()).await;
    print!("{summary}");
    if !again.is_empty() {
        println!("again:{again}");
    }
    Ok(true)
}

async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminated.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    // Without a signal to wait for it ends at once, which is seen.
    tokio::signal::ctrl_c().await.unwrap_or_default();
}

/// A new file that nobody else may read: there may be secrets in it.
fn create(path: &Path) -> Result<File, String> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|error| format!("{}: {error}", path.display()))
}
