//! Keepalive: a pulse when nothing was sent, a close when nothing was received (`spec/wire.md §4`).

use std::time::{Duration, Instant};

use super::{Context, Incoming, Layer, Outgoing, Plugin, PluginError};
use crate::close::CloseRequest;
use crate::keyword::Keyword;
use crate::message::Payload;
use crate::time::after;

/// The pulse.
pub const KEEPALIVE: Keyword = Keyword("keepalive");
/// How long nothing is sent before a pulse is.
pub const SEND_AFTER_IDLE: Duration = Duration::from_secs(20);
/// How long nothing is received before the connection is given up.
pub const CLOSE_AFTER_SILENCE: Duration = Duration::from_secs(25);

const NO_LIFESIGN: &str = "Keepalive: No lifesign of the other side";

/// The keepalive plugin of one connection.
#[derive(Debug)]
pub struct KeepAlive {
    send_after: Duration,
    close_after: Duration,
    first_pulse: bool,
    speaks_second: bool,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    sent: Instant,
    received: Instant,
    may_pulse: bool,
}

impl KeepAlive {
    /// With other times than the reference's. A pulse is due after `send_after` without sending, and at least 1 ms, the
    /// end after `close_after` without receiving.
    #[must_use]
    pub fn new(send_after: Duration, close_after: Duration) -> Self {
        // Without any time between pulses the timer would never rest.
        let send_after = send_after.max(Duration::from_millis(1));
        Self { send_after, close_after, first_pulse: false, speaks_second: false, running: None }
    }

    /// Sends a pulse as soon as the connection is open, so that the other end can see that the keys fit.
    #[must_use]
    pub fn with_first_pulse(mut self) -> Self {
        self.first_pulse = true;
        self
    }

    /// Sends no pulse before the other end has sent something: an acceptor's first frame must not outrun the connector's
    /// decryption (`spec/wire.md §10`).
    #[must_use]
    pub fn speaking_second(mut self) -> Self {
        self.speaks_second = true;
        self
    }
}

impl Default for KeepAlive {
    fn default() -> Self {
        Self::new(SEND_AFTER_IDLE, CLOSE_AFTER_SILENCE)
    }
}

impl Plugin for KeepAlive {
    fn name(&self) -> &str {
        "keepalive"
    }

    fn layer(&self) -> Layer {
        Layer::KeepAlive
    }

    fn incoming(&mut self, cx: &mut Context<'_>, event: Incoming) -> Result<(), PluginError> {
        let now = cx.now();
        match event {
            Incoming::Opened => {
                self.running = Some(Running { sent: now, received: now, may_pulse: !self.speaks_second });
                if self.first_pulse {
                    cx.sink(Outgoing::Message(Payload::text(KEEPALIVE.0)));
                }
                cx.rise(Incoming::Opened);
            }
            Incoming::Closed { .. } => {
                self.running = None;
                cx.rise(event);
            }
            Incoming::Message(message) => {
                if let Some(running) = &mut self.running {
                    running.received = now;
                    running.may_pulse = true;
                }
                match message {
                    Payload::Text(text) if text == KEEPALIVE.0 => {}
                    Payload::Text(mut text) => {
                        KEEPALIVE.unescape(&mut text).map_err(PluginError::new)?;
                        cx.rise(Incoming::Message(Payload::Text(text)));
                    }
                    binary @ Payload::Binary(_) => cx.rise(Incoming::Message(binary)),
                }
            }
        }
        Ok(())
    }

    fn outgoing(&mut self, cx: &mut Context<'_>, mut event: Outgoing) -> Result<(), PluginError> {
        if let Outgoing::Message(message) = &mut event {
            if let Some(running) = &mut self.running {
                running.sent = cx.now();
            }
            if let Payload::Text(text) = message {
                KEEPALIVE.escape(text);
            }
        }
        cx.sink(event);
        Ok(())
    }

    fn deadline(&self) -> Option<Instant> {
        let running = self.running.as_ref()?;
        let close = after(running.received, self.close_after);
        Some(if running.may_pulse { close.min(after(running.sent, self.send_after)) } else { close })
    }

    fn timer(&mut self, cx: &mut Context<'_>) -> Result<(), PluginError> {
        let now = cx.now();
        let Some(running) = &mut self.running else { return Ok(()) };
        if now >= after(running.received, self.close_after) {
            self.running = None;
            cx.sink(Outgoing::Close(CloseRequest::Terminate(NO_LIFESIGN.to_owned())));
        } else if running.may_pulse && now >= after(running.sent, self.send_after) {
            running.sent = now;
            cx.sink(Outgoing::Message(Payload::text(KEEPALIVE.0)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::{Stack, testing};

    fn open(plugin: KeepAlive) -> (Stack, Instant) {
        testing::open(vec![Box::new(plugin)])
    }

    fn pulse() -> Option<Outgoing> {
        Some(Outgoing::Message(Payload::text("keepalive")))
    }

    #[test]
    fn the_first_pulse_comes_at_once_if_wanted() {
        let (mut stack, _) = open(KeepAlive::default().with_first_pulse());
        assert_eq!(stack.poll_transmit(), pulse());
        let (mut stack, _) = open(KeepAlive::default());
        assert_eq!(stack.poll_transmit(), None);
    }

    #[test]
    fn a_pulse_is_swallowed_and_counts_as_a_sign_of_life() {
        let (mut stack, start) = open(KeepAlive::default());
        let later = start + Duration::from_secs(10);
        stack.handle_incoming(later, Incoming::Message(Payload::text("keepalive")));
        assert_eq!(stack.poll_event(), None);
        stack.handle_timeout(start + SEND_AFTER_IDLE);
        assert_eq!(stack.poll_transmit(), pulse());
        assert_eq!(stack.poll_timeout(), Some(later + CLOSE_AFTER_SILENCE));
        // The same bytes as binary are data.
        let data = Payload::binary(&b"keepalive"[..]);
        stack.handle_incoming(later, Incoming::Message(data.clone()));
        assert_eq!(stack.poll_event(), Some(Incoming::Message(data)));
    }

    #[test]
    fn pulses_without_any_time_between_them_do_not_keep_the_driver_busy() {
        let (mut stack, start) = open(KeepAlive::new(Duration::ZERO, CLOSE_AFTER_SILENCE));
        let due = stack.poll_timeout().unwrap();
        stack.handle_timeout(due);
        assert_eq!(stack.poll_transmit(), pulse());
        assert!(due > start && stack.poll_timeout().unwrap() > due);
    }
}
