//! Who is next: a pure queue, to which time is an argument.

use std::time::{Duration, Instant, SystemTime};

use crate::{Busy, Waiting};

/// Requests that wait, at most.
pub(super) const MAX_WAITING: usize = 64;
/// Requests with one label that wait, at most: one busy conversation does not keep the others out.
pub(super) const MAX_PER_LABEL: usize = 4;
/// Bytes of all waiting requests, at most.
pub(super) const MAX_BYTES: usize = 16 << 20;
/// What one step of priority is worth: a request is overtaken by one that is a step more important and came up to so much later.
/// Without a limit in time, a conversation of low priority could wait forever.
pub(super) const STEP: Duration = Duration::from_secs(30);

/// The most important priority.
const HIGHEST: u8 = 10;

/// One that waits.
#[derive(Debug)]
pub(super) struct Entry<T> {
    /// As others see it.
    pub(super) waiting: Waiting,
    /// What waits.
    pub(super) item: T,
    bytes: usize,
    /// When it would run if everything before it had taken no time: the order. Priority is a handicap in time, so the order of
    /// two never changes while they wait.
    due: Instant,
}

/// All that wait, in order.
#[derive(Debug)]
pub(super) struct Queue<T> {
    entries: Vec<Entry<T>>,
    bytes: usize,
}

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        Self { entries: Vec::new(), bytes: 0 }
    }

    /// Whether there is room for a request with this label and of this size.
    pub(super) fn room(&self, label: &str, bytes: usize) -> Result<(), Busy> {
        let same = self.entries.iter().filter(|entry| entry.waiting.label == label).count();
        if same >= MAX_PER_LABEL {
            return Err(Busy::Label { waiting: same });
        }
        if self.entries.len() >= MAX_WAITING || self.bytes.saturating_add(bytes) > MAX_BYTES {
            return Err(Busy::Full { waiting: self.entries.len() });
        }
        Ok(())
    }

    /// Puts a request in its place. Whether there is room was asked before.
    pub(super) fn push(&mut self, label: String, priority: u8, bytes: usize, now: (Instant, SystemTime), item: T) {
        let priority = priority.clamp(1, HIGHEST);
        let due = now.0 + STEP * u32::from(HIGHEST - priority);
        // After all that are due at the same time: first come.
        let place = self.entries.partition_point(|entry| entry.due <= due);
        let waiting = Waiting { label, priority, running: false, since: now.1 };
        self.entries.insert(place, Entry { waiting, item, bytes, due });
        self.bytes += bytes;
    }

    /// Takes the next.
    pub(super) fn pop(&mut self) -> Option<Entry<T>> {
        if self.entries.is_empty() {
            return None;
        }
        let entry = self.entries.remove(0);
        self.bytes -= entry.bytes;
        Some(entry)
    }

    /// Takes all that are no longer wanted.
    pub(super) fn take_if(&mut self, mut unwanted: impl FnMut(&T) -> bool) -> Vec<Entry<T>> {
        let taken: Vec<_> = self.entries.extract_if(.., |entry| unwanted(&entry.item)).collect();
        self.bytes -= taken.iter().map(|entry| entry.bytes).sum::<usize>();
        taken
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Entry<T>> {
        self.entries.iter_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(queue: &mut Queue<u32>, start: Instant, seconds: u64, priority: u8, item: u32) {
        let now = (start + Duration::from_secs(seconds), SystemTime::UNIX_EPOCH);
        queue.push(item.to_string(), priority, 1, now, item);
    }

    fn order(mut queue: Queue<u32>) -> Vec<u32> {
        std::iter::from_fn(|| queue.pop()).map(|entry| entry.item).collect()
    }

    #[test]
    fn the_important_go_first_then_the_first() {
        let (mut queue, start) = (Queue::new(), Instant::now());
        for (item, priority) in [(0, 5), (1, 1), (2, 10), (3, 5), (4, 10), (5, 99), (6, 0)] {
            push(&mut queue, start, 0, priority, item);
        }
        assert_eq!(order(queue), [2, 4, 5, 0, 3, 1, 6]);
    }

    #[test]
    fn nobody_waits_forever() {
        let (mut queue, start) = (Queue::new(), Instant::now());
        push(&mut queue, start, 0, 1, 0);
        // Something more important comes every second, for ever; at some point it comes too late to go first.
        for second in 1..400 {
            push(&mut queue, start, second, 10, 1);
        }
        let place = order(queue).iter().position(|item| *item == 0).unwrap();
        assert_eq!(u64::try_from(place).unwrap(), (STEP * 9).as_secs() - 1);
    }

    #[test]
    fn room_ends_by_label_by_number_and_by_bytes() {
        let now = (Instant::now(), SystemTime::UNIX_EPOCH);
        let mut queue = Queue::new();
        for item in 0..MAX_PER_LABEL {
            queue.push("loud".to_owned(), 5, 1, now, item);
        }
        assert_eq!(queue.room("loud", 1), Err(Busy::Label { waiting: MAX_PER_LABEL }));
        assert_eq!(queue.room("quiet", 1), Ok(()));
        assert_eq!(queue.room("quiet", MAX_BYTES), Err(Busy::Full { waiting: MAX_PER_LABEL }));
        for item in MAX_PER_LABEL..MAX_WAITING {
            queue.push(item.to_string(), 5, 1, now, item);
        }
        assert_eq!(queue.room("quiet", 1), Err(Busy::Full { waiting: MAX_WAITING }));
        assert_eq!(queue.take_if(|item| item % 2 == 0).len(), MAX_WAITING / 2);
        assert_eq!(queue.room("quiet", 1), Ok(()));
        while queue.pop().is_some() {}
        assert_eq!(queue.room("loud", MAX_BYTES), Ok(()), "the bytes are counted down");
    }
}
