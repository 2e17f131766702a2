//! How often things happen, by key or by network: the generic cell rate algorithm (ITU-T I.371), one instant for each.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

use super::Rate;

/// Most keys or networks that are remembered; a few MiB. Who floods from more than that makes the relay forget the ones
/// that have been quiet for longest; the limits of the whole relay hold all the same.
const CAPACITY: usize = 65_536;

/// Counts events of each `K` against a [`Rate`].
#[derive(Debug)]
pub(super) struct Meter<K> {
    /// When each would have used up nothing of its burst. Who is not in here has not.
    free_at: HashMap<K, Instant>,
}

impl<K> Default for Meter<K> {
    fn default() -> Self {
        Self { free_at: HashMap::new() }
    }
}

impl<K: Copy + Eq + Hash> Meter<K> {
    /// Whether one more event of `key` fits, which it then has taken place.
    pub(super) fn take(&mut self, key: K, rate: Rate, now: Instant) -> bool {
        let Some(interval) = Duration::from_secs(1).checked_div(rate.per_second) else {
            return true;
        };
        let free_at = self.free_at.get_mut(&key).map_or(now, |free_at| {
            // If the rate has changed since, nobody owes more than a burst of the new one.
            *free_at = (*free_at).min(now + interval * rate.burst);
            (*free_at).max(now)
        });
        if free_at - now > interval * rate.burst.saturating_sub(1) {
            return false;
        }
        if self.free_at.len() >= CAPACITY && !self.free_at.contains_key(&key) {
            self.make_room(now);
        }
        self.free_at.insert(key, free_at + interval);
        true
    }

    /// Forgets who has its whole burst again; if they are few, also the half that has used least of it.
    fn make_room(&mut self, now: Instant) {
        self.free_at.retain(|_, free_at| *free_at > now);
        if self.free_at.len() > CAPACITY / 2 {
            let mut all: Vec<_> = self.free_at.values().copied().collect();
            let middle = all.len() / 2;
            let (_, median, _) = all.select_nth_unstable(middle);
            let median = *median;
            self.free_at.retain(|_, free_at| *free_at > median);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 10, burst: 3 };
    const INTERVAL: Duration = Duration::from_millis(100);

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let start = Instant::now();
        let mut meter = Meter::default();
        let taken = |meter: &mut Meter<u32>, key, now| (0..10).filter(|_| meter.take(key, RATE, now)).count();
        assert_eq!(taken(&mut meter, 1, start), 3);
        assert_eq!(taken(&mut meter, 2, start), 3, "each has its own");
        assert_eq!(taken(&mut meter, 1, start + INTERVAL), 1);
        assert_eq!(taken(&mut meter, 1, start + INTERVAL * 3), 2);
        assert_eq!(taken(&mut meter, 1, start + INTERVAL * 100), 3, "no more than a burst is saved up");
    }

    #[test]
    fn a_rate_of_0_is_no_limit() {
        let off = Rate { per_second: 0, burst: 0 };
        let (now, mut meter) = (Instant::now(), Meter::default());
        assert!((0..1000).all(|_| meter.take(1, off, now)));
        assert!(meter.free_at.is_empty());
    }

    #[test]
    fn a_clock_that_stands_or_comes_back_harms_nobody() {
        let start = Instant::now() + INTERVAL * 50;
        let mut meter = Meter::default();
        while meter.take(1, RATE, start) {}
        assert!(!meter.take(1, RATE, start - INTERVAL * 50));
        assert!(meter.take(1, RATE, start + INTERVAL));
    }

    #[test]
    fn nobody_owes_more_than_a_burst_of_the_rate_of_the_moment() {
        let (slow, start) = (Rate { per_second: 1, burst: 100_000 }, Instant::now());
        let mut meter = Meter::default();
        assert!((0..100_000).all(|_| meter.take(1, slow, start)));
        // The operator has made it faster: what the old rate would have wanted, 28 hours, is nobody's business.
        assert!(!meter.take(1, RATE, start));
        assert!(meter.take(1, RATE, start + INTERVAL));
        assert!(meter.take(2, Rate { per_second: u32::MAX, burst: u32::MAX }, start));
        assert!(meter.take(2, Rate { per_second: 1, burst: u32::MAX }, start));
    }

    #[test]
    fn the_memory_is_bounded_and_who_floods_is_remembered() {
        let start = Instant::now();
        let mut meter = Meter::default();
        while meter.take(u32::MAX, RATE, start) {}
        for key in 0..u32::try_from(CAPACITY).unwrap() * 2 {
            assert!(meter.take(key, RATE, start));
        }
        assert!(meter.free_at.len() <= CAPACITY);
        assert!(!meter.take(u32::MAX, RATE, start));
        assert!(meter.take(u32::MAX, RATE, start + INTERVAL));
        for key in 0..u32::try_from(CAPACITY).unwrap() {
            meter.take(key, RATE, start + INTERVAL * 100);
        }
        assert!(meter.free_at.len() <= CAPACITY);
    }
}
