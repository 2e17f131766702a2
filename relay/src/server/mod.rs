//! The relay as a whole: one task that accepts and owns the tasks of all connections. None of them outlives it.

mod accept;
mod stop;
mod view;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio::time::timeout;

use crate::conn::Arrival;
use crate::metrics::{Listener, Reload};
use crate::session::Timer;
use crate::switchboard::{Snapshot, Switchboard};
use crate::tls::{Tls, TlsError};
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
    tls_addr: Option<SocketAddr>,
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
        Self::start(Switchboard::new(config)).await
    }

    /// Starts the relay of a switchboard.
    pub(crate) async fn start(board: Arc<Switchboard>) -> Result<Self, BindError> {
        let config = board.config();
        // The certificate first: it is what is most often wrong.
        let tls = config.tls.as_ref().map(|tls| Tls::load(tls, board.metrics())).transpose()?;
        let (plain, plain_addr) = listen(config.listen, &board).await?;
        let (secured, tls_addr) = listen(config.tls.as_ref().map(|tls| tls.listen), &board).await?;
        let local_addr = plain_addr.or(tls_addr).ok_or(ConfigError::NoListener)?;
        let (stage, stop) = Stop::new();
        let doors = Doors { plain, secured: secured.zip(tls.clone()), handed: None };
        let supervisor = tokio::spawn(supervise(doors, Arc::clone(&board), stop.clone()));
        let view = View::new(&board, &stop, supervisor.abort_handle(), tls);
        Ok(Self { local_addr, tls_addr, view, stage, supervisor })
    }

    /// Starts the relay of a switchboard, whose connections come from a queue and from nowhere else.
    pub(crate) fn fed(board: &Arc<Switchboard>, handed: mpsc::Receiver<Arrival>) -> Self {
        let (stage, stop) = Stop::new();
        let doors = Doors { plain: None, secured: None, handed: Some(handed) };
        let supervisor = tokio::spawn(supervise(doors, Arc::clone(board), stop.clone()));
        let view = View::new(board, &stop, supervisor.abort_handle(), None);
        let nowhere = SocketAddr::from(([0; 4], 0));
        Self { local_addr: nowhere, tls_addr: None, view, stage, supervisor }
    }

    /// Where it listens, with the port that it really has: without TLS, or with TLS if it listens in no other way.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Where it listens with TLS, if it does.
    #[must_use]
    pub fn tls_addr(&self) -> Option<SocketAddr> {
        self.tls_addr
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

    /// Counts other settings that could not even be read.
    pub fn count_failed_reload(&self) {
        self.view.metrics_of().reloaded(Reload::Error);
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
    /// There is no certificate to listen with.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// What the relay is entered through.
#[derive(Debug)]
struct Doors {
    plain: Option<Acceptor>,
    secured: Option<(Acceptor, Arc<Tls>)>,
    /// Connections that somebody else has accepted.
    handed: Option<mpsc::Receiver<Arrival>>,
}

impl Doors {
    /// The next connection. Nothing is lost when the future is dropped.
    async fn accept(&mut self) -> Arrival {
        let handed = async {
            match &mut self.handed {
                None => std::future::pending().await,
                Some(handed) => handed.recv().await,
            }
        };
        let secured = async {
            match &mut self.secured {
                None => std::future::pending().await,
                Some((acceptor, tls)) => (acceptor.accept().await, Some(tls.acceptor())),
            }
        };
        let plain = async {
            match &mut self.plain {
                None => std::future::pending().await,
                Some(acceptor) => (acceptor.accept().await, None),
            }
        };
        let ((stream, peer), tls) = tokio::select! {
            arrived = plain => arrived,
            arrived = secured => arrived,
            Some(arrival) = handed => return arrival,
        };
        Arrival { stream: stream.into(), peer, tls }
    }
}

async fn listen(
    address: Option<SocketAddr>,
    board: &Switchboard,
) -> Result<(Option<Acceptor>, Option<SocketAddr>), BindError> {
    let Some(address) = address else {
        return Ok((None, None));
    };
    let refused = |source| BindError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let local_addr = listener.local_addr().map_err(refused)?;
    Ok((Some(Acceptor::new(listener, board.metrics())), Some(local_addr)))
}

async fn supervise(mut doors: Doors, board: Arc<Switchboard>, stop: Stop) {
    // It ends with this function.
    let mut watch = JoinSet::new();
    if let Some((_, tls)) = &doors.secured {
        watch.spawn(Arc::clone(tls).watch());
    }
    let mut tasks = JoinSet::new();
    let mut draining = stop.clone();
    loop {
        tokio::select! {
            biased;
            () = draining.draining() => break,
            Some(ended) = tasks.join_next() => report(ended),
            arrival = doors.accept() => start(&mut tasks, &board, &stop, arrival),
        }
    }
    drop(doors);
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

fn start(tasks: &mut JoinSet<()>, board: &Arc<Switchboard>, stop: &Stop, arrival: Arrival) {
    let client = arrival.peer;
    let listener = if arrival.tls.is_some() { Listener::Tls } else { Listener::Plain };
    let mut seat = match board.admit(listener) {
        Ok(seat) => seat,
        Err(limit) => {
            tracing::debug!(%limit, "a connection was refused");
            return refuse(arrival, Rejection::for_limit(limit));
        }
    };
    // A trusted proxy says where its client is before anything is counted.
    if !board.config().proxies.trust(client)
        && let Err(rejection) = conn::locate(board, &mut seat, client)
    {
        seat.close(rejection.cause());
        seat.closed(true);
        return refuse(arrival, rejection);
    }
    tasks.spawn(conn::serve(Arc::clone(board), seat, arrival, stop.clone()));
}

/// Tells a client that it may not come in, if that can be done without waiting: a fresh socket has an empty buffer.
/// With TLS that would take a handshake, and so it just ends.
fn refuse(mut arrival: Arrival, rejection: Rejection) {
    if arrival.tls.is_some() {
        return;
    }
    let _ = arrival.stream.write_all(rejection.response().as_bytes()).now_or_never();
}

fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!("the task of a connection panicked; the connection is closed");
    }
}
