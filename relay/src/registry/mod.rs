//! Which spare connections wait for which key. Pure: no socket, task or clock may come in here.
//!
//! The registry does not know what a spare is; it keeps a handle of type `H` for each and gives it to whoever reserves
//! the spare. A spare is in exactly one of three states:
//!
//! ```text
//! register → ready ⇄ reserved → gone
//!               └─────────────────↗
//! ```
//!
//! Only a *ready* spare has its handle in here, so nobody can be handed a spare that somebody else has.
//!
//! A requester that comes between two spares of a key may wait for the next one; of it, too, only a handle is in here, of
//! type `W`.

mod clients;
mod counts;
mod limits;
mod meter;
mod network;
mod recent;
mod waiting;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use ratatosk_protocol::key::PublicKey;

pub use clients::Clients;
pub use counts::{Counts, Phase};
pub use limits::{Limit, Limits, Rate, Rates, Scope};
pub use network::Network;
use recent::Recent;
pub use waiting::WaiterId;
use waiting::Waiting;

/// Names one spare connection for as long as the process lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpareId(u64);

/// Why there is no spare to reserve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoSpare {
    /// Nobody listens with this key, or all its spares were handed over.
    NoListener,
    /// The first request since the last spare of this key was closed (`spec/wire.md §6`).
    JustLost,
}

/// How long it is remembered that a key has lost its last spare. The reference tells the first requester after that apart
/// from later ones (`spec/wire.md §6`); its memory has no end.
const LOST: Duration = Duration::from_secs(600);

/// How long a key that had a spare is expected to have another one soon: the longest of the usual pauses before a listener
/// tries again is a few times this, so it is about listeners that are well.
const EXPECTED: Duration = Duration::from_secs(5);

/// Spare connections by key, newest first, and who waits for the next one, within limits.
#[derive(Debug)]
pub struct Registry<H, W> {
    limits: Limits,
    next_id: u64,
    keys: HashMap<PublicKey, Spares<H>>,
    held: HashMap<SpareId, Held>,
    reserved: usize,
    /// Keys whose last ready spare was closed, not handed over.
    lost: Recent,
    /// Keys whose last spare has gone, whichever way.
    had: Recent,
    waiting: Waiting<W>,
}

/// The spares of one key.
#[derive(Debug)]
struct Spares<H> {
    /// In the order of their registration, so the newest is last.
    ready: Vec<(SpareId, H)>,
    reserved: usize,
}

#[derive(Debug)]
struct Held {
    key: PublicKey,
    reserved: bool,
}

impl<H, W> Registry<H, W> {
    /// An empty registry.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            next_id: 0,
            keys: HashMap::new(),
            held: HashMap::new(),
            reserved: 0,
            lost: Recent::new(LOST),
            had: Recent::new(EXPECTED),
            waiting: Waiting::default(),
        }
    }

    /// Holds other limits from now on. Nobody who is in has to leave.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Takes a spare in as ready.
    ///
    /// # Errors
    ///
    /// [`Limit::SparesPerKey`] or [`Limit::Spares`].
    pub fn register(&mut self, key: PublicKey, handle: H) -> Result<SpareId, Limit> {
        if self.held.len() >= self.limits.spares {
            return Err(Limit::Spares);
        }
        if self.spares_of(&key) >= self.limits.spares_per_key {
            return Err(Limit::SparesPerKey);
        }
        let id = SpareId(self.next_id);
        self.next_id += 1;
        let spares = self.keys.entry(key).or_insert_with(|| Spares { ready: Vec::new(), reserved: 0 });
        spares.ready.push((id, handle));
        self.held.insert(id, Held { key, reserved: false });
        self.lost.forget(&key);
        Ok(id)
    }

    /// Takes the newest ready spare of `key` out, for one requester. `None` if there is none.
    pub fn reserve(&mut self, key: &PublicKey) -> Option<(SpareId, H)> {
        let spares = self.keys.get_mut(key)?;
        let (id, handle) = spares.ready.pop()?;
        spares.reserved += 1;
        self.reserved += 1;
        if let Some(held) = self.held.get_mut(&id) {
            held.reserved = true;
        }
        Some((id, handle))
    }

    /// Why a requester of `key` gets no spare. [`NoSpare::JustLost`] is said once.
    pub fn refuse(&mut self, key: &PublicKey, now: Instant) -> NoSpare {
        if self.lost.take(key, now) { NoSpare::JustLost } else { NoSpare::NoListener }
    }

    /// Whether `key` has a listener, or had one within the last seconds, so that the next spare may be near.
    pub fn expects(&mut self, key: &PublicKey, now: Instant) -> bool {
        self.keys.contains_key(key) || self.had.has(key, now)
    }

    /// A requester waits for the next spare of `key`, behind those that wait already.
    ///
    /// # Errors
    ///
    /// [`Limit::WaitingPerKey`]
    pub fn wait(&mut self, key: PublicKey, handle: W) -> Result<WaiterId, Limit> {
        self.waiting.push(key, handle, self.limits.waiting_per_key)
    }

    /// A requester waits no longer. `false` if its turn had come.
    pub fn leave(&mut self, key: &PublicKey, id: WaiterId) -> bool {
        self.waiting.remove(key, id)
    }

    /// Reserves a ready spare of `key` for the requester that has waited longest. To be asked whenever a spare has become
    /// ready, until it is `None`.
    pub fn turn(&mut self, key: &PublicKey) -> Option<(W, H)> {
        if !self.waiting.has(key) {
            return None;
        }
        let (_, handle) = self.reserve(key)?;
        Some((self.waiting.pop(key)?, handle))
    }

    /// Puts a reserved spare back to where it was: between the older and the newer ones. `false` if it is not reserved.
    pub fn give_back(&mut self, id: SpareId, handle: H) -> bool {
        let Some(held) = self.held.get_mut(&id).filter(|held| held.reserved) else {
            return false;
        };
        let Some(spares) = self.keys.get_mut(&held.key) else {
            return false;
        };
        held.reserved = false;
        spares.reserved -= 1;
        self.reserved -= 1;
        let place = spares.ready.partition_point(|(other, _)| *other < id);
        spares.ready.insert(place, (id, handle));
        self.lost.forget(&held.key);
        true
    }

    /// A spare is gone: handed over if it was reserved, else closed. Unknown spares are nothing to worry about.
    pub fn remove(&mut self, id: SpareId, now: Instant) {
        let Some(held) = self.held.remove(&id) else {
            return;
        };
        let Some(spares) = self.keys.get_mut(&held.key) else {
            return;
        };
        if held.reserved {
            spares.reserved -= 1;
            self.reserved -= 1;
        } else if let Ok(place) = spares.ready.binary_search_by_key(&id, |(other, _)| *other) {
            spares.ready.remove(place);
            if spares.ready.is_empty() {
                self.lost.remember(held.key, now);
            }
        }
        if spares.ready.is_empty() && spares.reserved == 0 {
            self.keys.remove(&held.key);
            self.had.remember(held.key, now);
        }
    }

    /// Keys that have at least one spare, ready or reserved.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.keys.len()
    }

    /// Spares of one key, ready and reserved.
    #[must_use]
    pub fn spares_of(&self, key: &PublicKey) -> usize {
        self.keys.get(key).map_or(0, |spares| spares.ready.len() + spares.reserved)
    }

    /// Spares held, ready and reserved.
    #[must_use]
    pub fn spares(&self) -> usize {
        self.held.len()
    }

    /// Spares that somebody has reserved.
    #[must_use]
    pub fn reserved(&self) -> usize {
        self.reserved
    }

    /// Requesters that wait for a spare.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// The key of a spare.
    #[must_use]
    pub fn key_of(&self, id: SpareId) -> Option<PublicKey> {
        self.held.get(&id).map(|held| held.key)
    }
}

#[cfg(test)]
mod tests;
