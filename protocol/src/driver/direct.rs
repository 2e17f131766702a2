//! Accepts peers that dial us without a CommServer.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Duration, sleep};

use super::limited::Budget;
use super::news::News;
use super::session::{NOBODY_ACCEPTS, Owned, Session};
use super::{DriverError, Environment, now, os_entropy, socket, task};
use crate::close::CloseRequest;
use crate::connection::{Connection, ConnectionError, KeyRing};
use crate::phase::Role;

/// Connections that are being established at a time at most; further ones wait in the system's queue.
const ESTABLISHING: usize = 256;
/// Established connections that wait to be accepted at most; a further peer is turned away.
const ACCEPT_QUEUE: usize = 64;
/// How long to wait after the system had no socket for us.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A listener of our own, for direct connections.
#[derive(Debug)]
pub struct DirectListener {
    address: SocketAddr,
    sessions: mpsc::Receiver<Session>,
    _task: Owned<()>,
}

impl DirectListener {
    /// Listens on an address; port 0 picks a free one.
    ///
    /// # Errors
    ///
    /// [`DriverError::Bind`].
    pub async fn bind(environment: &Environment, address: SocketAddr, keys: KeyRing) -> Result<Self, DriverError> {
        let bind = |source| DriverError::Bind { address, source };
        let listener = TcpListener::bind(address).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let (sender, sessions) = mpsc::channel(ACCEPT_QUEUE);
        let task = Owned(tokio::spawn(run(listener, environment.clone(), Arc::new(keys), sender)));
        Ok(Self { address, sessions, _task: task })
    }

    /// The address that peers dial.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next peer. Safe to cancel.
    pub async fn accept(&mut self) -> Option<Session> {
        self.sessions.recv().await
    }
}

async fn run(listener: TcpListener, environment: Environment, keys: Arc<KeyRing>, sessions: mpsc::Sender<Session>) {
    let mut establishing: JoinSet<Option<Session>> = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if establishing.len() < ESTABLISHING => match accepted {
                Ok((stream, _)) => {
                    establishing.spawn(establish(environment.clone(), keys.clone(), stream));
                }
                Err(error) => {
                    tracing::warn!(%error, "accept failed; trying again");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(ended) = establishing.join_next() => {
                if let Ok(Some(session)) = ended
                    && let Err(refused) = sessions.try_send(session)
                {
                    tracing::warn!("nobody accepts: a peer is turned away");
                    establishing.spawn(async {
                        refused.into_inner().close(CloseRequest::because(NOBODY_ACCEPTS)).await;
                        None
                    });
                }
            }
        }
    }
}

async fn establish(environment: Environment, keys: Arc<KeyRing>, stream: TcpStream) -> Option<Session> {
    let established = handshake(environment, keys, stream).await;
    established.inspect_err(|error| tracing::debug!(%error, "a direct connection failed")).ok()
}

async fn handshake(
    environment: Environment,
    keys: Arc<KeyRing>,
    stream: TcpStream,
) -> Result<Session, ConnectionError> {
    let news = News::new(&environment.events, Role::Listener);
    let id = news.connection();
    let machine = Connection::accept(now(), keys, environment.config.clone(), os_entropy());
    let deadlines = environment.config.deadlines.clone();
    let budget = Budget::new();
    let mut task = task::open(machine, news, deadlines, budget.clone(), socket::accept(stream, budget)).await?;
    let peers = task.establish().await?;
    Ok(Session::start(id, task, &peers))
}
