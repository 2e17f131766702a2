//! A node on the network: it can be reached at a CommServer, keeps connections to its contacts, pairs, and synchronises.
//!
//! | File | What lives there |
//! | --- | --- |
//! | `supervisor` | owns all tasks: the listener, one for each contact, one for each connection |
//! | `contact` | dials a contact whenever there is no connection to it |
//! | `encounter` | one connection from phase 6 to its end |
//! | `completion` | phase 6, by the machine of `ratatosk-pairing` |
//! | `exchange` | CHUM, by the machine of `ratatosk-chum`, and the storage on threads of its own |
//! | `drafts` | what is being written, for whoever looks on |
//! | `link` | two nodes of one process, connected without a network |
//! | `wire` | what carries the messages of a connection |
//! | `registry` | which of several connections to a peer is the one |
//! | `shared`, `news`, `config` | what the tasks share, what they tell, what they may cost |
//!
//! No task outlives the [`Service`]: dropping it ends everything at once, [`Service::stop`] closes the connections and waits.
//! A peer that is silent or hostile costs its own connection, and nothing of the others'.

mod blocking;
mod completion;
mod config;
mod contact;
mod drafts;
mod encounter;
mod exchange;
mod link;
mod news;
mod registry;
mod shared;
mod stopping;
mod supervisor;
mod wire;

use std::sync::Arc;
use std::time::Duration;

pub use ratatosk_chum::{AnswerId, Draft, DraftState};
use ratatosk_objects::{InstanceId, PersonId};
use ratatosk_pairing::book::DEFAULT_CAPACITY;
use ratatosk_pairing::{Invitation, Token};
use ratatosk_protocol::connection::KeyRing;
use ratatosk_protocol::driver::{DriverError, Environment, Listener, ListenerConfig, check_url, os_entropy};
use ratatosk_protocol::trace::Timeline;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{AbortHandle, JoinHandle};

use self::blocking::Blocking;
pub use self::config::Config;
pub use self::drafts::DraftUpdate;
pub use self::link::{Link, link};
pub use self::news::{ConnectionInfo, News, Status};
pub use self::shared::Ear;
use self::shared::{Order, Parts, Shared, Transcript};
use self::stopping::Stop;
use self::supervisor::Supervisor;
use crate::model::{ModelError, Node};

/// News that wait for the application; then the peers that they are about have to wait.
const NEWS: usize = 1024;
/// Orders that wait for the supervisor.
const ORDERS: usize = 64;

/// Why a service cannot do what it is asked for. The texts are for people.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// The address of the CommServer, or of one that an invitation names.
    #[error(transparent)]
    Address(#[from] DriverError),
    /// Too many invitations are open.
    #[error(transparent)]
    Invitations(#[from] ratatosk_pairing::book::BookFull),
    /// The storage of the node.
    #[error(transparent)]
    Storage(#[from] ModelError),
    /// The keys of the node do not fit together.
    #[error("the keys of this node do not fit together")]
    Keys,
    /// An invitation did not lead to a contact.
    #[error("{0}")]
    NotPaired(String),
    /// It has been stopped.
    #[error("the node has been stopped")]
    Stopped,
}

/// A node on the network.
pub struct Service {
    shared: Arc<Shared>,
    stop: Stop,
    task: tokio::sync::Mutex<Option<JoinHandle<()>>>,
    abort: AbortHandle,
}

impl Service {
    /// Goes on the network. What happens is told through the receiver, which has to be emptied all the time.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Address`], [`ServiceError::Storage`]; that the CommServer cannot be reached is none, it is tried again.
    pub async fn start(
        node: Arc<Node>,
        mut environment: Environment,
        config: Config,
        ear: Option<Arc<dyn Ear>>,
    ) -> Result<(Self, mpsc::Receiver<News>), ServiceError> {
        check_url(&config.url)?;
        // Every connection goes through phase 6 here, and is closed if it takes too long.
        Arc::make_mut(&mut environment.config).completion = true;
        let (blocking, url) = (Blocking::new(config.blocking), config.url.clone());
        let life = config.invitation_life;
        let reading = node.clone();
        let book = blocking.run(move || {
            reading.set_comm_server(&url)?;
            reading.invitations(life, DEFAULT_CAPACITY)
        });
        let book = book.await?;
        let instance = node.instance_key().clone();
        let listener = Listener::start(
            &environment,
            ListenerConfig {
                url: config.url.clone(),
                keys: KeyRing::new(instance.clone()),
                spares: config.spares,
                backoff: config.backoff.clone(),
            },
        )?;
        let (news, told) = mpsc::channel(NEWS);
        let (orders, ordered) = mpsc::channel(ORDERS);
        let (stop, stopping) = Stop::new();
        let parts = Parts {
            myself: node.myself(&config.url).ok_or(ServiceError::Keys)?,
            person: node.person_key().clone(),
            transcript: Transcript(ear),
            config,
            environment,
            node,
            instance,
            news,
            orders,
            stopping: stopping.clone(),
            blocking,
            book,
        };
        let shared = Arc::new(Shared::new(parts));
        let task = tokio::spawn(Supervisor::new(shared.clone(), listener, ordered, stopping).run());
        let abort = task.abort_handle();
        Ok((Self { shared, stop, task: Some(task).into(), abort }, told))
    }

    /// A new invitation, good for one person and for the time that is set.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Invitations`], [`ServiceError::Storage`].
    pub async fn invite(&self) -> Result<Invitation, ServiceError> {
        self.invite_for(self.shared.config.invitation_life).await
    }

    /// The same, good for this time.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Invitations`], [`ServiceError::Storage`].
    pub async fn invite_for(&self, life: Duration) -> Result<Invitation, ServiceError> {
        let shared = self.shared.clone();
        let issue = move || -> Result<Token, ServiceError> {
            let mut book = shared.book();
            let (person, now) = (shared.node.person(), completion::unix_millis());
            let token = book.issue_for(person, life, now, os_entropy().as_mut())?;
            shared.node.keep_invitations(&book)?;
            Ok(token)
        };
        let token = self.shared.blocking.run(issue).await?;
        Ok(Invitation { token, public_key: *self.shared.instance.public(), url: self.shared.config.url.clone() })
    }

    /// Takes an invitation back before it is used.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Storage`]: then it may be good again after a restart.
    pub async fn revoke(&self, token: &Token) -> Result<(), ServiceError> {
        let (shared, token) = (self.shared.clone(), token.clone());
        let revoke = move || {
            let mut book = shared.book();
            book.revoke(&token);
            shared.node.keep_invitations(&book)
        };
        Ok(self.shared.blocking.run(revoke).await?)
    }

    /// Accepts an invitation. The contact is stored when this returns.
    ///
    /// # Errors
    ///
    /// [`ServiceError::NotPaired`] says why, [`ServiceError::Stopped`].
    pub async fn accept(&self, invitation: Invitation) -> Result<(PersonId, InstanceId), ServiceError> {
        let (reply, answer) = oneshot::channel();
        self.shared.orders.send(Order::Pair(invitation, reply)).await.map_err(|_| ServiceError::Stopped)?;
        let paired = answer.await.map_err(|_| ServiceError::Stopped)?.map_err(ServiceError::NotPaired)?;
        Ok((paired.person, paired.instance))
    }

    /// Something of ours was changed: whoever it is shared with gets it.
    pub fn changed(&self) {
        self.shared.changed();
    }

    /// Shows a piece of what is being written in a topic to the connections of those who take part in it. Never waits: what a connection
    /// cannot take yet is joined. A topic that is none, or not ours, is shown to nobody.
    pub fn draft(&self, topic: &str, update: DraftUpdate) {
        self.shared.draft(topic, update);
    }

    /// There are other contacts, or a contact has other keys or devices, by something else than this service: whoever can be reached now is
    /// dialled, and whoever is no contact any more is not.
    pub fn contacts_changed(&self) {
        self.shared.contacts_changed();
        self.shared.changed();
    }

    /// The connections that are in use.
    #[must_use]
    pub fn connections(&self) -> Vec<ConnectionInfo> {
        self.shared.connections()
    }

    /// What happened on the connections that ended last, with their numbers, oldest first.
    #[must_use]
    pub fn timelines(&self) -> Vec<(u64, Timeline)> {
        self.shared.timelines()
    }

    /// Whether we can be reached at the CommServer.
    #[must_use]
    pub fn online(&self) -> watch::Receiver<bool> {
        self.shared.online.subscribe()
    }

    /// Closes everything and waits for it. What is told meanwhile should be taken, or is lost.
    pub async fn stop(&self) {
        self.stop.stop();
        if let Some(task) = self.task.lock().await.take()
            && let Err(error) = task.await
            && error.is_panic()
        {
            std::panic::resume_unwind(error.into_panic());
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // A task that has ended does not mind.
        self.abort.abort();
    }
}
