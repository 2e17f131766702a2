//! What waits to be written in one direction: pure, time is an argument.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::faults::{Action, Decision};
use super::frame::Frame;

/// Most bytes that wait; beyond it nothing more is read. One frame more may be on its way.
pub(super) const MAX_WAITING: usize = 4 << 20;
/// Most frames that wait.
const MAX_FRAMES: usize = 1 << 16;
/// How long a frame waits for one to come before it.
const MAX_HOLD: Duration = Duration::from_millis(250);

/// What happens once the bytes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    Nothing,
    /// They are written slowly.
    Drip,
    /// Both connections are reset.
    Reset,
    /// Both connections are closed.
    Close,
}

/// Bytes that are due at a time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Item {
    due: Instant,
    pub(super) bytes: Vec<u8>,
    pub(super) then: Then,
}

/// The queue of one direction.
#[derive(Debug, Default)]
pub(super) struct Queue {
    items: VecDeque<Item>,
    waiting: usize,
    /// A frame that comes behind the next one.
    held: Option<Item>,
    /// Nothing comes before what was put in earlier.
    last: Option<Instant>,
    /// Something at the end ends the connection.
    over: bool,
}

impl Queue {
    /// Puts a frame in, and does to it what was decided.
    pub(super) fn frame(&mut self, now: Instant, frame: Frame, decision: &Decision) {
        let due = now + decision.delay;
        let (bytes, then) = match decision.action {
            Some(Action::Lose) => return,
            Some(Action::Drop) => (Vec::new(), Then::Reset),
            Some(Action::Close) => (Vec::new(), Then::Close),
            Some(Action::Cut(len)) => {
                let mut bytes = frame.into_wire();
                bytes.truncate(len);
                (bytes, Then::Reset)
            }
            Some(Action::Truncate(len)) => {
                let mut content = frame.content();
                content.truncate(len);
                (frame.with_content(&content).into_wire(), Then::Nothing)
            }
            Some(Action::Flip(_, bit)) => {
                let mut bytes = frame.into_wire();
                if let Some(byte) = bytes.get_mut(bit / 8) {
                    *byte ^= 0x80 >> (bit % 8);
                }
                (bytes, Then::Nothing)
            }
            Some(Action::Duplicate) => (frame.into_wire().repeat(2), Then::Nothing),
            Some(Action::Drip) => (frame.into_wire(), Then::Drip),
            Some(Action::Reorder) if self.held.is_none() && !self.over => {
                let bytes = frame.into_wire();
                self.waiting += bytes.len();
                self.held = Some(Item { due: due + MAX_HOLD, bytes, then: Then::Nothing });
                return;
            }
            Some(Action::Reorder) | None => (frame.into_wire(), Then::Nothing),
        };
        self.put(due, bytes, then);
        if let Some(held) = self.held.take() {
            self.waiting -= held.bytes.len();
            self.put(due, held.bytes, Then::Nothing);
        }
    }

    /// Puts bytes in that are no frame.
    pub(super) fn raw(&mut self, now: Instant, bytes: Vec<u8>) {
        self.release(now);
        self.put(now, bytes, Then::Nothing);
    }

    /// Nothing comes any more that a held frame could wait for.
    pub(super) fn release(&mut self, now: Instant) {
        if let Some(held) = self.held.take() {
            self.waiting -= held.bytes.len();
            self.put(now, held.bytes, Then::Nothing);
        }
    }

    fn put(&mut self, due: Instant, bytes: Vec<u8>, then: Then) {
        if self.over {
            return;
        }
        self.over = matches!(then, Then::Reset | Then::Close);
        let due = self.last.map_or(due, |last| last.max(due));
        self.last = Some(due);
        self.waiting += bytes.len();
        self.items.push_back(Item { due, bytes, then });
    }

    /// Whether there is room for more.
    pub(super) fn has_room(&self) -> bool {
        !self.over && self.waiting < MAX_WAITING && self.items.len() < MAX_FRAMES
    }

    /// Whether no more waits than always may.
    pub(super) fn is_light(&self) -> bool {
        self.waiting <= MAX_WAITING
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty() && self.held.is_none()
    }

    /// When there is something to write.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.items.front().or(self.held.as_ref()).map(|item| item.due)
    }

    /// Takes what is due: as much as can be written at once.
    pub(super) fn take(&mut self, now: Instant) -> Option<Item> {
        if self.items.is_empty() && self.held.as_ref().is_some_and(|held| held.due <= now) {
            self.release(now);
        }
        let mut first = self.pop(now)?;
        while first.then == Then::Nothing
            && self.items.front().is_some_and(|next| next.then == Then::Nothing)
            && let Some(mut next) = self.pop(now)
        {
            first.bytes.append(&mut next.bytes);
        }
        Some(first)
    }

    fn pop(&mut self, now: Instant) -> Option<Item> {
        let item = self.items.pop_front_if(|item| item.due <= now)?;
        self.waiting -= item.bytes.len();
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::faults::Kind;

    fn frame(content: &[u8]) -> Frame {
        Frame::new(2, true, content, None)
    }

    fn put(queue: &mut Queue, now: Instant, content: &[u8], delay: u64, action: Option<Action>) {
        queue.frame(now, frame(content), &Decision { delay: Duration::from_millis(delay), action });
    }

    #[test]
    fn what_is_due_goes_out_in_one_write() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        put(&mut queue, now, b"a", 0, None);
        put(&mut queue, now, b"b", 0, None);
        let item = queue.take(now).unwrap();
        assert_eq!((item.bytes, item.then), (b"\x82\x01a\x82\x01b".to_vec(), Then::Nothing));
        assert!(queue.is_empty() && queue.take(now).is_none());
    }

    #[test]
    fn a_delay_keeps_the_order() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        put(&mut queue, now, b"a", 100, None);
        put(&mut queue, now, b"b", 10, None);
        let due = now + Duration::from_millis(100);
        assert_eq!(queue.next_due(), Some(due));
        assert_eq!(queue.take(now + Duration::from_millis(99)), None);
        assert_eq!(queue.take(due).unwrap().bytes.len(), 6);
    }

    #[test]
    fn each_fault_does_what_it_is_called() {
        let now = Instant::now();
        for (action, bytes, then) in [
            (Action::Lose, None, Then::Nothing),
            (Action::Drop, Some(&b""[..]), Then::Reset),
            (Action::Close, Some(b""), Then::Close),
            (Action::Cut(3), Some(b"\x82\x02a"), Then::Reset),
            (Action::Truncate(1), Some(b"\x82\x01a"), Then::Nothing),
            (Action::Flip(Kind::CorruptHeader, 0), Some(b"\x02\x02ab"), Then::Nothing),
            (Action::Flip(Kind::Corrupt, 23), Some(b"\x82\x02`b"), Then::Nothing),
            (Action::Duplicate, Some(b"\x82\x02ab\x82\x02ab"), Then::Nothing),
            (Action::Drip, Some(b"\x82\x02ab"), Then::Drip),
        ] {
            let mut queue = Queue::default();
            put(&mut queue, now, b"ab", 0, Some(action));
            let item = queue.take(now);
            assert_eq!(item.as_ref().map(|item| &item.bytes[..]), bytes, "{action}");
            assert_eq!(item.map_or(Then::Nothing, |item| item.then), then, "{action}");
        }
    }

    #[test]
    fn a_reordered_frame_waits_for_the_next_one_but_not_for_ever() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        put(&mut queue, now, b"a", 0, Some(Action::Reorder));
        assert_eq!(queue.take(now), None);
        put(&mut queue, now, b"b", 0, None);
        assert_eq!(queue.take(now).unwrap().bytes, b"\x82\x01b\x82\x01a");
        put(&mut queue, now, b"c", 0, Some(Action::Reorder));
        assert_eq!(queue.next_due(), Some(now + MAX_HOLD));
        assert_eq!(queue.take(now + MAX_HOLD).unwrap().bytes, b"\x82\x01c");
        put(&mut queue, now, b"d", 0, Some(Action::Reorder));
        queue.release(now);
        assert_eq!(queue.take(now + MAX_HOLD).unwrap().bytes, b"\x82\x01d");
        assert!(queue.is_empty());
        assert_eq!(queue.waiting, 0);
    }

    #[test]
    fn nothing_comes_after_the_end() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        put(&mut queue, now, b"a", 0, None);
        put(&mut queue, now, b"b", 0, Some(Action::Drop));
        put(&mut queue, now, b"c", 0, None);
        assert!(!queue.has_room());
        assert_eq!(queue.take(now).unwrap().bytes, b"\x82\x01a");
        assert_eq!(queue.take(now).unwrap().then, Then::Reset);
        assert!(queue.is_empty());
    }

    #[test]
    fn what_waits_is_bounded() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        while queue.has_room() {
            put(&mut queue, now, &[0; 1 << 20], 1000, None);
        }
        assert_eq!(queue.items.len(), 4);
        let mut queue = Queue::default();
        while queue.has_room() {
            put(&mut queue, now, b"", 1000, None);
        }
        assert_eq!(queue.items.len(), MAX_FRAMES);
    }
}
