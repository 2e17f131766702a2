//! A registered connection that waits for a requester (`spec/wire.md §2–3`).

use std::time::{Duration, Instant};

use ratatosk_protocol::message::{PING, Payload, is_pong};
use ratatosk_protocol::ping::{PING_TIMED_OUT, PingDue, PingTimer};

use super::Close;

/// Messages that have no business on a spare and are swallowed; one more closes it.
const SWALLOWED: usize = 8;

/// A spare that nobody has claimed.
#[derive(Debug)]
pub struct Spare(Vitals);

/// A spare that somebody has claimed and that owes a pong first.
#[derive(Debug)]
pub struct OwingSpare(Vitals);

/// A spare that is to be handed over. The relay pings it no more.
#[derive(Debug)]
pub struct HandedOver(Vitals);

/// What a claim finds.
#[derive(Debug)]
pub enum Claimed {
    /// Take it.
    Free(HandedOver),
    /// Wait for its pong.
    Owing(OwingSpare),
}

/// What a message does to a spare that owes a pong.
#[derive(Debug)]
pub enum Owed {
    /// It was the pong.
    Paid(HandedOver),
    /// It was not.
    Still(OwingSpare),
}

impl Spare {
    pub(crate) fn new(now: Instant, ping_interval: Duration, pong_timeout: Duration) -> Self {
        Self(Vitals { ping: PingTimer::new(now, ping_interval, pong_timeout), unexpected: 0 })
    }

    /// When [`Self::on_timeout`] is due.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.0.ping.deadline()
    }

    /// The client said something: a pong, asked for or not, or something unexpected.
    ///
    /// # Errors
    ///
    /// The close for the ninth unexpected message.
    pub fn on_message(self, payload: &Payload, now: Instant) -> Result<Self, Close> {
        self.0.on_message(payload, now).map(Self)
    }

    /// Time has passed: perhaps a ping is due.
    ///
    /// # Errors
    ///
    /// The close for a pong that is missing.
    pub fn on_timeout(self, now: Instant) -> Result<(Self, Option<Payload>), Close> {
        self.0.on_timeout(now).map(|(vitals, send)| (Self(vitals), send))
    }

    /// A requester wants it.
    #[must_use]
    pub fn on_claim(self) -> Claimed {
        if self.0.ping.owes_pong() { Claimed::Owing(OwingSpare(self.0)) } else { Claimed::Free(HandedOver(self.0)) }
    }
}

impl OwingSpare {
    /// When [`Self::on_timeout`] is due.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.0.ping.deadline()
    }

    /// As [`Spare::on_message`].
    ///
    /// # Errors
    ///
    /// As [`Spare::on_message`].
    pub fn on_message(self, payload: &Payload, now: Instant) -> Result<Owed, Close> {
        let vitals = self.0.on_message(payload, now)?;
        Ok(if vitals.ping.owes_pong() { Owed::Still(Self(vitals)) } else { Owed::Paid(HandedOver(vitals)) })
    }

    /// Time has passed: perhaps too much.
    ///
    /// # Errors
    ///
    /// The close for a pong that is missing.
    pub fn on_timeout(self, now: Instant) -> Result<Self, Close> {
        self.0.on_timeout(now).map(|(vitals, _)| Self(vitals))
    }

    /// The requester has left: a spare like any other.
    #[must_use]
    pub fn on_requester_left(self) -> Spare {
        Spare(self.0)
    }
}

impl HandedOver {
    /// The requester has left before anything was sent: a spare like any other.
    #[must_use]
    pub fn on_requester_left(self) -> Spare {
        Spare(self.0)
    }
}

/// What all three have in common.
#[derive(Debug)]
struct Vitals {
    ping: PingTimer,
    unexpected: usize,
}

impl Vitals {
    fn on_message(mut self, payload: &Payload, now: Instant) -> Result<Self, Close> {
        if is_pong(payload) {
            self.ping.pong(now);
        } else if self.unexpected < SWALLOWED {
            self.unexpected += 1;
        } else {
            return Err(Close::queue_full());
        }
        Ok(self)
    }

    fn on_timeout(mut self, now: Instant) -> Result<(Self, Option<Payload>), Close> {
        match self.ping.poll(now) {
            None => Ok((self, None)),
            Some(PingDue::Ping) => Ok((self, Some(Payload::text(PING)))),
            Some(PingDue::TimedOut) => Err(Close::timed_out(PING_TIMED_OUT)),
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatosk_protocol::message::PONG;

    use super::*;
    use crate::session::Cause;

    const INTERVAL: Duration = Duration::from_millis(100);
    const PATIENCE: Duration = Duration::from_millis(40);

    fn owing(start: Instant) -> OwingSpare {
        let (spare, send) = Spare::new(start, INTERVAL, PATIENCE).on_timeout(start + INTERVAL).unwrap();
        assert_eq!(send, Some(Payload::text(PING)));
        let Claimed::Owing(owing) = spare.on_claim() else { panic!("it owes a pong") };
        owing
    }

    #[test]
    fn eight_unexpected_messages_are_swallowed_and_pongs_do_not_count() {
        let start = Instant::now();
        let mut spare = Spare::new(start, INTERVAL, PATIENCE);
        let unexpected = [Payload::text("junk"), Payload::binary(PONG), Payload::text(r#"{"command":"comm_pong"}"#)];
        for message in unexpected.iter().cycle().take(8) {
            spare = spare.on_message(message, start).unwrap();
            spare = spare.on_message(&Payload::text(PONG), start).unwrap();
        }
        let close = spare.on_message(&Payload::text("junk"), start).unwrap_err();
        assert_eq!(close.reason, "Close called: Queue is full, it reached its maximum length of 10");
    }

    #[test]
    fn a_spare_without_debts_is_handed_over_at_once() {
        let start = Instant::now();
        let Claimed::Free(handed_over) = Spare::new(start, INTERVAL, PATIENCE).on_claim() else {
            panic!("it owes nothing");
        };
        assert_eq!(handed_over.on_requester_left().deadline(), start + INTERVAL);
    }

    #[test]
    fn one_that_owes_a_pong_is_handed_over_when_it_comes() {
        let start = Instant::now();
        let now = start + INTERVAL;
        let Ok(Owed::Still(spare)) = owing(start).on_message(&Payload::text("junk"), now) else {
            panic!("junk is no pong");
        };
        assert!(matches!(spare.on_message(&Payload::text(PONG), now), Ok(Owed::Paid(_))));
    }

    #[test]
    fn one_that_stays_in_debt_is_closed() {
        let start = Instant::now();
        let spare = owing(start).on_timeout(start + INTERVAL).unwrap();
        let close = spare.on_timeout(start + INTERVAL + PATIENCE).unwrap_err();
        assert_eq!(close.reason, "Terminate called: Ping: Connection timed out");
        assert_eq!((close.code, close.cause), (1000, Cause::Timeout));
    }

    #[test]
    fn a_requester_that_leaves_changes_nothing() {
        let start = Instant::now();
        let spare = owing(start).on_requester_left();
        assert_eq!(spare.deadline(), start + INTERVAL + PATIENCE);
        assert!(matches!(spare.on_claim(), Claimed::Owing(_)));
    }
}
