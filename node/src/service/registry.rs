//! Which connection to a peer is the one, when there are several (`spec/one.md §3`).
//!
//! Both sides dial, so two connections of the same pair may be there at once. Within two seconds the second one is a
//! duplicate, later it replaces the first. Of two that go in opposite directions within that time both ends have to choose
//! the same: the one that the smaller key has dialled. The reference chooses by what it saw first, and closes the other one
//! before phase 6 is through; so the choice falls here after phase 6, and what has got through is what the reference kept.
//!
//! A connection inside this process is better than any over the network, whichever came first.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ratatosk_protocol::key::PublicKey;

/// How long a further connection of the pair is a duplicate.
pub(super) const DUPLICATE: Duration = Duration::from_secs(2);

/// What a duplicate is told.
pub(super) const DROPPED: &str = "Duplicate connection - dropped new connection";

/// What a replaced connection is told.
pub(super) const REPLACED: &str = "New connection replaced old one";

/// A connection as the registry sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    /// Its number.
    pub(super) id: u64,
    /// Our key on it.
    pub(super) local: PublicKey,
    /// The peer's.
    pub(super) remote: PublicKey,
    /// Whether we dialled.
    pub(super) initiated: bool,
    /// Whether it stays inside this process.
    pub(super) is_link: bool,
}

/// What becomes of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is the connection to this peer now.
    Admitted,
    /// It is the connection to this peer now, and the one of this number is not any more.
    Replaces(u64),
    /// There is one already.
    Duplicate,
}

/// The connections that are in use, one for each peer's key.
#[derive(Debug, Default)]
pub(super) struct Registry {
    active: BTreeMap<PublicKey, (Candidate, Instant)>,
}

impl Registry {
    /// Decides about a connection that is through phase 6.
    pub(super) fn admit(&mut self, now: Instant, candidate: Candidate) -> Verdict {
        let verdict = match self.active.get(&candidate.remote) {
            None => Verdict::Admitted,
            Some((active, _)) if active.is_link != candidate.is_link => match candidate.is_link {
                true => Verdict::Replaces(active.id),
                false => Verdict::Duplicate,
            },
            Some((active, since)) if now.saturating_duration_since(*since) >= DUPLICATE => Verdict::Replaces(active.id),
            Some((active, _)) if active.initiated == candidate.initiated => Verdict::Duplicate,
            Some((active, _)) if is_preferred(&candidate) => Verdict::Replaces(active.id),
            Some(_) => Verdict::Duplicate,
        };
        if verdict != Verdict::Duplicate {
            self.active.insert(candidate.remote, (candidate, now));
        }
        verdict
    }

    /// A connection is over. Says whether it was the one in use.
    pub(super) fn remove(&mut self, remote: &PublicKey, id: u64) -> bool {
        let is_active = self.active.get(remote).is_some_and(|(active, _)| active.id == id);
        is_active && self.active.remove(remote).is_some()
    }

    /// Whether there is a connection to this key.
    pub(super) fn is_connected(&self, remote: &PublicKey) -> bool {
        self.active.contains_key(remote)
    }
}

/// Whether it goes in the direction that wins: both ends see the same keys.
fn is_preferred(candidate: &Candidate) -> bool {
    candidate.initiated == (candidate.local < candidate.remote)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> PublicKey {
        PublicKey::from_bytes([byte; 32]).unwrap()
    }

    /// A connection of the pair (9, 10), as the end with that key sees it.
    fn candidate(id: u64, local: u8, initiated: bool) -> Candidate {
        Candidate { id, local: key(local), remote: key(19 - local), initiated, is_link: false }
    }

    #[test]
    fn a_second_connection_is_a_duplicate_for_two_seconds() {
        let start = Instant::now();
        let mut registry = Registry::default();
        assert_eq!(registry.admit(start, candidate(1, 9, true)), Verdict::Admitted);
        let before = start + DUPLICATE - Duration::from_millis(1);
        assert_eq!(registry.admit(before, candidate(2, 9, true)), Verdict::Duplicate);
        assert_eq!(registry.admit(start + DUPLICATE, candidate(3, 9, true)), Verdict::Replaces(1));
        // Its time counts from its own beginning.
        assert_eq!(registry.admit(start + DUPLICATE, candidate(4, 9, true)), Verdict::Duplicate);
    }

    /// Whatever order two opposite connections become complete in at either end, both ends keep the same one.
    #[test]
    fn both_ends_choose_the_same_of_two_that_cross() {
        let now = Instant::now();
        // Connection 1 is dialled by 9, connection 2 by 10.
        let kept = |local: u8, first: u64| {
            let mut registry = Registry::default();
            for id in [first, 3 - first] {
                registry.admit(now, candidate(id, local, (id == 1) == (local == 9)));
            }
            registry.active[&key(19 - local)].0.id
        };
        for first_at_9 in [1, 2] {
            for first_at_10 in [1, 2] {
                assert_eq!((kept(9, first_at_9), kept(10, first_at_10)), (1, 1));
            }
        }
    }

    #[test]
    fn what_stays_in_this_process_is_preferred() {
        let start = Instant::now();
        let link = |id| Candidate { is_link: true, ..candidate(id, 9, true) };
        let mut registry = Registry::default();
        assert_eq!(registry.admit(start, candidate(1, 9, false)), Verdict::Admitted);
        assert_eq!(registry.admit(start, link(2)), Verdict::Replaces(1));
        for later in [Duration::ZERO, DUPLICATE] {
            for initiated in [true, false] {
                assert_eq!(registry.admit(start + later, candidate(3, 9, initiated)), Verdict::Duplicate);
            }
        }
        assert_eq!(registry.admit(start + DUPLICATE, link(4)), Verdict::Replaces(2));
    }

    #[test]
    fn the_end_of_another_connection_changes_nothing() {
        let now = Instant::now();
        let mut registry = Registry::default();
        registry.admit(now, candidate(1, 9, true));
        assert!(!registry.remove(&key(10), 2));
        assert!(registry.is_connected(&key(10)));
        assert!(registry.remove(&key(10), 1));
        assert!(!registry.is_connected(&key(10)));
    }
}
