//! The relay as a whole: one task that accepts and owns the tasks of all connections. None of them outlives it.

mod accept;
mod stop;
mod view;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio::time::timeout;

use crate::metrics::Listener;
use crate::registry::Limit;
use crate::session::{Cause, Timer};
use crate::switchboard::{Snapshot, Switchboard};
use crate::upgrade::Rejection;
use crate::{Config, ConfigError, conn};

pub(crate) use accept::Acceptor;
use stop::Stage;
pub(crate) use stop::Stop;
pub use view::View;

/// A running relay. Dropping it ends all its connections without a word; [`Self::shutdown`] is the polite way.
#[derive(Debug)]
pub struct Server {
    local_addr: SocketAddr,
    view: View,
    stage: watch::Sender<Stage>,
    supervisor: JoinHandle<()>,
}

impl Server {
    /// Starts a relay.
    ///
    /// # Errors
    ///
    /// [`BindError`]
    pub async fn bind(config: Config) -> Result<Self, BindError> {
        config.validate()?;
        let address = config.listen.ok_or(ConfigError::NoListener)?;
        let refused = |source| BindError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let local_addr = listener.local_addr().map_err(refused)?;
        let board = Switchboard::new(config);
        let (stage, stop) = Stop::new();
        let acceptor = Acceptor::new(listener, board.metrics());
        let supervisor = tokio::spawn(supervise(acceptor, Arc::clone(&board), stop.clone()));
        let view = View::new(&board, &stop, supervisor.abort_handle());
        Ok(Self { local_addr, view, stage, supervisor })
    }

    /// Where it listens, with the port that it really has.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// What can be seen of it from outside.
    #[must_use]
    pub fn view(&self) -> View {
        self.view.clone()
    }

    /// How many of everything there are.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.view.snapshot()
    }

    /// Other settings from now on. New connections follow them at once, others from their next step on; nobody is closed
    /// because a limit is lower now. Where the relay listens does not change.
    ///
    /// # Errors
    ///
    /// What is wrong with `config`; then nothing changes.
    pub fn reconfigure(&self, config: Config) -> Result<(), ConfigError> {
        self.view.reconfigure(config)
    }

    /// Stops: accepts nobody, closes spares and whoever is not paired yet, gives pairs `drain` to finish, then closes
    /// them. Returns when nothing is left, at most [`Timer::Close`] after `drain`.
    pub async fn shutdown(mut self, drain: Duration) {
        self.stage.send_replace(Stage::Draining);
        if timeout(drain, &mut self.supervisor).await.is_err() {
            self.stage.send_replace(Stage::Stopping);
            // It cannot fail but by a panic, and then its tasks are gone as well.
            let _ = (&mut self.supervisor).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.supervisor.abort();
    }
}

/// Why a relay did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// The configuration cannot work.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The operating system does not let it listen there.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where it should listen.
        address: SocketAddr,
        /// What the operating system says.
        source: io::Error,
    },
}

async fn supervise(mut acceptor: Acceptor, board: Arc<Switchboard>, stop: Stop) {
    let mut tasks = JoinSet::new();
    let mut draining = stop.clone();
    loop {
        tokio::select! {
            biased;
            () = draining.draining() => break,
            Some(ended) = tasks.join_next() => report(ended),
            (stream, client) = acceptor.accept() => start(&mut tasks, &board, &stop, stream, client),
        }
    }
    drop(acceptor);
    let everybody = async {
        while let Some(ended) = tasks.join_next().await {
            report(ended);
        }
    };
    let last_call = async {
        draining.stopping().await;
        tokio::time::sleep(board.config().timeouts.of(Timer::Close)).await;
    };
    tokio::select! {
        () = everybody => {}
        () = last_call => {}
    }
    tasks.shutdown().await;
}

fn start(tasks: &mut JoinSet<()>, board: &Arc<Switchboard>, stop: &Stop, stream: TcpStream, client: IpAddr) {
    let seat = board.admit(Listener::Plain).and_then(|mut seat| match seat.locate(client) {
        Ok(()) => Ok(seat),
        Err(limit) => {
            seat.close(Cause::Limit);
            seat.closed(true);
            Err(limit)
        }
    });
    match seat {
        Ok(seat) => {
            tasks.spawn(conn::serve(Arc::clone(board), seat, stream, stop.clone()));
        }
        Err(limit) => {
            tracing::debug!(%limit, "a connection was refused");
            refuse(stream, limit);
        }
    }
}

/// Tells a client that there is no room, if that can be done without waiting: a fresh socket has an empty buffer.
fn refuse(mut stream: TcpStream, limit: Limit) {
    let _ = stream.write_all(Rejection::for_limit(limit).response().as_bytes()).now_or_never();
}

fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!("the task of a connection panicked; the connection is closed");
    }
}
