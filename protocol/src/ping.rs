//! The timers of an idle spare connection, for both ends (`spec/wire.md §2`).
//!
//! They are plain values so that a CommServer and a plugin stack can use the same rules.

use std::time::{Duration, Instant};

use crate::time::after;

/// How long a CommServer waits before it pings a spare.
pub const DEFAULT_PING_INTERVAL: Duration = Duration::from_secs(25);
/// How long a spare may take to answer a ping.
pub const DEFAULT_PONG_TIMEOUT: Duration = Duration::from_secs(1);
/// How long after a missed ping interval a listener gives a spare up: two round trips of 2 s.
pub const DEFAULT_PING_GRACE: Duration = Duration::from_secs(4);

/// The reason for which a CommServer drops a spare.
pub const PING_TIMED_OUT: &str = "Ping: Connection timed out";
/// The reason for which a listener gives a spare up.
pub const PONG_TIMED_OUT: &str = "Pong: Connection timed out";

/// The CommServer's side: pings `interval` after the registration and after each pong; one ping is outstanding at most.
#[derive(Clone, Debug)]
pub struct PingTimer {
    interval: Duration,
    timeout: Duration,
    since: Instant,
    outstanding: bool,
}

/// What is due on a [`PingTimer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PingDue {
    /// Send [`crate::message::PING`].
    Ping,
    /// The spare did not answer: close it with [`PING_TIMED_OUT`].
    TimedOut,
}

impl PingTimer {
    /// Starts when the registration has succeeded.
    #[must_use]
    pub fn new(now: Instant, interval: Duration, timeout: Duration) -> Self {
        Self { interval, timeout, since: now, outstanding: false }
    }

    /// A pong has come, asked for or not: both timers start again.
    pub fn pong(&mut self, now: Instant) {
        self.since = now;
        self.outstanding = false;
    }

    /// Whether a ping waits for its pong.
    #[must_use]
    pub fn owes_pong(&self) -> bool {
        self.outstanding
    }

    /// When [`Self::poll`] has something to say.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        let patience = if self.outstanding { self.interval.saturating_add(self.timeout) } else { self.interval };
        after(self.since, patience)
    }

    /// What is due now.
    pub fn poll(&mut self, now: Instant) -> Option<PingDue> {
        if now < self.deadline() {
            return None;
        }
        if self.outstanding {
            return Some(PingDue::TimedOut);
        }
        self.outstanding = true;
        Some(PingDue::Ping)
    }
}

/// The listener's side: gives up `interval + grace` after the registration or the last ping.
#[derive(Clone, Debug)]
pub struct PongWatch {
    patience: Duration,
    since: Instant,
}

impl PongWatch {
    /// Starts when the registration has succeeded; `interval` is what the CommServer announced.
    #[must_use]
    pub fn new(now: Instant, interval: Duration, grace: Duration) -> Self {
        Self { patience: interval.saturating_add(grace), since: now }
    }

    /// A ping has come.
    pub fn ping(&mut self, now: Instant) {
        self.since = now;
    }

    /// When the CommServer counts as gone.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        after(self.since, self.patience)
    }

    /// Whether it does now.
    #[must_use]
    pub fn is_overdue(&self, now: Instant) -> bool {
        now >= self.deadline()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn nobody_answers() {
        let start = Instant::now();
        let mut timer = PingTimer::new(start, ms(100), ms(60));
        assert_eq!(timer.poll(start + ms(99)), None);
        assert_eq!(timer.poll(start + ms(100)), Some(PingDue::Ping));
        assert!(timer.owes_pong());
        assert_eq!(timer.poll(start + ms(159)), None);
        assert_eq!(timer.poll(start + ms(160)), Some(PingDue::TimedOut));
    }

    #[test]
    fn the_next_ping_counts_from_the_pong() {
        let start = Instant::now();
        let mut timer = PingTimer::new(start, ms(100), ms(60));
        assert_eq!(timer.poll(start + ms(100)), Some(PingDue::Ping));
        timer.pong(start + ms(130));
        assert_eq!(timer.deadline(), start + ms(230));
        // Unsolicited pongs put the ping off for ever.
        for millis in (180..1000).step_by(50) {
            timer.pong(start + ms(millis));
            assert_eq!(timer.poll(start + ms(millis)), None);
        }
    }

    #[test]
    fn a_listener_counts_from_the_last_ping() {
        let start = Instant::now();
        let mut watch = PongWatch::new(start, ms(100), ms(120));
        watch.ping(start + ms(80));
        assert!(!watch.is_overdue(start + ms(299)));
        assert!(watch.is_overdue(start + ms(300)));
    }
}
