//! Tells whoever wants to know what happens to connections, without ever waiting for them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;

use crate::connection::Event;
use crate::metrics::Metrics;
use crate::phase::{Phase, Role};

/// Notices that wait for a slow subscriber at most.
const QUEUE_LEN: usize = 1024;

/// Something that happened to one of the connections of an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The connection, numbered from 1 in the order of their beginning.
    pub connection: u64,
    /// Which side of it we are.
    pub role: Role,
    /// What happened.
    pub kind: NoticeKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoticeKind {
    /// The connection told this. Never [`Event::Message`].
    Connection(Event),
    /// The connection failed, and the next attempt comes later.
    Retrying {
        /// After this time.
        delay: Duration,
        /// The phase in which it failed.
        failed: Phase,
    },
}

impl NoticeKind {
    /// Progress and notes may be left out for a slow subscriber; openings, hand-overs and ends may not.
    fn is_progress(&self) -> bool {
        let Self::Connection(event) = self else { return true };
        matches!(event, Event::PhaseEntered(_) | Event::PhaseExited { .. } | Event::Note(_))
    }
}

/// The place where connections tell what happens. Clones are the same place.
#[derive(Clone, Debug, Default)]
pub struct Events {
    hub: Arc<Mutex<Hub>>,
}

#[derive(Debug, Default)]
struct Hub {
    connections: u64,
    metrics: Metrics,
    subscribers: Vec<Weak<Queue>>,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    notices: VecDeque<Notice>,
    missed: u64,
}

impl Events {
    /// From now on, everything that happens.
    #[must_use]
    pub fn subscribe(&self) -> Subscription {
        let queue = Arc::new(Queue::default());
        lock(&self.hub).subscribers.push(Arc::downgrade(&queue));
        Subscription { queue }
    }

    /// The numbers so far.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        lock(&self.hub).metrics.clone()
    }

    /// The number of a new connection, also of one that the driver knows nothing of.
    #[must_use]
    pub fn new_connection(&self) -> u64 {
        let mut hub = lock(&self.hub);
        hub.connections += 1;
        hub.connections
    }

    pub(super) fn publish(&self, connection: u64, role: Role, kind: &NoticeKind) {
        let mut hub = lock(&self.hub);
        match kind {
            NoticeKind::Connection(event) => hub.metrics.observe(role, event),
            NoticeKind::Retrying { failed, .. } => hub.metrics.retrying(role, *failed),
        }
        hub.subscribers.retain(|subscriber| {
            let Some(queue) = subscriber.upgrade() else { return false };
            lock(&queue.waiting).push(Notice { connection, role, kind: kind.clone() });
            queue.changed.notify_one();
            true
        });
    }
}

impl Waiting {
    /// Makes room by leaving out the oldest progress, and only if there is none the oldest notice of all.
    fn push(&mut self, notice: Notice) {
        if self.notices.len() == QUEUE_LEN {
            let progress = self.notices.iter().position(|notice| notice.kind.is_progress());
            self.notices.remove(progress.unwrap_or_default());
            self.missed += 1;
        }
        self.notices.push_back(notice);
    }
}

/// One subscriber's view. A slow one loses progress first and blocks nobody.
#[derive(Debug)]
pub struct Subscription {
    queue: Arc<Queue>,
}

impl Subscription {
    /// The next notice. Waits for ever if nothing happens any more. Safe to cancel.
    pub async fn next(&mut self) -> Notice {
        loop {
            if let Some(notice) = self.try_next() {
                return notice;
            }
            self.queue.changed.notified().await;
        }
    }

    /// The next notice, if one is there.
    pub fn try_next(&mut self) -> Option<Notice> {
        lock(&self.queue.waiting).notices.pop_front()
    }

    /// How many notices were left out because this subscriber was slow.
    #[must_use]
    pub fn missed(&self) -> u64 {
        lock(&self.queue.waiting).missed
    }
}

/// What a panicked thread left behind is whole: every change under these locks is a single push or count.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_subscriber_loses_progress_first() {
        let events = Events::default();
        let mut subscription = events.subscribe();
        let publish = |event| events.publish(1, Role::Listener, &NoticeKind::Connection(event));
        publish(Event::SpareOpened);
        for _ in 0..2 * QUEUE_LEN {
            publish(Event::PhaseEntered(Phase::Connect));
        }
        publish(Event::SpareHandedOver);
        let mut kinds = Vec::new();
        while let Some(notice) = subscription.try_next() {
            kinds.push(notice.kind);
        }
        assert_eq!(kinds.len(), QUEUE_LEN);
        assert_eq!(kinds.first(), Some(&NoticeKind::Connection(Event::SpareOpened)));
        assert_eq!(kinds.last(), Some(&NoticeKind::Connection(Event::SpareHandedOver)));
        assert_eq!(subscription.missed(), QUEUE_LEN as u64 + 2);
    }

    #[test]
    fn a_dropped_subscription_is_forgotten() {
        let events = Events::default();
        drop(events.subscribe());
        events.publish(1, Role::Listener, &NoticeKind::Connection(Event::SpareOpened));
        assert!(lock(&events.hub).subscribers.is_empty());
    }
}
