//! Which keys have just lost their last spare.
//!
//! The reference tells the first requester after that apart from later ones (`spec/wire.md §6`). Its memory has no end;
//! this one forgets after [`LIFETIME`], and the oldest first when it is full.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use ratatosk_protocol::key::PublicKey;

/// How long a loss is remembered.
const LIFETIME: Duration = Duration::from_secs(600);

/// Most losses remembered; together about 1 MiB.
const CAPACITY: usize = 8192;

/// Keys whose last ready spare was closed, not handed over.
#[derive(Debug, Default)]
pub(super) struct RecentlyLost {
    /// The number of the entry in `order` that counts for a key.
    keys: HashMap<PublicKey, u64>,
    /// Oldest first; entries that no longer count stay until their turn comes.
    order: VecDeque<(u64, Instant, PublicKey)>,
    next: u64,
}

impl RecentlyLost {
    /// `key` lost its last spare.
    pub(super) fn remember(&mut self, key: PublicKey, now: Instant) {
        while self.order.len() >= CAPACITY || self.front_is_over(now) {
            self.drop_oldest();
        }
        self.keys.insert(key, self.next);
        self.order.push_back((self.next, now, key));
        self.next += 1;
    }

    /// Whether `key` lost its last spare lately; asking makes it forgotten.
    pub(super) fn take(&mut self, key: &PublicKey, now: Instant) -> bool {
        while self.front_is_over(now) {
            self.drop_oldest();
        }
        self.keys.remove(key).is_some()
    }

    /// `key` has a spare again.
    pub(super) fn forget(&mut self, key: &PublicKey) {
        self.keys.remove(key);
    }

    fn front_is_over(&self, now: Instant) -> bool {
        self.order.front().is_some_and(|(_, since, _)| now.saturating_duration_since(*since) >= LIFETIME)
    }

    fn drop_oldest(&mut self) {
        if let Some((number, _, key)) = self.order.pop_front()
            && self.keys.get(&key) == Some(&number)
        {
            self.keys.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatosk_protocol::key::SecretKey;

    use super::*;

    fn key(number: u16) -> PublicKey {
        let mut bytes = [7; 32];
        // Not in the first byte: X25519 ignores three bits of it.
        bytes[1..3].copy_from_slice(&number.to_le_bytes());
        SecretKey::from_bytes(bytes).public_key()
    }

    #[test]
    fn a_loss_is_told_once() {
        let now = Instant::now();
        let mut lost = RecentlyLost::default();
        lost.remember(key(1), now);
        assert!(!lost.take(&key(2), now));
        assert!(lost.take(&key(1), now));
        assert!(!lost.take(&key(1), now));
    }

    #[test]
    fn a_loss_is_forgotten_in_time_unless_it_happens_again() {
        let now = Instant::now();
        let mut lost = RecentlyLost::default();
        lost.remember(key(1), now);
        lost.remember(key(2), now);
        lost.remember(key(2), now + LIFETIME / 2);
        assert!(!lost.take(&key(1), now + LIFETIME));
        assert!(lost.take(&key(2), now + LIFETIME));
    }

    #[test]
    fn the_memory_is_bounded() {
        let now = Instant::now();
        let mut lost = RecentlyLost::default();
        let many = u16::try_from(CAPACITY).unwrap() + 10;
        let keys: Vec<_> = (0..64).map(key).collect();
        for number in 0..many {
            lost.remember(keys[usize::from(number) % keys.len()], now);
            lost.forget(&keys[usize::from(number) % keys.len()]);
        }
        assert_eq!(lost.order.len(), CAPACITY);
        assert!(lost.keys.is_empty());
    }
}
