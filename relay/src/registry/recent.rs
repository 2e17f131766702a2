//! Keys to which something has happened lately. It is forgotten in time, and the oldest first when there is no room.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use ratatosk_protocol::key::PublicKey;

/// Most keys remembered; together about 1 MiB.
const CAPACITY: usize = 8192;

/// Keys to which something has happened within a lifetime.
#[derive(Debug)]
pub(super) struct Recent {
    lifetime: Duration,
    /// The number of the entry in `order` that counts for a key.
    keys: HashMap<PublicKey, u64>,
    /// Oldest first; entries that no longer count stay until their turn comes.
    order: VecDeque<(u64, Instant, PublicKey)>,
    next: u64,
}

impl Recent {
    pub(super) fn new(lifetime: Duration) -> Self {
        Self { lifetime, keys: HashMap::new(), order: VecDeque::new(), next: 0 }
    }

    /// It has happened to `key`.
    pub(super) fn remember(&mut self, key: PublicKey, now: Instant) {
        while self.order.len() >= CAPACITY || self.front_is_over(now) {
            self.drop_oldest();
        }
        self.keys.insert(key, self.next);
        self.order.push_back((self.next, now, key));
        self.next += 1;
    }

    /// Whether it has happened to `key` lately.
    pub(super) fn has(&mut self, key: &PublicKey, now: Instant) -> bool {
        while self.front_is_over(now) {
            self.drop_oldest();
        }
        self.keys.contains_key(key)
    }

    /// The same; asking makes it forgotten.
    pub(super) fn take(&mut self, key: &PublicKey, now: Instant) -> bool {
        let has = self.has(key, now);
        self.keys.remove(key);
        has
    }

    /// It no longer counts.
    pub(super) fn forget(&mut self, key: &PublicKey) {
        self.keys.remove(key);
    }

    fn front_is_over(&self, now: Instant) -> bool {
        self.order.front().is_some_and(|(_, since, _)| now.saturating_duration_since(*since) >= self.lifetime)
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

    const LIFETIME: Duration = Duration::from_secs(600);

    fn key(number: u16) -> PublicKey {
        let mut bytes = [7; 32];
        // Not in the first byte: X25519 ignores three bits of it.
        bytes[1..3].copy_from_slice(&number.to_le_bytes());
        SecretKey::from_bytes(bytes).public_key()
    }

    #[test]
    fn what_is_taken_is_forgotten() {
        let now = Instant::now();
        let mut recent = Recent::new(LIFETIME);
        recent.remember(key(1), now);
        assert!(!recent.take(&key(2), now));
        assert!(recent.has(&key(1), now));
        assert!(recent.take(&key(1), now));
        assert!(!recent.take(&key(1), now));
    }

    #[test]
    fn it_is_forgotten_in_time_unless_it_happens_again() {
        let now = Instant::now();
        let mut recent = Recent::new(LIFETIME);
        recent.remember(key(1), now);
        recent.remember(key(2), now);
        recent.remember(key(2), now + LIFETIME / 2);
        assert!(!recent.take(&key(1), now + LIFETIME));
        assert!(recent.take(&key(2), now + LIFETIME));
    }

    #[test]
    fn the_memory_is_bounded() {
        let now = Instant::now();
        let mut recent = Recent::new(LIFETIME);
        let many = u16::try_from(CAPACITY).unwrap() + 10;
        let keys: Vec<_> = (0..64).map(key).collect();
        for number in 0..many {
            recent.remember(keys[usize::from(number) % keys.len()], now);
            recent.forget(&keys[usize::from(number) % keys.len()]);
        }
        assert_eq!(recent.order.len(), CAPACITY);
        assert!(recent.keys.is_empty());
    }
}
