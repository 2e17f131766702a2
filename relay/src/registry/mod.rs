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

mod clients;
mod counts;
mod limits;
mod meter;
mod network;
mod recent;

use std::collections::HashMap;
use std::time::Instant;

use ratatosk_protocol::key::PublicKey;

pub use clients::Clients;
pub use counts::{Counts, Phase};
pub use limits::{Limit, Limits, Rate, Rates, Scope};
pub use network::Network;
use recent::RecentlyLost;

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

/// Spare connections by key, newest first, within limits.
#[derive(Debug)]
pub struct Registry<H> {
    limits: Limits,
    next_id: u64,
    keys: HashMap<PublicKey, Spares<H>>,
    held: HashMap<SpareId, Held>,
    reserved: usize,
    lost: RecentlyLost,
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

impl<H> Registry<H> {
    /// An empty registry.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            next_id: 0,
            keys: HashMap::new(),
            held: HashMap::new(),
            reserved: 0,
            lost: RecentlyLost::default(),
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

    /// Takes the newest ready spare of `key` out, for one requester.
    ///
    /// # Errors
    ///
    /// [`NoSpare`]; [`NoSpare::JustLost`] is said once.
    pub fn reserve(&mut self, key: &PublicKey, now: Instant) -> Result<(SpareId, H), NoSpare> {
        let Some(spares) = self.keys.get_mut(key) else {
            return Err(self.none(key, now));
        };
        let Some((id, handle)) = spares.ready.pop() else {
            return Err(self.none(key, now));
        };
        spares.reserved += 1;
        self.reserved += 1;
        if let Some(held) = self.held.get_mut(&id) {
            held.reserved = true;
        }
        Ok((id, handle))
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

    fn none(&mut self, key: &PublicKey, now: Instant) -> NoSpare {
        if self.lost.take(key, now) { NoSpare::JustLost } else { NoSpare::NoListener }
    }
}

#[cfg(test)]
mod tests;
