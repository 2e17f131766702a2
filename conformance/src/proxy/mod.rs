//! `conformance proxy`: stands between peers and a CommServer, or between two peers.
//!
//! WebSocket frames pass as they come, byte for byte: also those that break RFC 6455, and fragments as fragments. What passes
//! is written down ([`record`]), shown, and on request damaged ([`faults`]). With the secret key of one of the peers the
//! proxy reads what is encrypted: it puts temporary keys of its own into the key exchange (`rekey`).
//!
//! | File | Idea |
//! | --- | --- |
//! | `frame`, `http` | what is on the wire |
//! | `inspect`, `rekey`, `phases` | what it means; pure |
//! | `faults`, `queue` | what happens to it; pure |
//! | `pump`, `connection` | sockets |
//! | `log`, `record`, `summary` | what is told |
//!
//! A frame is passed on when it is there as a whole. Each direction of a connection keeps at most 4 MiB that wait, and one
//! frame of up to 128 MiB; of a connection that it decrypts, one message of that size, several times for a moment. Whoever
//! announces more is passed on without a look, and so is a frame of more than 4 MiB while eight others of that size are on
//! their way: whoever damages or decrypts such frames needs one of those places.

mod connection;
pub mod faults;
mod frame;
mod http;
mod inspect;
mod keys;
mod log;
mod phases;
mod pump;
mod queue;
pub mod record;
mod rekey;
mod summary;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

pub use keys::Keys;
pub use log::Sinks;
pub use summary::Summary;

use crate::server::Address;
use faults::Faults;
use log::Log;

/// How long to wait after the system had no socket for us.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How many directions of connections may hold more than [`queue::MAX_WAITING`] at a time.
const LARGE: usize = 8;

/// Which way something goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

impl Direction {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Up, Self::Down];

    /// The word for it in transcripts and specifications of faults.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }

    fn arrow(self) -> char {
        match self {
            Self::Up => '→',
            Self::Down => '←',
        }
    }
}

/// What a proxy does.
pub struct Options {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where it connects to; `ws://` alone. Its path takes the place of the clients', unless it is `/`.
    pub to: Address,
    /// Secret keys of peers.
    pub keys: Keys,
    /// What goes wrong.
    pub faults: Faults,
    /// What decides when.
    pub seed: u64,
    /// Connections at a time; further ones are turned away.
    pub connections: usize,
    /// Where it is told.
    pub sinks: Sinks,
}

/// A proxy that listens.
pub struct Proxy {
    listener: TcpListener,
    connections: usize,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
}

/// Why there is no proxy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// A TLS connection to the server would hide what is on it.
    #[error("--to must be ws://: in front of a wss:// server, put something that speaks TLS behind the proxy")]
    Tls,
    /// The address cannot be listened on.
    #[error("cannot listen on {0}: {1}")]
    Bind(SocketAddr, std::io::Error),
}

/// What all connections share.
struct Shared {
    to: Address,
    keys: Arc<Keys>,
    faults: Faults,
    seed: u64,
    log: Mutex<Log>,
    /// Places for frames that are large.
    large: Semaphore,
    stop: Stop,
}

/// Whether the proxy goes on.
#[derive(Clone)]
struct Stop(watch::Receiver<bool>);

impl Stop {
    async fn stopped(mut self) {
        // Without a sender there is no proxy either.
        drop(self.0.wait_for(|stopped| *stopped).await);
    }
}

impl Proxy {
    /// Listens.
    ///
    /// # Errors
    ///
    /// [`ProxyError`].
    pub async fn bind(options: Options) -> Result<Self, ProxyError> {
        let Options { listen, to, keys, faults, seed, connections, sinks } = options;
        if to.tls {
            return Err(ProxyError::Tls);
        }
        let listener = TcpListener::bind(listen).await.map_err(|error| ProxyError::Bind(listen, error))?;
        let mut log = Log::new(sinks);
        log.proxy(to.to_string(), faults.to_string(), seed, keys.count());
        let (stop, stopped) = watch::channel(false);
        let (keys, log, large) = (Arc::new(keys), Mutex::new(log), Semaphore::new(LARGE));
        let shared = Shared { to, keys, faults, seed, log, large, stop: Stop(stopped) };
        Ok(Self { listener, connections, shared: Arc::new(shared), stop })
    }

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// The system does not know, which does not happen to a listener.
    pub fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` is ready, then ends all connections.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Summary {
        let mut connections = JoinSet::new();
        let mut number = 0;
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                Some(_) = connections.join_next() => {}
                accepted = self.listener.accept() => match accepted {
                    Ok(_) if connections.len() >= self.connections => lock(&self.shared.log).turned_away(),
                    Ok((client, _)) => {
                        let shared = self.shared.clone();
                        connections.spawn(async move { connection::serve(&shared, number, client).await });
                        number += 1;
                    }
                    Err(_) => sleep(ACCEPT_PAUSE).await,
                }
            }
        }
        self.stop.send_replace(true);
        while connections.join_next().await.is_some() {}
        std::mem::take(&mut *lock(&self.shared.log).summary())
    }
}

/// What is behind a lock is whole after every statement, so a task that ended in the middle has broken nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
