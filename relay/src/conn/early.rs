//! What a requester sends before it has a partner (`spec/wire.md §3`, §10: kept, bounded, delivered in order).

use std::collections::VecDeque;

use crate::socket::Data;

/// From here on the requester is not read until it has a partner. In bytes.
pub(super) const ENOUGH: usize = 64 * 1024;

/// The largest message that is begun before there is a partner, in bytes. The library makes room for a message as soon
/// as it sees its length. More than [`ENOUGH`], for what came with the request does not count there.
pub(super) const LARGEST: usize = 2 * ENOUGH;

/// What keeping a message costs beside its content, so that empty messages are not free.
const OVERHEAD: usize = 64;

/// Messages that wait, in order.
#[derive(Debug, Default)]
pub(super) struct EarlyData {
    messages: VecDeque<Data>,
    bytes: usize,
}

impl EarlyData {
    /// Whether another message may be read.
    pub(super) fn has_room(&self) -> bool {
        self.bytes < ENOUGH
    }

    /// Keeps a message.
    pub(super) fn push(&mut self, data: Data) {
        self.bytes += data.len() + OVERHEAD;
        self.messages.push_back(data);
    }

    /// The message behind `earlier` others.
    pub(super) fn get(&self, earlier: usize) -> Option<&Data> {
        self.messages.get(earlier)
    }

    /// Takes the oldest message out.
    pub(super) fn pop(&mut self) -> Option<Data> {
        let data = self.messages.pop_front()?;
        self.bytes -= data.len() + OVERHEAD;
        Some(data)
    }
}

#[cfg(test)]
mod tests {
    use ratatosk_protocol::message::Payload;

    use super::*;

    #[test]
    fn it_fills_up_with_bytes_and_with_empty_messages() {
        let mut early = EarlyData::default();
        early.push(Payload::binary(vec![1; ENOUGH]).into());
        assert!(!early.has_room());
        early.pop().unwrap();
        assert!(early.has_room());

        let mut messages = 0;
        while early.has_room() {
            early.push(Payload::text("").into());
            messages += 1;
        }
        assert_eq!(messages, ENOUGH / OVERHEAD);
    }

    #[test]
    fn it_keeps_the_order() {
        let mut early = EarlyData::default();
        for text in ["a", "b"] {
            early.push(Payload::text(text).into());
        }
        assert_eq!(early.pop().unwrap().payload(), Payload::text("a"));
        assert_eq!(early.pop().unwrap().payload(), Payload::text("b"));
        assert!(early.pop().is_none());
    }
}
