//! Answers of the hook that still hold. Pure: the time is an argument.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::time::{Duration, Instant};

/// At most so many answers, the oldest given up first.
#[derive(Debug)]
pub(super) struct Cache<Q> {
    capacity: usize,
    kept: HashMap<Q, Kept>,
    /// In the order in which they came. What has been replaced since stands here twice, with another number.
    order: VecDeque<(u64, Q)>,
    next: u64,
}

#[derive(Clone, Copy, Debug)]
struct Kept {
    allow: bool,
    until: Instant,
    number: u64,
}

impl<Q: Clone + Eq + Hash> Cache<Q> {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, kept: HashMap::new(), order: VecDeque::new(), next: 0 }
    }

    /// The answer to `question`, if it holds.
    pub(super) fn get(&self, question: &Q, now: Instant) -> Option<bool> {
        self.kept.get(question).filter(|kept| now < kept.until).map(|kept| kept.allow)
    }

    /// Keeps an answer for so long.
    pub(super) fn put(&mut self, question: Q, allow: bool, time: Duration, now: Instant) {
        let Some(until) = now.checked_add(time).filter(|until| *until > now) else { return };
        let number = self.next;
        self.next += 1;
        self.kept.insert(question.clone(), Kept { allow, until, number });
        self.order.push_back((number, question));
        while self.order.len() > self.capacity || self.order.front().is_some_and(|first| self.is_over(first, now)) {
            if let Some((number, question)) = self.order.pop_front()
                && self.kept.get(&question).is_some_and(|kept| kept.number == number)
            {
                self.kept.remove(&question);
            }
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.kept.clear();
        self.order.clear();
    }

    fn is_over(&self, (number, question): &(u64, Q), now: Instant) -> bool {
        self.kept.get(question).is_none_or(|kept| kept.number != *number || kept.until <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn an_answer_holds_for_its_time() {
        let (mut cache, start) = (Cache::new(8), Instant::now());
        cache.put("a", true, SECOND, start);
        cache.put("b", false, 2 * SECOND, start);
        assert_eq!(
            (cache.get(&"a", start), cache.get(&"b", start), cache.get(&"c", start)),
            (Some(true), Some(false), None)
        );
        assert_eq!((cache.get(&"a", start + SECOND), cache.get(&"b", start + SECOND)), (None, Some(false)));
        cache.put("a", false, SECOND, start + SECOND);
        assert_eq!(cache.get(&"a", start + SECOND), Some(false));
    }

    #[test]
    fn no_time_is_not_kept_and_too_much_does_no_harm() {
        let (mut cache, start) = (Cache::new(8), Instant::now());
        cache.put("a", true, Duration::ZERO, start);
        cache.put("b", true, Duration::MAX, start);
        assert_eq!((cache.get(&"a", start), cache.get(&"b", start)), (None, None));
    }

    #[test]
    fn the_oldest_makes_room() {
        let (mut cache, start) = (Cache::new(2), Instant::now());
        for question in ["a", "b", "c"] {
            cache.put(question, true, SECOND, start);
        }
        assert_eq!(["a", "b", "c"].map(|question| cache.get(&question, start).is_some()), [false, true, true]);
        // However often one is asked again.
        for _ in 0..100 {
            cache.put("c", true, SECOND, start);
        }
        assert!(cache.kept.len() <= 2 && cache.order.len() <= 2);
        assert_eq!(cache.get(&"c", start), Some(true));
        cache.put("d", true, SECOND, start + SECOND);
        assert_eq!((cache.kept.len(), cache.order.len()), (1, 1));
        cache.clear();
        assert_eq!(cache.get(&"d", start + SECOND), None);
    }
}
