//! Requesters that wait for the next spare of a key, first come first served.

use std::collections::{HashMap, VecDeque};

use ratatosk_protocol::key::PublicKey;

use super::Limit;

/// Names one requester that waits, for as long as the process lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaiterId(u64);

/// Queues by key; only keys for which somebody waits are in here.
#[derive(Debug)]
pub(super) struct Waiting<W> {
    queues: HashMap<PublicKey, VecDeque<(WaiterId, W)>>,
    next_id: u64,
    length: usize,
}

impl<W> Default for Waiting<W> {
    fn default() -> Self {
        Self { queues: HashMap::new(), next_id: 0, length: 0 }
    }
}

impl<W> Waiting<W> {
    pub(super) fn push(&mut self, key: PublicKey, handle: W, limit: usize) -> Result<WaiterId, Limit> {
        if self.queues.get(&key).is_some_and(|queue| queue.len() >= limit) {
            return Err(Limit::WaitingPerKey);
        }
        let id = WaiterId(self.next_id);
        self.next_id += 1;
        self.length += 1;
        self.queues.entry(key).or_default().push_back((id, handle));
        Ok(id)
    }

    /// Who has waited longest.
    pub(super) fn pop(&mut self, key: &PublicKey) -> Option<W> {
        let (_, handle) = self.queues.get_mut(key)?.pop_front()?;
        self.tidy(key);
        Some(handle)
    }

    /// `false` if it does not wait.
    pub(super) fn remove(&mut self, key: &PublicKey, id: WaiterId) -> bool {
        let Some(queue) = self.queues.get_mut(key) else { return false };
        let Some(place) = queue.iter().position(|(other, _)| *other == id) else { return false };
        queue.remove(place);
        self.tidy(key);
        true
    }

    pub(super) fn has(&self, key: &PublicKey) -> bool {
        self.queues.contains_key(key)
    }

    /// Of all keys.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// One has left the queue of `key`.
    fn tidy(&mut self, key: &PublicKey) {
        self.length -= 1;
        if self.queues.get(key).is_some_and(VecDeque::is_empty) {
            self.queues.remove(key);
        }
    }
}
