//! The timelines of connections as they are at this moment, and of the last attempt to reach somebody that failed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ratatosk_objects::PersonId;
use ratatosk_protocol::driver::Trace;
use ratatosk_protocol::key::PublicKey;
use ratatosk_protocol::phase::Role;
use ratatosk_protocol::trace::Timeline;

/// Failed attempts that are kept: of each contact's device the last one.
const MAX_FAILED: usize = 1024;

/// How a connection stands of which there is a timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Not both ends know yet who the other is.
    UnderWay,
    /// It is in use.
    Open,
    /// It is over: the last attempt to reach somebody who is not connected.
    Failed,
}

/// What has happened on a connection.
#[derive(Clone, Debug)]
pub struct LiveTimeline {
    /// The number of the connection, as soon as it has one.
    pub connection: Option<u64>,
    /// The other end's key.
    pub remote: PublicKey,
    /// Whose key that is, as far as it is known.
    pub person: Option<PersonId>,
    /// Which side we are.
    pub role: Role,
    /// How it stands.
    pub progress: Progress,
    /// What has happened.
    pub timeline: Timeline,
}

/// All traces of a service.
#[derive(Debug, Default)]
pub(super) struct Traces(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    next: u64,
    live: BTreeMap<u64, Live>,
    failed: BTreeMap<PublicKey, LiveTimeline>,
}

#[derive(Debug)]
struct Live {
    connection: Option<u64>,
    remote: PublicKey,
    person: Option<PersonId>,
    role: Role,
    trace: Trace,
}

/// Keeps a trace among those of the service for as long as this lives.
pub(super) struct Traced {
    traces: Arc<Traces>,
    number: u64,
}

impl Traces {
    pub(super) fn watch(self: &Arc<Self>, remote: PublicKey, role: Role, person: Option<PersonId>, trace: Trace) -> Traced {
        let mut kept = self.lock();
        let number = kept.next;
        kept.next += 1;
        kept.live.insert(number, Live { connection: None, remote, person, role, trace });
        Traced { traces: self.clone(), number }
    }

    /// All of them; `open` says who is at the other end of a connection that is in use.
    pub(super) fn timelines(&self, open: impl Fn(u64) -> Option<PersonId>) -> Vec<LiveTimeline> {
        let kept = self.lock();
        let live = kept.live.values().filter_map(|live| {
            let timeline = live.trace.timeline()?;
            let at_the_end = live.connection.and_then(&open);
            let progress = if at_the_end.is_some() { Progress::Open } else { Progress::UnderWay };
            Some(live.told(at_the_end, progress, timeline))
        });
        let live: Vec<_> = live.collect();
        let is_connected = |key: &PublicKey| live.iter().any(|it| it.remote == *key && it.progress == Progress::Open);
        let failed: Vec<_> = kept.failed.values().filter(|failed| !is_connected(&failed.remote)).cloned().collect();
        live.into_iter().chain(failed).collect()
    }

    /// What a panicked task left behind is whole: every change under the lock is complete before anything can fail.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    fn told(&self, person: Option<PersonId>, progress: Progress, timeline: Timeline) -> LiveTimeline {
        let Self { connection, remote, role, .. } = *self;
        LiveTimeline { connection, remote, person: person.or(self.person), role, progress, timeline }
    }
}

impl Traced {
    /// The connection has a number now.
    pub(super) fn is(&self, connection: u64) {
        if let Some(live) = self.traces.lock().live.get_mut(&self.number) {
            live.connection = Some(connection);
        }
    }

    /// It came to nothing, which is kept until the next attempt.
    pub(super) fn failed(self) {
        let mut kept = self.traces.lock();
        let Some(live) = kept.live.get(&self.number) else { return };
        let Some(timeline) = live.trace.timeline() else { return };
        let failed = live.told(None, Progress::Failed, timeline);
        if kept.failed.len() >= MAX_FAILED && !kept.failed.contains_key(&failed.remote) {
            kept.failed.pop_first();
        }
        kept.failed.insert(failed.remote, failed);
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        self.traces.lock().live.remove(&self.number);
    }
}
