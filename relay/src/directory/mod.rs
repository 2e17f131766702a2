//! Where the spares are: the seam between the connections of this process and whoever knows about spares.
//!
//! A claim goes from a requester's task to the task that owns the spare: the directory gives out the sending end of a
//! channel, the owner answers with the connection itself. Only who holds a socket can give it away, so a claim needs no
//! lock across the two; reserve, then commit.
//!
//! [`Local`] knows the spares of this process. Another directory may know those of other processes as well and answer a
//! claim with a connection to one of them: nothing but the answers that come through the channels is seen from here.

mod local;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ratatosk_protocol::key::PublicKey;
use tokio::sync::oneshot;

use crate::conn::Conn;
use crate::outside::now;
use crate::registry::{Limit, Limits, NoSpare, SpareId, WaiterId};
use crate::session::HandedOver;
pub(crate) use local::Local;

/// What the owner of a spare gets: where to send its connection.
pub(crate) type Claim = oneshot::Sender<Answer>;

/// Where the owner of a spare is told of a [`Claim`].
pub(crate) type Owner = oneshot::Sender<Claim>;

/// What a requester gets for its [`Claim`]. A claim dropped without an answer means that the spare is gone.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The spare.
    Ready(Box<Claimed>),
    /// The spare owes a pong and comes when it has paid.
    Owing(oneshot::Receiver<Box<Claimed>>),
}

/// A spare on its way to a requester, still reserved in the directory.
#[derive(Debug)]
pub(crate) struct Claimed {
    pub(crate) conn: Box<Conn>,
    pub(crate) entry: Entry,
    pub(crate) state: HandedOver,
}

/// What comes of asking for a key.
#[derive(Debug)]
pub(crate) enum Found {
    /// A spare is reserved, and its owner was asked for it.
    Asked(oneshot::Receiver<Answer>),
    /// There will be one soon, perhaps.
    Queued(Place, oneshot::Receiver<oneshot::Receiver<Answer>>),
    /// There is none.
    Nobody(NoSpare),
    /// Too many wait already.
    Refused(Limit),
}

/// What a directory holds in this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Holdings {
    pub(crate) keys: usize,
    pub(crate) spares: usize,
    pub(crate) reserved: usize,
    pub(crate) waiting: usize,
}

/// Knows which spares wait for which key, and gives them to requesters.
pub(crate) trait Directory: Debug + Send + Sync {
    /// A spare of this process is ready. Gives how many its key has now, too.
    fn register(&self, key: PublicKey, owner: Owner) -> Result<(SpareId, usize), Limit>;

    /// Asks for a spare of `key`. A requester that `waits` is queued if there is none but soon may be.
    fn claim(self: Arc<Self>, key: &PublicKey, waits: bool) -> Found;

    /// Why a requester of `key` has waited in vain.
    fn refuse(&self, key: &PublicKey) -> NoSpare;

    /// A queued requester waits no longer.
    fn leave(&self, key: &PublicKey, id: WaiterId);

    /// A spare that was reserved is ready again.
    fn give_back(&self, id: SpareId, owner: Owner);

    /// A spare is gone: handed over or closed.
    fn remove(&self, id: SpareId);

    /// Other limits from now on.
    fn set_limits(&self, limits: Limits);

    /// What there is in this process.
    fn holdings(&self) -> Holdings;
}

/// One spare in a directory, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Entry {
    directory: Arc<dyn Directory>,
    id: SpareId,
    key: PublicKey,
    since: Instant,
}

impl Entry {
    pub(crate) fn new(directory: &Arc<dyn Directory>, id: SpareId, key: PublicKey) -> Self {
        Self { directory: Arc::clone(directory), id, key, since: now() }
    }

    /// Whose spare it is.
    pub(crate) fn key(&self) -> &PublicKey {
        &self.key
    }

    /// How long ago it was registered.
    pub(crate) fn age(&self) -> Duration {
        now().saturating_duration_since(self.since)
    }

    /// The requester has left: the spare is ready again. Gives where the next claim will come from.
    pub(crate) fn give_back(&self) -> oneshot::Receiver<Claim> {
        let (owner, claims) = oneshot::channel();
        self.directory.give_back(self.id, owner);
        claims
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.directory.remove(self.id);
    }
}

/// One requester in the queue of a key, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Place {
    directory: Arc<dyn Directory>,
    key: PublicKey,
    id: WaiterId,
}

impl Place {
    /// Gives up, unless its turn has come.
    pub(crate) fn leave(self) {
        drop(self);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.directory.leave(&self.key, self.id);
    }
}

#[cfg(test)]
mod tests;
