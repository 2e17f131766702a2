//! Owns every task of a service: whoever drops it ends them all.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use ratatosk_pairing::{Invitation, Paired, Purpose};
use ratatosk_protocol::close::CloseRequest;
use ratatosk_protocol::connection::Connector;
use ratatosk_protocol::driver::{ConnectorConfig, DriverError, Listener, Session, connect};
use ratatosk_protocol::key::PublicKey;
use ratatosk_protocol::phase::Role;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};

use super::news::News;
use super::shared::{Order, Shared};
use super::stopping::Stopping;
use super::{completion, contact, encounter};
use crate::model::Endpoint;

/// Connections that are being turned away at a time.
const TURNING_AWAY: usize = 64;

/// Without a spare for so long we cannot be reached. For moments there is none whenever several peers come at once, and
/// strangers must not be able to make us tell so, and dial everybody, as often as they like.
const AWAY: Duration = Duration::from_secs(1);

/// What somebody is told for whom there is no room.
const FULL: &str = "Too many connections are being established";

pub(super) struct Supervisor {
    shared: Arc<Shared>,
    listener: Listener,
    orders: mpsc::Receiver<Order>,
    stopping: Stopping,
    tasks: JoinSet<()>,
    goodbyes: JoinSet<()>,
    /// The tasks that keep connections to contacts, by the contact's key.
    contacts: HashMap<PublicKey, (Endpoint, AbortHandle)>,
}

impl Supervisor {
    pub(super) fn new(
        shared: Arc<Shared>,
        listener: Listener,
        orders: mpsc::Receiver<Order>,
        stopping: Stopping,
    ) -> Self {
        let (tasks, goodbyes) = (JoinSet::new(), JoinSet::new());
        Self { shared, listener, orders, stopping, tasks, goodbyes, contacts: HashMap::new() }
    }

    /// Runs until it is stopped.
    pub(super) async fn run(mut self) {
        let mut ready = self.listener.ready();
        let mut acquaintances = self.shared.acquaintances.subscribe();
        let (mut gone, mut away) = (false, None);
        self.keep_contacts().await;
        loop {
            tokio::select! {
                () = self.stopping.wait() => break,
                session = self.listener.accept(), if !gone => match session {
                    Some(session) => self.accepted(session).await,
                    None => {
                        gone = true;
                        self.refused().await;
                    }
                },
                Some(order) = self.orders.recv() => match order {
                    Order::Pair(invitation, reply) => {
                        self.tasks.spawn(pair(self.shared.clone(), invitation, reply, self.stopping.clone()));
                    }
                    Order::Run(task) => drop(self.tasks.spawn(task)),
                },
                // The sender lives as long as what is shared.
                Ok(()) = acquaintances.changed() => self.keep_contacts().await,
                online = changed(&mut ready) => if online {
                    away = None;
                    self.online(true).await;
                } else {
                    away.get_or_insert_with(|| Instant::now() + AWAY);
                },
                () = until(away) => {
                    away = None;
                    self.online(false).await;
                }
                Some(ended) = self.tasks.join_next() => {
                    if let Err(error) = ended && error.is_panic() {
                        tracing::error!(%error, "a task failed; the others go on");
                    }
                }
                Some(_) = self.goodbyes.join_next() => {}
            }
        }
        // Nobody waits for a place among orders that nobody reads.
        self.orders.close();
        self.listener.stop().await;
        let end = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(self.shared.config.stopping, end).await.is_err() {
            tracing::warn!("not every connection closed in time; the others are dropped");
        }
        self.tasks.shutdown().await;
        self.goodbyes.shutdown().await;
        self.shared.online.send_replace(false);
    }

    /// Somebody has dialled us.
    async fn accepted(&mut self, session: Session) {
        let (shared, remote) = (self.shared.clone(), *session.remote());
        let is_contact = self.contacts.contains_key(&remote);
        match shared.arrive(remote, is_contact) {
            Some(arrival) => {
                let mut stopping = self.stopping.clone();
                self.tasks.spawn(async move {
                    let machine = completion::accept(&shared, &session);
                    // Why it failed stands in the log, and the other end knows.
                    let _ =
                        encounter::run(&shared, session, Role::Listener, machine, Some(arrival), &mut stopping).await;
                });
            }
            None if self.goodbyes.len() < TURNING_AWAY => {
                self.goodbyes.spawn(async {
                    session.close(CloseRequest::because(FULL)).await;
                });
            }
            // Dropping it closes it as well, only less politely.
            None => drop(session),
        }
    }

    /// The listener has given up.
    async fn refused(&self) {
        if let Some(error) = self.listener.refusal() {
            let text = format!("the CommServer refuses our key, nobody can reach us: {error}");
            self.shared.tell(News::Trouble { place: "listen", text }).await;
        }
    }

    async fn online(&self, online: bool) {
        if self.shared.online.send_if_modified(|before| std::mem::replace(before, online) != online) {
            self.shared.tell(News::Online(online)).await;
        }
    }

    /// Begins to keep connections to contacts that are new, or have new keys or a new address, and ends those to keys that are nobody's
    /// any more.
    async fn keep_contacts(&mut self) {
        let shared = self.shared.clone();
        let endpoints = match self.shared.blocking.run(move || shared.node.endpoints()).await {
            Ok(endpoints) => endpoints,
            Err(error) => {
                tracing::error!(%error, "the contacts cannot be read");
                return self.shared.tell(News::Trouble { place: "contacts", text: error.to_string() }).await;
            }
        };
        let keys: HashSet<_> = endpoints.iter().map(|endpoint| endpoint.key).collect();
        self.contacts.retain(|key, (_, task)| {
            let is_known = keys.contains(key);
            if !is_known {
                task.abort();
            }
            is_known
        });
        for endpoint in endpoints {
            if self.contacts.get(&endpoint.key).is_some_and(|(known, _)| *known == endpoint) {
                continue;
            }
            let keep = contact::keep(self.shared.clone(), endpoint.clone(), self.stopping.clone());
            let task = self.tasks.spawn(keep);
            if let Some((_, before)) = self.contacts.insert(endpoint.key, (endpoint, task)) {
                before.abort();
            }
        }
    }
}

/// Accepts an invitation: dials the inviter with our person key, and pairs.
async fn pair(
    shared: Arc<Shared>,
    invitation: Invitation,
    reply: oneshot::Sender<Result<Box<Paired>, String>>,
    mut stopping: Stopping,
) {
    let connector = Connector { local: shared.person.clone(), remote: invitation.public_key };
    let config = ConnectorConfig { url: invitation.url.clone(), connector };
    let connected = tokio::select! {
        connected = connect(&shared.environment, &config) => connected.map_err(|error| explain(&error)),
        () = stopping.wait() => return,
    };
    let result = match connected {
        Ok(session) => {
            let machine = completion::initiate(&shared, &session, Purpose::Pair(invitation.token));
            let paired = encounter::run(&shared, session, Role::Initiator, machine, None, &mut stopping).await;
            paired.and_then(|paired| paired.ok_or_else(|| "the other end synchronised instead of pairing".to_owned()))
        }
        Err(problem) => Err(problem),
    };
    // Whoever asked may not wait any more.
    let _ = reply.send(result);
}

/// What a failed attempt means for a person who holds an invitation.
fn explain(error: &DriverError) -> String {
    match error {
        DriverError::Connection(error) if error.cause.is_no_listener() => {
            "nobody waits for this invitation any more: it has expired, or the inviter is offline; ask for a new one"
                .to_owned()
        }
        other => other.to_string(),
    }
}

/// Waits until the number of spares changes. Says whether there is one.
async fn changed(ready: &mut watch::Receiver<usize>) -> bool {
    if ready.changed().await.is_err() {
        // The listener is gone.
        std::future::pending::<()>().await;
    }
    *ready.borrow_and_update() > 0
}

async fn until(end: Option<Instant>) {
    match end {
        Some(end) => sleep_until(end).await,
        None => std::future::pending().await,
    }
}
