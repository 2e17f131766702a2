//! Statistics: counts what passes, innermost, so that it sees what the socket sees.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Context, Incoming, Layer, Outgoing, Plugin, PluginError};

/// The numbers of one connection, readable while it lives and after.
#[derive(Debug, Default)]
pub struct Counters {
    bytes_received: AtomicU64,
    bytes_sent: AtomicU64,
    messages_received: AtomicU64,
    messages_sent: AtomicU64,
}

impl Counters {
    /// Payload bytes received, without frame headers.
    #[must_use]
    pub fn bytes_received(&self) -> u64 {
        self.bytes_received.load(Ordering::Relaxed)
    }

    /// Payload bytes sent, without frame headers.
    #[must_use]
    pub fn bytes_sent(&self) -> u64 {
        self.bytes_sent.load(Ordering::Relaxed)
    }

    /// Messages received.
    #[must_use]
    pub fn messages_received(&self) -> u64 {
        self.messages_received.load(Ordering::Relaxed)
    }

    /// Messages sent.
    #[must_use]
    pub fn messages_sent(&self) -> u64 {
        self.messages_sent.load(Ordering::Relaxed)
    }
}

/// The statistics plugin of one connection.
#[derive(Debug, Default)]
pub struct Statistics {
    counters: Arc<Counters>,
}

impl Statistics {
    /// A plugin that counts into `counters`.
    #[must_use]
    pub fn new(counters: Arc<Counters>) -> Self {
        Self { counters }
    }
}

impl Plugin for Statistics {
    fn name(&self) -> &str {
        "statistics"
    }

    fn layer(&self) -> Layer {
        Layer::Observer
    }

    fn incoming(&mut self, cx: &mut Context<'_>, event: Incoming) -> Result<(), PluginError> {
        if let Incoming::Message(message) = &event {
            self.counters.bytes_received.fetch_add(message.len() as u64, Ordering::Relaxed);
            self.counters.messages_received.fetch_add(1, Ordering::Relaxed);
        }
        cx.rise(event);
        Ok(())
    }

    fn outgoing(&mut self, cx: &mut Context<'_>, event: Outgoing) -> Result<(), PluginError> {
        if let Outgoing::Message(message) = &event {
            self.counters.bytes_sent.fetch_add(message.len() as u64, Ordering::Relaxed);
            self.counters.messages_sent.fetch_add(1, Ordering::Relaxed);
        }
        cx.sink(event);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::close::CloseRequest;
    use crate::message::Payload;
    use crate::plugin::testing::open;

    #[test]
    fn messages_count_and_nothing_else() {
        let counters = Arc::new(Counters::default());
        let plugin = Statistics::new(Arc::clone(&counters));
        let (mut stack, now) = open(vec![Box::new(plugin)]);
        stack.handle_incoming(now, Incoming::Message(Payload::text("€")));
        stack.send(now, Payload::binary(vec![0; 5])).unwrap();
        stack.send(now, Payload::text("")).unwrap();
        stack.close(now, CloseRequest::Close(None));
        assert_eq!((counters.messages_received(), counters.bytes_received()), (1, 3));
        assert_eq!((counters.messages_sent(), counters.bytes_sent()), (2, 5));
    }
}
