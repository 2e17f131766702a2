//! Does what the pool of spare connections says, and tells it what became of each.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::timeout;

use super::events::NoticeKind;
use super::limited::Budget;
use super::listener::ListenerConfig;
use super::news::News;
use super::session::{NOBODY_ACCEPTS, Session};
use super::socket::{Dialled, Target};
use super::task::{self, Peers, Task};
use super::wait::until;
use super::{Environment, now, os_entropy, socket};
use crate::close::CloseRequest;
use crate::connection::{Connection, ConnectionError, Event, KeyRing};
use crate::phase::{Phase, Role};
use crate::spare::{SpareAction, SpareId, SparePool};

/// Connections beside the spares that may be in establishment at a time. A flood of requests cannot open more.
const ESTABLISHING: usize = 256;

/// What the supervisor shares with the listener's handle.
pub(super) struct Doors {
    pub(super) sessions: mpsc::Sender<Session>,
    pub(super) ready: watch::Sender<usize>,
    pub(super) refusal: Arc<OnceLock<ConnectionError>>,
}

type Socketed = Task<Dialled>;

/// Where the connection of a spare ended: as a session to be, or not at all.
enum Outcome {
    Established(Box<Socketed>, Peers),
    Failed(ConnectionError),
    Stopped,
}

/// The life of a listener.
pub(super) struct Supervisor {
    environment: Environment,
    target: Target,
    keys: Arc<KeyRing>,
    /// Connections that may be open at a time before they are established.
    most_connections: usize,
    pool: SparePool,
    doors: Doors,
    spares: JoinSet<Outcome>,
    /// A spare that is to be opened when there is room for it.
    postponed: Option<SpareId>,
    running: HashMap<Id, (SpareId, u64)>,
    closers: HashMap<SpareId, oneshot::Sender<()>>,
    told: mpsc::UnboundedReceiver<(SpareId, Event)>,
    tell: mpsc::UnboundedSender<(SpareId, Event)>,
    /// The connection that failed last, and where: retries are told in its name.
    last_failure: (u64, Phase),
    stopping: bool,
}

impl Supervisor {
    #[expect(clippy::disallowed_methods, reason = "a spare tells three things at most, and spares are limited")]
    pub(super) fn new(environment: Environment, config: ListenerConfig, target: Target, doors: Doors) -> Self {
        let (tell, told) = mpsc::unbounded_channel();
        Self {
            environment,
            target,
            keys: Arc::new(config.keys),
            most_connections: config.spares.limit().saturating_add(ESTABLISHING),
            pool: SparePool::new(config.spares, config.backoff),
            doors,
            spares: JoinSet::new(),
            postponed: None,
            running: HashMap::new(),
            closers: HashMap::new(),
            told,
            tell,
            last_failure: (0, Phase::Connect),
            stopping: false,
        }
    }

    /// Runs until it is stopped or the CommServer refuses the key for good.
    pub(super) async fn run(mut self, mut stopped: oneshot::Receiver<()>) {
        self.pool.start();
        while self.doors.refusal.get().is_none() {
            self.act();
            tokio::select! {
                // A dropped handle aborts this task; a stop comes as a value.
                _ = &mut stopped => break,
                Some((id, event)) = self.told.recv() => self.hear(id, &event),
                Some(ended) = self.spares.join_next_with_id() => self.ended(ended),
                () = until(self.pool.poll_timeout()) => self.pool.handle_timeout(now()),
            }
        }
        self.stop().await;
    }

    async fn stop(&mut self) {
        self.stopping = true;
        self.pool.stop();
        self.act();
        // The pool has forgotten the spares that were handed over; their peers are told as well.
        for (_, closer) in self.closers.drain() {
            // A connection that has ended needs no telling.
            let _ = closer.send(());
        }
        let patience = self.environment.config.deadlines.close.saturating_mul(2);
        let end = async {
            while let Some(ended) = self.spares.join_next_with_id().await {
                self.ended(ended);
            }
        };
        if timeout(patience, end).await.is_err() {
            self.spares.shutdown().await;
        }
    }

    fn act(&mut self) {
        let ready = self.pool.ready();
        self.doors.ready.send_if_modified(|before| std::mem::replace(before, ready) != ready);
        while let Some(action) = self.pool.poll_action() {
            match action {
                SpareAction::Open(id) => self.postponed = Some(id),
                SpareAction::Close(id) => {
                    self.postponed.take_if(|postponed| *postponed == id);
                    if let Some(closer) = self.closers.remove(&id) {
                        // A connection that has ended needs no telling.
                        let _ = closer.send(());
                    }
                }
                SpareAction::RetryIn(delay) => {
                    let (connection, failed) = self.last_failure;
                    let kind = NoticeKind::Retrying { delay, failed };
                    self.environment.events.publish(connection, Role::Listener, &kind);
                }
            }
        }
        let has_room = self.spares.len() < self.most_connections;
        if let Some(id) = self.postponed.take_if(|_| has_room) {
            self.open(id);
        }
    }

    fn open(&mut self, id: SpareId) {
        let news = News::new(&self.environment.events, Role::Listener).with_listener(id, self.tell.clone());
        let connection = news.connection();
        let (closer, close) = oneshot::channel();
        let spare = spare(self.environment.clone(), self.keys.clone(), self.target.clone(), news, close);
        let handle = self.spares.spawn(spare);
        self.running.insert(handle.id(), (id, connection));
        self.closers.insert(id, closer);
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
        // A connection that was turned away is no spare any more.
        let Some((id, connection)) = self.running.remove(&task) else { return };
        self.closers.remove(&id);
        match outcome {
            Outcome::Established(task, peers) => self.established(*task, &peers, connection),
            Outcome::Failed(error) => self.failed(connection, error),
            Outcome::Stopped => {}
        }
        self.pool.closed(now(), id, os_entropy().as_mut());
    }

    fn established(&mut self, task: Socketed, peers: &Peers, connection: u64) {
        if self.stopping {
            return self.turn_away(task, CloseRequest::Close(None));
        }
        let sessions = self.doors.sessions.clone();
        let Ok(place) = sessions.try_reserve() else {
            tracing::warn!(connection, "nobody accepts: a peer is turned away");
            return self.turn_away(task, CloseRequest::because(NOBODY_ACCEPTS));
        };
        place.send(Session::start(connection, task, peers));
    }

    fn turn_away(&mut self, task: Socketed, request: CloseRequest) {
        self.spares.spawn(async {
            task.abandon(request).await;
            Outcome::Stopped
        });
    }

    fn failed(&mut self, connection: u64, error: ConnectionError) {
        tracing::debug!(connection, %error, "a spare connection ended");
        self.last_failure = (connection, error.phase.unwrap_or(Phase::Connect));
        if error.phase == Some(Phase::Registration) && error.cause.is_final() {
            tracing::error!(%error, "the CommServer refuses the key; the listener gives up");
            // The first reason is the one that counts.
            let _ = self.doors.refusal.set(error);
        }
    }
}

/// The life of one spare, up to the established connection.
async fn spare(
    environment: Environment,
    keys: Arc<KeyRing>,
    target: Target,
    news: News,
    mut close: oneshot::Receiver<()>,
) -> Outcome {
    let machine = Connection::spare(now(), keys, environment.config.clone(), os_entropy());
    let deadlines = environment.config.deadlines.clone();
    let budget = Budget::new();
    let opened = tokio::select! {
        opened = task::open(machine, news, deadlines, budget.clone(), socket::open(&target, budget)) => opened,
        _ = &mut close => return Outcome::Stopped,
    };
    let mut task = match opened {
        Ok(task) => task,
        Err(error) => return Outcome::Failed(error),
    };
    tokio::select! {
        established = task.establish() => match established {
            Ok(peers) => return Outcome::Established(Box::new(task), peers),
            Err(error) => return Outcome::Failed(error),
        },
        _ = &mut close => {}
    }
    task.abandon(CloseRequest::Close(None)).await;
    Outcome::Stopped
}
