//! How soon a worker that died may be started again: pure, time is an argument.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// So many deaths within [`WINDOW`] are too many.
const TOO_MANY: usize = 3;
/// What counts as lately.
const WINDOW: Duration = Duration::from_secs(60);
/// The pause before a start after one death; doubled with each further one.
const PAUSE: Duration = Duration::from_millis(100);
/// The rest after too many; doubled each time that no answer came between.
const REST: Duration = Duration::from_secs(60);
/// The longest rest.
const LONGEST_REST: Duration = Duration::from_secs(600);

/// The deaths of late.
#[derive(Debug, Default)]
pub(super) struct Crashes {
    deaths: VecDeque<Instant>,
    rests: u32,
    resting: Option<Instant>,
}

/// Whether a worker may be started.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// At once.
    Now,
    /// After a short pause.
    After(Duration),
    /// Not for so long; who asks is told so.
    Rest(Duration),
}

impl Crashes {
    /// A worker has died, or was killed because it hung or lied.
    pub(super) fn died(&mut self, now: Instant) {
        self.forget(now);
        self.deaths.push_back(now);
        if self.deaths.len() >= TOO_MANY {
            let rest = REST.saturating_mul(1 << self.rests.min(8)).min(LONGEST_REST);
            self.rests += 1;
            self.resting = Some(now + rest);
            self.deaths.clear();
        }
    }

    /// A worker has given a whole answer.
    pub(super) fn answered(&mut self) {
        self.rests = 0;
    }

    /// Somebody wants a worker.
    pub(super) fn start(&mut self, now: Instant) -> Start {
        if let Some(until) = self.resting {
            if now < until {
                return Start::Rest(until - now);
            }
            self.resting = None;
        }
        self.forget(now);
        let Some(latest) = self.deaths.back() else { return Start::Now };
        let pause = PAUSE * (1 << (self.deaths.len() - 1).min(8));
        match pause.checked_sub(now.saturating_duration_since(*latest)) {
            Some(left) if !left.is_zero() => Start::After(left),
            _ => Start::Now,
        }
    }

    fn forget(&mut self, now: Instant) {
        while self.deaths.front().is_some_and(|death| now.saturating_duration_since(*death) > WINDOW) {
            self.deaths.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_then_it_rests() {
        let (mut crashes, start) = (Crashes::default(), Instant::now());
        assert_eq!(crashes.start(start), Start::Now);
        crashes.died(start);
        assert_eq!(crashes.start(start), Start::After(PAUSE));
        assert_eq!(crashes.start(start + PAUSE), Start::Now);
        crashes.died(start + PAUSE);
        assert_eq!(crashes.start(start + PAUSE), Start::After(PAUSE * 2));
        crashes.died(start + PAUSE * 3);
        assert_eq!(crashes.start(start + PAUSE * 3), Start::Rest(REST));
        assert_eq!(crashes.start(start + PAUSE * 3 + REST), Start::Now);
    }

    #[test]
    fn deaths_long_ago_do_not_count() {
        let (mut crashes, start) = (Crashes::default(), Instant::now());
        for death in 0..20 {
            crashes.died(start + (WINDOW / 2 + Duration::from_secs(1)) * death);
        }
        assert!(crashes.resting.is_none());
    }

    #[test]
    fn rests_grow_until_an_answer_comes() {
        let (mut crashes, mut now) = (Crashes::default(), Instant::now());
        let mut rests = Vec::new();
        for _ in 0..6 {
            (0..TOO_MANY).for_each(|_| crashes.died(now));
            let Start::Rest(rest) = crashes.start(now) else { panic!("it does not rest") };
            rests.push(rest.as_secs());
            now += rest;
        }
        assert_eq!(rests, [60, 120, 240, 480, 600, 600]);
        crashes.answered();
        (0..TOO_MANY).for_each(|_| crashes.died(now));
        assert_eq!(crashes.start(now), Start::Rest(REST));
    }
}
