//! The sockets of the API: accepting, limits, stopping.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use super::guard::Guard;
use super::patient::Patient;
use super::record::Record;
use super::{document, guard};
use crate::daemon::{Core, Failure, Kind};

/// How long the head of a request may take, also of the next one on a connection.
const HEAD: Duration = Duration::from_secs(30);
/// The longest head, in bytes.
const MAX_HEAD: usize = 64 * 1024;
/// How long a stop waits for requests that are being answered.
const STOPPING: Duration = Duration::from_secs(5);

/// The API, listening. Dropping it ends everything at once.
pub(crate) struct Server {
    address: SocketAddr,
    guard: Arc<Guard>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
    _record: Option<Record>,
}

impl Server {
    /// Begins to listen, and writes down where if others shall find it: not if it may be gone before they are answered.
    ///
    /// # Errors
    ///
    /// That the port is taken, or the file cannot be written.
    pub(crate) async fn start(core: Arc<Core>, for_others: bool) -> Result<Self, Failure> {
        let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, core.config.api.port));
        let refused = |error: std::io::Error| {
            let help = "another program may use that port; set port = 0 in [api] of config.toml to take a free one";
            Failure::new(Kind::Unavailable, format!("the API cannot listen on {wanted}: {error}"), help)
        };
        let listener = TcpListener::bind(wanted).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let guard = Arc::new(Guard::new(address.port()));
        let dir = core.node.dir().to_owned();
        let record = for_others.then(|| Record::write(&dir, address.port(), guard.token())).transpose()?;
        let connections = core.config.api.connections;
        let router = document::router(core).layer(axum::middleware::from_fn_with_state(guard.clone(), guard::guard));
        let (stop, stopping) = watch::channel(false);
        let task = tokio::spawn(serve(listener, router, connections, stopping));
        Ok(Self { address, guard, stop, task, _record: record })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it asks for.
    pub(crate) fn token(&self) -> &str {
        self.guard.token()
    }

    /// Accepts nobody any more, and gives requests that are being answered a moment.
    pub(crate) async fn stop(mut self) {
        self.stop.send_replace(true);
        // It ends by itself; a panic of it has been reported.
        let _ = timeout(2 * STOPPING, &mut self.task).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, router: Router, connections: usize, mut stopping: watch::Receiver<bool>) {
    let seats = Arc::new(Semaphore::new(connections));
    let (mut tasks, hear) = (JoinSet::new(), stopping.clone());
    loop {
        let accepted = async {
            // Never closed.
            let seat = seats.clone().acquire_owned().await.ok();
            (listener.accept().await, seat)
        };
        tokio::select! {
            () = stopped(&mut stopping) => break,
            Some(_) = tasks.join_next() => {}
            (accepted, seat) = accepted => match accepted {
                Ok((stream, _)) => {
                    let connection = converse(stream, router.clone(), hear.clone());
                    tasks.spawn(async move {
                        connection.await;
                        drop(seat);
                    });
                }
                Err(error) => {
                    // Too many files are open: it passes.
                    tracing::warn!(%error, "cannot accept a connection to the API");
                    sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
    drop(listener);
    let rest = async { while tasks.join_next().await.is_some() {} };
    let _ = timeout(STOPPING, rest).await;
    tasks.shutdown().await;
}

/// Waits for the wish that everything ends. Safe to cancel.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // An error means that nobody is left who could wish anything else.
    let _ = stopping.wait_for(|stop| *stop).await;
}

async fn converse(stream: TcpStream, router: Router, mut stopping: watch::Receiver<bool>) {
    // Small answers should not wait for the acknowledgement of the one before.
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(Patient::new(stream)), TowerToHyperService::new(router));
    tokio::pin!(connection);
    let stopped = tokio::select! {
        ended = connection.as_mut() => Err(ended),
        () = stopped(&mut stopping) => Ok(()),
    };
    let ended = match stopped {
        Err(ended) => ended,
        Ok(()) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection to the API ended");
    }
}
