//! The handle of a listener: spare connections are kept at a CommServer, and peers come out.

use std::sync::{Arc, OnceLock};

use tokio::sync::{mpsc, oneshot, watch};

use super::session::{Owned, Session};
use super::supervisor::{Doors, Supervisor};
use super::{DriverError, Environment, socket};
use crate::backoff::Backoff;
use crate::close::CloseRequest;
use crate::connection::{ConnectionError, KeyRing};
use crate::spare::SparePolicy;

/// Established connections that wait to be accepted at most; a further peer is turned away.
const ACCEPT_QUEUE: usize = 64;

/// Where to listen, under which keys, and with how many spares.
#[derive(Clone, Debug)]
pub struct ListenerConfig {
    /// The CommServer's URL.
    pub url: String,
    /// Our keys.
    pub keys: KeyRing,
    /// How many spares.
    pub spares: SparePolicy,
    /// The delays after failures.
    pub backoff: Backoff,
}

/// A listener at a CommServer.
#[derive(Debug)]
pub struct Listener {
    sessions: mpsc::Receiver<Session>,
    ready: watch::Receiver<usize>,
    refusal: Arc<OnceLock<ConnectionError>>,
    stop: Option<oneshot::Sender<()>>,
    supervisor: Owned<()>,
}

impl Listener {
    /// Begins to keep spares. Failures to reach the CommServer are told as events and tried again.
    ///
    /// # Errors
    ///
    /// [`DriverError::Url`].
    pub fn start(environment: &Environment, config: ListenerConfig) -> Result<Self, DriverError> {
        let target = socket::target(&config.url)?;
        let (sessions_end, sessions) = mpsc::channel(ACCEPT_QUEUE);
        let (ready_end, ready) = watch::channel(0);
        let (stop, stopped) = oneshot::channel();
        let refusal = Arc::new(OnceLock::new());
        let doors = Doors { sessions: sessions_end, ready: ready_end, refusal: refusal.clone() };
        let supervisor = Supervisor::new(environment.clone(), config, target, doors);
        let supervisor = Owned(tokio::spawn(supervisor.run(stopped)));
        Ok(Self { sessions, ready, refusal, stop: Some(stop), supervisor })
    }

    /// The next peer; none when the CommServer has refused our key for good, see [`Self::refusal`]. Safe to cancel.
    pub async fn accept(&mut self) -> Option<Session> {
        self.sessions.recv().await
    }

    /// How many spares are registered and wait for a peer; the listener can be reached while there is one.
    #[must_use]
    pub fn ready(&self) -> watch::Receiver<usize> {
        self.ready.clone()
    }

    /// Why the listener has given up, if it has: no other attempt would end better.
    #[must_use]
    pub fn refusal(&self) -> Option<&ConnectionError> {
        self.refusal.get()
    }

    /// Closes all spares, and what nobody has accepted yet, and waits for their end. Sessions that were accepted go on.
    pub async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            // A supervisor that has ended needs no telling.
            let _ = stop.send(());
        }
        self.supervisor.join().await;
        while let Some(session) = self.sessions.recv().await {
            session.close(CloseRequest::Close(None)).await;
        }
    }
}
