//! The time of plugins written with the SDK: milliseconds since they were opened.

use std::time::{Duration, Instant};

use ratatosk_plugin::abi::NEVER;

/// The clock of one plugin. It never runs backwards, whatever it is told.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
    latest: u64,
}

impl Clock {
    /// A clock that stands at 0.
    #[must_use]
    pub fn starting(now: Instant) -> Self {
        Self { start: now, latest: 0 }
    }

    /// The plugin's time.
    pub fn millis(&mut self, now: Instant) -> u64 {
        let passed = now.saturating_duration_since(self.start);
        let millis = passed.as_secs().saturating_mul(1000).saturating_add(passed.subsec_millis().into());
        self.latest = self.latest.max(millis);
        self.latest
    }

    /// When a timer goes off that a plugin set at the latest time to `at_ms`. One that is past is put off by a millisecond,
    /// so that no plugin keeps the driver busy.
    #[must_use]
    pub fn timer(&self, at_ms: u64) -> Option<Instant> {
        if at_ms == NEVER {
            return None;
        }
        self.start.checked_add(Duration::from_millis(at_ms.max(self.latest.saturating_add(1))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_counted_from_the_start_and_never_runs_back() {
        let start = Instant::now();
        let mut clock = Clock::starting(start);
        assert_eq!(clock.millis(start), 0);
        assert_eq!(clock.millis(start + Duration::from_micros(7_999)), 7);
        assert_eq!(clock.millis(start), 7);
    }

    #[test]
    fn a_timer_is_never_due_at_once() {
        let start = Instant::now();
        let mut clock = Clock::starting(start);
        clock.millis(start + Duration::from_millis(5));
        assert_eq!(clock.timer(0), Some(start + Duration::from_millis(6)));
        assert_eq!(clock.timer(9), Some(start + Duration::from_millis(9)));
        assert_eq!(clock.timer(NEVER), None);
    }
}
