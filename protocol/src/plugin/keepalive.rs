//! Keepalive: a pulse when nothing was sent, a close when nothing was received (`spec/wire.md §4`).

use std::time::{Duration, Instant};

use super::{Context, Incoming, Layer, Outgoing, Plugin, PluginError};
use crate::close::CloseRequest;
use crate::keyword::Keyword;
use crate::message::Payload;

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
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    sent: Instant,
    received: Instant,
}

impl KeepAlive {
    /// With other times than the reference's. A pulse is due after `send_after` without sending, the end after
    /// `close_after` without receiving.
    #[must_use]
    pub fn new(send_after: Duration, close_after: Duration) -> Self {
        Self { send_after, close_after, first_pulse: false, running: None }
    }

    /// Sends a pulse as soon as the connection is open, so that the other end can see that the keys fit.
    #[must_use]
    pub fn with_first_pulse(mut self) -> Self {
        self.first_pulse = true;
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
                self.running = Some(Running { sent: now, received: now });
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
        Some((running.sent + self.send_after).min(running.received + self.close_after))
    }

    fn timer(&mut self, cx: &mut Context<'_>) -> Result<(), PluginError> {
        let now = cx.now();
        let Some(running) = &mut self.running else { return Ok(()) };
        if now >= running.received + self.close_after {
            self.running = None;
            cx.sink(Outgoing::Close(CloseRequest::Terminate(NO_LIFESIGN.to_owned())));
        } else if now >= running.sent + self.send_after {
            running.sent = now;
            cx.sink(Outgoing::Message(Payload::text(KEEPALIVE.0)));
        }
        Ok(())
    }
}
