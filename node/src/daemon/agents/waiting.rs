//! Topics that wait to be looked at: who came first goes first. Everybody chooses the names of their topics, so an order by names would
//! let one contact with many topics keep all others waiting.

use std::collections::{BTreeSet, VecDeque};

/// Each topic waits once, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    order: VecDeque<String>,
    known: BTreeSet<String>,
}

impl Waiting {
    /// Adds a topic behind all others, if it does not wait already.
    pub(super) fn add(&mut self, topic: String) {
        if self.known.insert(topic.clone()) {
            self.order.push_back(topic);
        }
    }

    /// Takes the first that is free.
    pub(super) fn take(&mut self, is_free: impl Fn(&str) -> bool) -> Option<String> {
        let at = self.order.iter().position(|topic| is_free(topic))?;
        let topic = self.order.remove(at)?;
        self.known.remove(&topic);
        Some(topic)
    }

    /// Nothing waits any more.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_waits_longer_for_the_name_of_their_topic() {
        let mut waiting = Waiting::default();
        for topic in ["b", "z", "a", "z"] {
            waiting.add(topic.to_owned());
        }
        assert_eq!(waiting.take(|_| true).as_deref(), Some("b"));
        // It comes again, as the topics of a flood do.
        for topic in ["b", "aa"] {
            waiting.add(topic.to_owned());
        }
        assert_eq!(waiting.take(|topic| topic != "z").as_deref(), Some("a"), "z is busy");
        for topic in ["z", "b", "aa"] {
            assert_eq!(waiting.take(|_| true).as_deref(), Some(topic));
        }
        assert_eq!(waiting.take(|_| true), None);
    }
}
