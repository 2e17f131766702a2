//! What all tasks of a service share.

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ratatosk_chum::Draft;
use ratatosk_pairing::{Invitation, InvitationBook, Myself, Paired};
use ratatosk_protocol::driver::Environment;
use ratatosk_protocol::key::{KeyPair, PublicKey};
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::trace::Timeline;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::time::Instant;

use super::blocking::Blocking;
use super::config::Config;
use super::drafts::{DraftUpdate, Mailbox, Writing};
use super::encounter::Partner;
use super::news::{ConnectionInfo, News, Status};
use super::registry::{Candidate, Registry, Verdict};
use super::stopping::Stopping;
use super::wire::Wire;
use crate::model::{Node, TopicId};

/// Hears every message after encryption, for a transcript.
pub trait Ear: Send + Sync {
    /// A message came or goes, on the connection of this number.
    fn message(&self, direction: &'static str, connection: u64, message: &Payload);
}

/// An ear, or none.
#[derive(Clone, Default)]
pub(super) struct Transcript(pub(super) Option<Arc<dyn Ear>>);

impl Transcript {
    pub(super) fn sent(&self, connection: u64, message: &Payload) {
        self.tell("sent", connection, message);
    }

    pub(super) fn received(&self, connection: u64, message: &Payload) {
        self.tell("received", connection, message);
    }

    fn tell(&self, direction: &'static str, connection: u64, message: &Payload) {
        if let Some(ear) = &self.0 {
            ear.message(direction, connection, message);
        }
    }
}

pub(super) struct Shared {
    pub(super) config: Config,
    pub(super) environment: Environment,
    pub(super) node: Arc<Node>,
    pub(super) myself: Arc<Myself>,
    /// What contacts dial, and what we dial contacts with.
    pub(super) instance: KeyPair,
    /// What we dial with to pair.
    pub(super) person: KeyPair,
    pub(super) blocking: Blocking,
    pub(super) transcript: Transcript,
    pub(super) news: mpsc::Sender<News>,
    pub(super) orders: mpsc::Sender<Order>,
    stopping: Stopping,
    /// Attempts to reach contacts that may be under way at a time.
    pub(super) dialling: Semaphore,
    /// Counts what might be worth a look at the shared objects.
    pub(super) changes: watch::Sender<u64>,
    /// Counts what may have made contacts, or moved them.
    pub(super) acquaintances: watch::Sender<u64>,
    /// Counts connections that come and go.
    pub(super) traffic: watch::Sender<u64>,
    /// Whether the listener is registered.
    pub(super) online: watch::Sender<bool>,
    book: Mutex<InvitationBook>,
    live: Mutex<Live>,
}

/// The connections in use, and those in phase 6.
#[derive(Default)]
struct Live {
    registry: Registry,
    open: BTreeMap<u64, Open>,
    arriving: BTreeMap<PublicKey, usize>,
    strangers: usize,
    /// What happened on connections that have ended, by their numbers.
    ended: VecDeque<(u64, Timeline)>,
    writing: Writing,
}

/// Timelines of ended connections that are kept.
const KEPT_TIMELINES: usize = 16;

struct Open {
    info: ConnectionInfo,
    /// Tells the connection that another one has taken its place.
    replaced: oneshot::Sender<()>,
    /// What we are writing, for the other end.
    drafts: Arc<Mailbox>,
}

/// What the makers of [`Shared`] have to bring.
pub(super) struct Parts {
    pub(super) config: Config,
    pub(super) environment: Environment,
    pub(super) node: Arc<Node>,
    pub(super) myself: Arc<Myself>,
    pub(super) instance: KeyPair,
    pub(super) person: KeyPair,
    pub(super) transcript: Transcript,
    pub(super) news: mpsc::Sender<News>,
    pub(super) orders: mpsc::Sender<Order>,
    pub(super) stopping: Stopping,
    pub(super) blocking: Blocking,
    pub(super) book: InvitationBook,
}

/// What the supervisor is asked to begin.
pub(super) enum Order {
    /// To accept an invitation.
    Pair(Invitation, oneshot::Sender<Result<Box<Paired>, String>>),
    /// To run this as one of its tasks.
    Run(Pin<Box<dyn Future<Output = ()> + Send>>),
}

/// Attempts to reach contacts that may be under way at a time.
const DIALLING: usize = 32;

impl Shared {
    pub(super) fn new(parts: Parts) -> Self {
        let Parts {
            config,
            environment,
            node,
            myself,
            instance,
            person,
            transcript,
            news,
            orders,
            stopping,
            blocking,
            book,
        } = parts;
        Self {
            blocking,
            book: Mutex::new(book),
            live: Mutex::default(),
            changes: watch::Sender::new(0),
            acquaintances: watch::Sender::new(0),
            traffic: watch::Sender::new(0),
            online: watch::Sender::new(false),
            config,
            environment,
            node,
            myself,
            instance,
            person,
            transcript,
            news,
            orders,
            stopping,
            dialling: Semaphore::new(DIALLING),
        }
    }

    /// The open invitations.
    pub(super) fn book(&self) -> MutexGuard<'_, InvitationBook> {
        lock(&self.book)
    }

    /// Tells the application. One that is gone misses nothing, and one that takes nothing does not keep a service from stopping.
    pub(super) async fn tell(&self, news: News) {
        let mut stopping = self.stopping();
        tokio::select! {
            biased;
            _ = self.news.send(news) => {}
            () = stopping.wait() => {}
        }
    }

    /// To wait with for the end of the service.
    pub(super) fn stopping(&self) -> Stopping {
        self.stopping.clone()
    }

    /// What we share may have changed: whoever it is shared with is to be told.
    pub(super) fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// Shows what is being written to the connections of those who take part in the topic.
    pub(super) fn draft(&self, topic: &str, update: DraftUpdate) {
        let DraftUpdate { answer, offset, text, state } = update;
        let Some(id) = TopicId::parse(topic).filter(|id| id.participants().contains(&self.node.person())) else {
            return;
        };
        let draft = Draft { topic: topic.to_owned(), answer, offset, text, state };
        let mut live = lock(&self.live);
        live.writing.update(&id, &draft);
        for open in live.open.values() {
            if id.participants().contains(&open.info.remote_person) {
                open.drafts.push(draft.clone());
            }
        }
    }

    /// There may be other contacts, or other devices of theirs.
    pub(super) fn contacts_changed(&self) {
        self.acquaintances.send_modify(|count| *count += 1);
    }

    /// Room in phase 6 for a connection from this key; none if too many are there already.
    pub(super) fn arrive(self: &Arc<Self>, remote: PublicKey, is_contact: bool) -> Option<Arrival> {
        let mut live = lock(&self.live);
        let same_key = live.arriving.get(&remote).copied().unwrap_or_default();
        if same_key >= self.config.per_contact || (!is_contact && live.strangers >= self.config.strangers) {
            return None;
        }
        live.arriving.insert(remote, same_key + 1);
        live.strangers += usize::from(!is_contact);
        Some(Arrival { shared: self.clone(), remote, is_contact })
    }

    /// Puts a connection to use, unless it is a duplicate.
    pub(super) fn admit(self: &Arc<Self>, wire: &Wire, partner: &Partner) -> Option<Admitted> {
        let Partner { id, local, remote, initiated, .. } = *partner;
        let candidate = Candidate { id, local, remote, initiated, is_link: wire.is_local() };
        let info = ConnectionInfo {
            id,
            remote_person: partner.person,
            remote_instance: partner.instance,
            protocol: partner.protocol,
            local: wire.is_local(),
            status: Status::Open,
        };
        let mut live = lock(&self.live);
        match live.registry.admit(Instant::now().into_std(), candidate) {
            Verdict::Duplicate => return None,
            Verdict::Admitted => {}
            Verdict::Replaces(old) => {
                if let Some(old) = live.open.remove(&old) {
                    // One that has ended meanwhile needs no telling.
                    let _ = old.replaced.send(());
                }
            }
        }
        let (replaced, told) = oneshot::channel();
        let drafts = Arc::new(Mailbox::default());
        live.writing.for_person(partner.person).for_each(|draft| drafts.push(draft.clone()));
        live.open.insert(id, Open { info, replaced, drafts: drafts.clone() });
        drop(live);
        self.traffic.send_modify(|count| *count += 1);
        Some(Admitted { shared: self.clone(), info, remote, drafts, replaced: told, is_told: false })
    }

    /// Whether a connection to this key is in use.
    pub(super) fn is_connected(&self, remote: &PublicKey) -> bool {
        lock(&self.live).registry.is_connected(remote)
    }

    /// A connection has ended.
    pub(super) fn ended(&self, id: u64, timeline: Timeline) {
        let mut live = lock(&self.live);
        live.ended.push_back((id, timeline));
        if live.ended.len() > KEPT_TIMELINES {
            live.ended.pop_front();
        }
    }

    /// What happened on the connections that ended last.
    pub(super) fn timelines(&self) -> Vec<(u64, Timeline)> {
        lock(&self.live).ended.iter().cloned().collect()
    }

    /// The connections in use.
    pub(super) fn connections(&self) -> Vec<ConnectionInfo> {
        lock(&self.live).open.values().map(|open| open.info).collect()
    }
}

/// A place in phase 6. Dropping it gives the place back.
pub(super) struct Arrival {
    shared: Arc<Shared>,
    remote: PublicKey,
    is_contact: bool,
}

impl Drop for Arrival {
    fn drop(&mut self) {
        let mut live = lock(&self.shared.live);
        live.strangers -= usize::from(!self.is_contact);
        if let Some(count) = live.arriving.get_mut(&self.remote) {
            *count -= 1;
            if *count == 0 {
                live.arriving.remove(&self.remote);
            }
        }
    }
}

/// A connection in use. Dropping it makes room for another one.
pub(super) struct Admitted {
    shared: Arc<Shared>,
    pub(super) info: ConnectionInfo,
    remote: PublicKey,
    /// What we are writing, for the other end.
    pub(super) drafts: Arc<Mailbox>,
    /// Resolves when another connection has taken its place.
    pub(super) replaced: oneshot::Receiver<()>,
    /// Whoever holds this tells of the end. Otherwise its task was ended in the middle, and the end is told here.
    pub(super) is_told: bool,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut live = lock(&self.shared.live);
        live.registry.remove(&self.remote, self.info.id);
        live.open.remove(&self.info.id);
        drop(live);
        self.shared.traffic.send_modify(|count| *count += 1);
        if !self.is_told {
            let closed = ConnectionInfo { status: Status::Closed, ..self.info };
            // An application that has not taken a thousand news does not know of the beginning either.
            let _ = self.shared.news.try_send(News::Connection(closed));
        }
    }
}

/// What a panicked task left behind is whole: every change under these locks is complete before anything can fail.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
