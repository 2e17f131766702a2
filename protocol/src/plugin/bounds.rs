//! How much the plugins of a connection can make the host keep.
//!
//! One call of a module is bounded where modules run, but calls lead to calls: two plugins can send each other ever more, and
//! a timer can add to what nobody takes. Here everything counts that waits, between plugins and at both ends of the stack.

use super::{Incoming, Outgoing};

/// What may wait beside [`SHARE`], in bytes.
const MAX_KEPT: usize = 512 << 20;
/// Bytes that may wait for each byte of a message that was handed in: what plugins make of it may be larger.
const SHARE: usize = 4;
/// What an event takes beside its content, in bytes.
const OVERHEAD: usize = 128;

/// Counts what waits.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    /// Between plugins.
    moving: usize,
    /// For the socket.
    transmit: usize,
    /// What has reached the application since the last message came from the socket. Whoever drives the stack takes it out at
    /// once and keeps it, and does not read the socket while that is much.
    risen: usize,
    /// Bytes of the messages for the socket since nothing waited there.
    sent: usize,
    /// Bytes of the last message from the socket.
    received: usize,
}

impl Bounds {
    /// A message comes from the socket.
    pub(super) fn received(&mut self, event: &Incoming) {
        if let Incoming::Message(message) = event {
            (self.risen, self.received) = (0, message.len());
        }
    }

    /// The application sends a message of that many bytes.
    pub(super) fn sent(&mut self, len: usize) {
        let before = if self.transmit == 0 { 0 } else { self.sent };
        self.sent = before.saturating_add(len);
    }

    /// Events set out for the next plugin, or for an end of the stack.
    pub(super) fn set_out(&mut self, cost: usize) {
        self.moving = self.moving.saturating_add(cost);
    }

    /// An event has come to the next plugin, or to an end of the stack.
    pub(super) fn arrived(&mut self, cost: usize) {
        self.moving = self.moving.saturating_sub(cost);
    }

    /// One is for the socket.
    pub(super) fn queued(&mut self, cost: usize) {
        self.transmit = self.transmit.saturating_add(cost);
    }

    /// The socket has taken one.
    pub(super) fn taken(&mut self, cost: usize) {
        self.transmit = self.transmit.saturating_sub(cost);
    }

    /// One is for the application.
    pub(super) fn risen(&mut self, cost: usize) {
        self.risen = self.risen.saturating_add(cost);
    }

    /// How much may wait, if that is more.
    pub(super) fn exceeded(&self) -> Option<usize> {
        let kept = self.moving.saturating_add(self.transmit).saturating_add(self.risen);
        let max = self.sent.saturating_add(self.received).saturating_mul(SHARE).saturating_add(MAX_KEPT);
        (kept > max).then_some(max)
    }
}

/// What an event that rises takes.
pub(super) fn cost_of_rising(event: &Incoming) -> usize {
    OVERHEAD
        + match event {
            Incoming::Message(message) => message.len(),
            Incoming::Closed { reason, .. } => reason.len(),
            Incoming::Opened => 0,
        }
}

/// What an event that sinks takes.
pub(super) fn cost_of_sinking(event: &Outgoing) -> usize {
    OVERHEAD
        + match event {
            Outgoing::Message(message) => message.len(),
            Outgoing::Close(_) => 0,
        }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::close::CloseRequest;
    use crate::message::Payload;
    use crate::plugin::testing::open;
    use crate::plugin::{Context, Layer, Plugin, PluginError};

    const LEN: usize = 1 << 20;

    /// Turns each message round, twice.
    struct Bounces(&'static str);

    impl Plugin for Bounces {
        fn name(&self) -> &str {
            self.0
        }

        fn layer(&self) -> Layer {
            Layer::Transform
        }

        fn incoming(&mut self, cx: &mut Context<'_>, event: Incoming) -> Result<(), PluginError> {
            match event {
                Incoming::Message(message) if self.0 == "outer" => {
                    (0..2).for_each(|_| cx.sink(Outgoing::Message(message.clone())));
                }
                other => cx.rise(other),
            }
            Ok(())
        }

        fn outgoing(&mut self, cx: &mut Context<'_>, event: Outgoing) -> Result<(), PluginError> {
            match event {
                Outgoing::Message(message) if self.0 == "inner" => {
                    (0..2).for_each(|_| cx.rise(Incoming::Message(message.clone())));
                }
                other => cx.sink(other),
            }
            Ok(())
        }
    }

    /// Says something without being asked, in one direction.
    struct Talks {
        outwards: bool,
        message: Payload,
        due: Instant,
    }

    impl Talks {
        fn new(outwards: bool) -> Box<Self> {
            Box::new(Self { outwards, message: Payload::binary(vec![1; LEN]), due: Instant::now() })
        }
    }

    impl Plugin for Talks {
        fn name(&self) -> &str {
            "talks"
        }

        fn layer(&self) -> Layer {
            Layer::Transform
        }

        fn deadline(&self) -> Option<Instant> {
            Some(self.due)
        }

        fn timer(&mut self, cx: &mut Context<'_>) -> Result<(), PluginError> {
            let message = self.message.clone();
            if self.outwards {
                cx.sink(Outgoing::Message(message));
            } else {
                cx.rise(Incoming::Message(message));
            }
            Ok(())
        }
    }

    fn refusal() -> String {
        format!("more than {} bytes wait to be sent or delivered", MAX_KEPT + SHARE * LEN)
    }

    #[test]
    fn two_plugins_that_send_each_other_ever_more_end_the_connection() {
        let (mut stack, now) = open(vec![Box::new(Bounces("inner")), Box::new(Bounces("outer"))]);
        stack.handle_incoming(now, Incoming::Message(Payload::binary(vec![1; LEN])));
        let failure = stack.failure().unwrap();
        assert!(["inner", "outer"].contains(&&*failure.plugin) && failure.error.broken);
        assert_eq!(failure.error.text, format!("plugin {}: {}", failure.plugin, refusal()));
        let close = CloseRequest::because(failure.told());
        assert_eq!((stack.poll_transmit(), stack.poll_event()), (Some(Outgoing::Close(close)), None));
    }

    #[test]
    fn what_nobody_takes_does_not_pile_up() {
        for outwards in [true, false] {
            let (mut stack, now) = open(vec![Talks::new(outwards)]);
            stack.handle_incoming(now, Incoming::Message(Payload::binary(vec![1; LEN])));
            let mut delivered = 0;
            while stack.failure().is_none() {
                stack.handle_timeout(now);
                // The application's end is emptied at once, into a queue of whoever drives the stack.
                delivered += std::iter::from_fn(|| stack.poll_event()).count();
                assert!(delivered < 600, "nothing stops it");
            }
            assert_eq!(stack.failure().unwrap().error.text, format!("plugin talks: {}", refusal()));
            assert_eq!(delivered > 500, !outwards);
        }
    }

    #[test]
    fn what_is_taken_counts_no_more() {
        let (mut stack, now) = open(vec![Talks::new(true)]);
        for _ in 0..600 {
            stack.handle_timeout(now);
            assert!(stack.poll_transmit().is_some());
        }
        // An application may send more at once than plugins may say by themselves.
        let message = Payload::binary(vec![1; LEN]);
        for _ in 0..600 {
            stack.send(now, message.clone()).unwrap();
        }
        assert_eq!(stack.failure(), None);
    }
}
