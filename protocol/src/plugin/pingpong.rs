//! Ping and pong of a spare connection, as plugins (`spec/wire.md §2`).

use std::time::{Duration, Instant};

use super::{Context, Incoming, Layer, Outgoing, Plugin, PluginError};
use crate::close::CloseRequest;
use crate::message::{self, Payload, SpareMessage};
use crate::ping::{DEFAULT_PING_GRACE, PING_TIMED_OUT, PONG_TIMED_OUT, PingDue, PingTimer, PongWatch};

/// The CommServer's end: asks, and swallows the answers.
#[derive(Debug)]
pub struct Ping {
    interval: Duration,
    timeout: Duration,
    timer: Option<PingTimer>,
}

impl Ping {
    /// Starts to count when the connection is open.
    #[must_use]
    pub fn new(interval: Duration, timeout: Duration) -> Self {
        Self { interval, timeout, timer: None }
    }
}

impl Plugin for Ping {
    fn name(&self) -> &str {
        "ping"
    }

    fn layer(&self) -> Layer {
        Layer::PingPong
    }

    fn incoming(&mut self, cx: &mut Context<'_>, event: Incoming) -> Result<(), PluginError> {
        match (&event, &mut self.timer) {
            (Incoming::Opened, timer) => *timer = Some(PingTimer::new(cx.now(), self.interval, self.timeout)),
            (Incoming::Closed { .. }, timer) => *timer = None,
            (Incoming::Message(message), Some(timer)) if message::is_pong(message) => {
                timer.pong(cx.now());
                return Ok(());
            }
            (Incoming::Message(_), _) => {}
        }
        cx.rise(event);
        Ok(())
    }

    fn deadline(&self) -> Option<Instant> {
        self.timer.as_ref().map(PingTimer::deadline)
    }

    fn timer(&mut self, cx: &mut Context<'_>) -> Result<(), PluginError> {
        match self.timer.as_mut().and_then(|timer| timer.poll(cx.now())) {
            Some(PingDue::Ping) => cx.sink(Outgoing::Message(Payload::text(message::PING))),
            Some(PingDue::TimedOut) => {
                self.timer = None;
                cx.sink(Outgoing::Close(CloseRequest::Terminate(PING_TIMED_OUT.to_owned())));
            }
            None => {}
        }
        Ok(())
    }
}

/// The listener's end: answers, and gives up when nobody asks any more.
#[derive(Debug)]
pub struct Pong {
    interval: Duration,
    grace: Duration,
    watch: Option<PongWatch>,
}

impl Pong {
    /// `interval` is what the CommServer announced; `grace` comes on top of it.
    #[must_use]
    pub fn new(interval: Duration, grace: Duration) -> Self {
        Self { interval, grace, watch: None }
    }

    /// With the reference's grace of 4 s.
    #[must_use]
    pub fn with_interval(interval: Duration) -> Self {
        Self::new(interval, DEFAULT_PING_GRACE)
    }
}

impl Plugin for Pong {
    fn name(&self) -> &str {
        "pong"
    }

    fn layer(&self) -> Layer {
        Layer::PingPong
    }

    fn incoming(&mut self, cx: &mut Context<'_>, event: Incoming) -> Result<(), PluginError> {
        match (&event, &mut self.watch) {
            (Incoming::Opened, watch) => *watch = Some(PongWatch::new(cx.now(), self.interval, self.grace)),
            (Incoming::Closed { .. }, watch) => *watch = None,
            (Incoming::Message(message), Some(watch)) if SpareMessage::parse(message) == Ok(SpareMessage::Ping) => {
                watch.ping(cx.now());
                cx.sink(Outgoing::Message(Payload::text(message::PONG)));
                return Ok(());
            }
            (Incoming::Message(_), _) => {}
        }
        cx.rise(event);
        Ok(())
    }

    fn deadline(&self) -> Option<Instant> {
        self.watch.as_ref().map(PongWatch::deadline)
    }

    fn timer(&mut self, cx: &mut Context<'_>) -> Result<(), PluginError> {
        if self.watch.as_ref().is_some_and(|watch| watch.is_overdue(cx.now())) {
            self.watch = None;
            cx.sink(Outgoing::Close(CloseRequest::Terminate(PONG_TIMED_OUT.to_owned())));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::testing::open;

    fn text(text: &str) -> Incoming {
        Incoming::Message(Payload::text(text))
    }

    #[test]
    fn only_a_pong_in_text_is_a_pong() {
        let second = Duration::from_secs(1);
        let (mut stack, start) = open(vec![Box::new(Ping::new(second, second))]);
        let later = start + second / 2;
        let binary = Incoming::Message(Payload::binary(message::PONG.as_bytes()));
        stack.handle_incoming(later, binary.clone());
        assert_eq!(stack.poll_event(), Some(binary));
        assert_eq!(stack.poll_timeout(), Some(start + second));
        stack.handle_incoming(later, text(" {\"x\":1, \"command\":\"pong\"} "));
        assert_eq!(stack.poll_event(), None);
        assert_eq!(stack.poll_timeout(), Some(later + second));
    }

    #[test]
    fn a_listener_answers_pings_and_passes_everything_else_on() {
        let (mut stack, now) = open(vec![Box::new(Pong::with_interval(Duration::from_secs(1)))]);
        stack.handle_incoming(now, text(message::PING));
        assert_eq!(stack.poll_event(), None);
        assert_eq!(stack.poll_transmit(), Some(Outgoing::Message(Payload::text(message::PONG))));
        for other in [message::CONNECTION_HANDOVER, r#"{"command":"comm_ping"}"#, "ping"] {
            stack.handle_incoming(now, text(other));
            assert_eq!(stack.poll_event(), Some(text(other)));
            assert_eq!(stack.poll_transmit(), None);
        }
    }
}
