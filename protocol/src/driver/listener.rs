//! Keeps spare connections at a CommServer and hands out the peers that come through them.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio::time::timeout;

use super::events::NoticeKind;
use super::limited::Budget;
use super::news::News;
use super::session::{Owned, Session};
use super::socket::Dialled;
use super::task::{self, Peers, Task, until};
use super::{DriverError, Environment, now, os_entropy, socket};
use crate::backoff::Backoff;
use crate::close::CloseRequest;
use crate::connection::{Connection, ConnectionError, Event, KeyRing};
use crate::phase::Role;
use crate::spare::{SpareAction, SpareId, SparePolicy, SparePool};

/// Established connections that wait to be accepted at most; a further peer is turned away.
const ACCEPT_QUEUE: usize = 64;
/// Connections beside the spares that may be in establishment at a time. A flood of requests cannot open more.
const ESTABLISHING: usize = 256;

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
        socket::check_url(&config.url)?;
        let (sessions_end, sessions) = mpsc::channel(ACCEPT_QUEUE);
        let (stop, stopped) = oneshot::channel();
        let (ready_end, ready) = watch::channel(0);
        let supervisor = Supervisor::new(environment.clone(), config, sessions_end, ready_end);
        let supervisor = Owned(tokio::spawn(supervisor.run(stopped)));
        Ok(Self { sessions, ready, stop: Some(stop), supervisor })
    }

    /// The next peer. Safe to cancel.
    pub async fn accept(&mut self) -> Option<Session> {
        self.sessions.recv().await
    }

    /// How many spares are registered and wait for a peer; the listener can be reached while there is one.
    #[must_use]
    pub fn ready(&self) -> watch::Receiver<usize> {
        self.ready.clone()
    }

    /// Closes all spares and waits for their end. Sessions that were accepted go on.
    pub async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            // A supervisor that has ended needs no telling.
            let _ = stop.send(());
        }
        self.supervisor.join().await;
    }
}

type Socketed = Task<Dialled>;

/// Where the connection of a spare ended: as a session to be, or not at all.
enum Outcome {
    Established(Box<Socketed>, Peers, u64),
    Failed(ConnectionError),
    Stopped,
}

struct Supervisor {
    environment: Environment,
    config: ListenerConfig,
    keys: Arc<KeyRing>,
    pool: SparePool,
    sessions: mpsc::Sender<Session>,
    ready: watch::Sender<usize>,
    spares: JoinSet<Outcome>,
    /// A spare that is to be opened when there is room for it.
    postponed: Option<SpareId>,
    running: HashMap<Id, (SpareId, u64)>,
    closers: HashMap<SpareId, (oneshot::Sender<()>, AbortHandle)>,
    told: mpsc::UnboundedReceiver<(SpareId, Event)>,
    tell: mpsc::UnboundedSender<(SpareId, Event)>,
    /// The connection whose failure was told last: retries are told in its name.
    last_connection: u64,
}

impl Supervisor {
    #[expect(clippy::disallowed_methods, reason = "a spare tells three things at most, and spares are limited")]
    fn new(
        environment: Environment,
        config: ListenerConfig,
        sessions: mpsc::Sender<Session>,
        ready: watch::Sender<usize>,
    ) -> Self {
        let (tell, told) = mpsc::unbounded_channel();
        Self {
            keys: Arc::new(config.keys.clone()),
            pool: SparePool::new(config.spares, config.backoff.clone()),
            environment,
            config,
            sessions,
            ready,
            spares: JoinSet::new(),
            postponed: None,
            running: HashMap::new(),
            closers: HashMap::new(),
            told,
            tell,
            last_connection: 0,
        }
    }

    async fn run(mut self, mut stopped: oneshot::Receiver<()>) {
        self.pool.start();
        loop {
            self.act();
            tokio::select! {
                // A dropped handle aborts this task; a stop comes as a value.
                _ = &mut stopped => break,
                Some((id, event)) = self.told.recv() => self.hear(id, &event),
                Some(ended) = self.spares.join_next_with_id() => self.ended(ended),
                () = until(self.pool.poll_timeout()) => self.pool.handle_timeout(now()),
            }
        }
        self.pool.stop();
        self.act();
        let patience = self.environment.config.deadlines.close * 2;
        let end = async { while self.spares.join_next().await.is_some() {} };
        if timeout(patience, end).await.is_err() {
            self.spares.shutdown().await;
        }
    }

    fn act(&mut self) {
        let ready = self.pool.ready();
        self.ready.send_if_modified(|before| std::mem::replace(before, ready) != ready);
        while let Some(action) = self.pool.poll_action() {
            match action {
                SpareAction::Open(id) => self.postponed = Some(id),
                SpareAction::Close(id) => {
                    self.postponed.take_if(|postponed| *postponed == id);
                    if let Some((closer, _)) = self.closers.remove(&id) {
                        // A connection that has ended needs no telling.
                        let _ = closer.send(());
                    }
                }
                SpareAction::RetryIn(delay) => {
                    let kind = NoticeKind::Retrying(delay);
                    self.environment.events.publish(self.last_connection, Role::Listener, &kind);
                }
            }
        }
        let room = self.limit().saturating_sub(self.spares.len());
        if let Some(id) = self.postponed.take_if(|_| room > 0) {
            self.open(id);
        }
    }

    /// Connections that may be open at a time before they are established.
    fn limit(&self) -> usize {
        self.config.spares.limit().saturating_add(ESTABLISHING)
    }

    fn open(&mut self, id: SpareId) {
        let news = News::new(&self.environment.events, Role::Listener).with_listener(id, self.tell.clone());
        let connection = news.connection();
        let (closer, close) = oneshot::channel();
        let spare = spare(self.environment.clone(), self.keys.clone(), self.config.url.clone(), news, close);
        let handle = self.spares.spawn(spare);
        self.running.insert(handle.id(), (id, connection));
        self.closers.insert(id, (closer, handle));
    }

    fn hear(&mut self, id: SpareId, event: &Event) {
        match event {
            Event::SpareOpened => self.pool.opened(now(), id),
            Event::SpareHandedOver => self.pool.handed_over(id),
            Event::HandoverComplete => self.pool.handover_complete(id),
            _ => {}
        }
    }

    fn ended(&mut self, ended: Result<(Id, Outcome), JoinError>) {
        // What a connection told comes before its end.
        while let Ok((id, event)) = self.told.try_recv() {
            self.hear(id, &event);
        }
        let (task, outcome) = match ended {
            Ok((task, outcome)) => (task, outcome),
            Err(error) => (error.id(), Outcome::Stopped),
        };
        let Some((id, connection)) = self.running.remove(&task) else { return };
        self.closers.remove(&id);
        match outcome {
            Outcome::Established(task, peers, connection) => {
                let session = Session::start(connection, *task, &peers);
                if self.sessions.try_send(session).is_err() {
                    tracing::warn!(connection, "nobody accepts: a peer was turned away");
                }
            }
            Outcome::Failed(error) => {
                tracing::debug!(connection, %error, "a spare connection ended");
                self.last_connection = connection;
            }
            Outcome::Stopped => {}
        }
        self.pool.closed(now(), id, os_entropy().as_mut());
    }
}

/// The life of one spare, up to the established connection.
async fn spare(
    environment: Environment,
    keys: Arc<KeyRing>,
    url: String,
    news: News,
    mut close: oneshot::Receiver<()>,
) -> Outcome {
    let id = news.connection();
    let machine = Connection::spare(now(), keys, environment.config.clone(), os_entropy());
    let deadlines = environment.config.deadlines.clone();
    let budget = Budget::new();
    let opened = tokio::select! {
        opened = task::open(machine, news, deadlines, budget.clone(), socket::open(&url, budget)) => opened,
        _ = &mut close => return Outcome::Stopped,
    };
    let mut task = match opened {
        Ok(task) => task,
        Err(error) => return Outcome::Failed(error),
    };
    tokio::select! {
        established = task.establish() => match established {
            Ok(peers) => return Outcome::Established(Box::new(task), peers, id),
            Err(error) => return Outcome::Failed(error),
        },
        _ = &mut close => {}
    }
    task.abandon(CloseRequest::Close(None)).await;
    Outcome::Stopped
}
