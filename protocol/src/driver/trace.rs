//! What has happened on a connection so far, for whoever looks on from outside.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::trace::Timeline;

/// The record of one connection, from its first phase to its end. Clones are of the same connection.
#[derive(Clone, Debug, Default)]
pub struct Trace(Arc<Mutex<Option<Timeline>>>);

impl Trace {
    /// The record as it was when something happened last; none if nothing has.
    #[must_use]
    pub fn timeline(&self) -> Option<Timeline> {
        self.lock().clone()
    }

    pub(super) fn set(&self, timeline: Timeline) {
        *self.lock() = Some(timeline);
    }

    /// What a panicked thread left behind is whole: it is put there in one piece.
    fn lock(&self) -> MutexGuard<'_, Option<Timeline>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
