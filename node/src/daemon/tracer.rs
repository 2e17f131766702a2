//! What happens on connections, phase by phase: of those that are open, and of those that ended last.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ratatosk_protocol::connection::Event;
use ratatosk_protocol::driver::{Environment, Notice, NoticeKind, Subscription};
use ratatosk_protocol::key::PublicKey;
use ratatosk_protocol::phase::Outcome;
use ratatosk_protocol::plugin::Origin;

use crate::api::types::{TraceConnection, TraceEntry};

/// Connections that are kept after their end.
const ENDED: usize = 32;
/// Connections that are kept at all.
const MOST: usize = 256;
/// Entries of a connection.
const ENTRIES: usize = 128;
/// The longest text of an entry, in bytes.
const MAX_TEXT: usize = 1024;

/// What happens on the connections of one node. Clones are the same.
#[derive(Clone)]
pub(crate) struct Tracer {
    seen: Arc<Mutex<Seen>>,
    notices: Arc<Mutex<Option<Subscription>>>,
}

#[derive(Default)]
struct Seen {
    connections: BTreeMap<u64, Seeing>,
}

struct Seeing {
    start: Instant,
    remote: Option<PublicKey>,
    entries: Vec<TraceEntry>,
    end: Option<String>,
}

impl Tracer {
    /// Listens to everything that connections in this environment tell from now on.
    pub(crate) fn new(environment: &Environment) -> Self {
        let notices = Arc::new(Mutex::new(Some(environment.events.subscribe())));
        Self { seen: Arc::default(), notices }
    }

    /// Takes down what is told, for ever.
    pub(crate) async fn run(self) {
        let taken = self.notices.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut notices) = taken else { return };
        loop {
            let notice = notices.next().await;
            self.seen().take(&notice, Instant::now());
        }
    }

    /// What is known now, with the key of the other end. `agent` and `person` are for the caller to fill in.
    pub(crate) fn connections(&self) -> Vec<(TraceConnection, Option<PublicKey>)> {
        let seen = self.seen();
        let shown = |(id, seeing): (&u64, &Seeing)| {
            let (open, entries, end) = (seeing.end.is_none(), seeing.entries.clone(), seeing.end.clone());
            (TraceConnection { id: *id, agent: None, person: None, open, entries, end }, seeing.remote)
        };
        seen.connections.iter().map(shown).collect()
    }

    /// Why the connection that failed last did so. Texts of the other end are escaped in it.
    pub(crate) fn last_failure(&self) -> Option<String> {
        self.seen().connections.values().rev().find_map(|seeing| seeing.end.clone())
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn take(&mut self, notice: &Notice, now: Instant) {
        let NoticeKind::Connection(event) = &notice.kind else { return };
        let seeing = self.connections.entry(notice.connection).or_insert_with(|| {
            let entries = vec![TraceEntry { at: 0, phase: notice.role.name().to_owned(), text: String::new() }];
            Seeing { start: now, remote: None, entries, end: None }
        });
        seeing.take(event, now);
        if seeing.end.is_some() {
            self.tidy();
        }
        while self.connections.len() > MOST {
            self.connections.pop_first();
        }
    }

    /// Forgets the oldest of those that have ended.
    fn tidy(&mut self) {
        let ended: Vec<u64> =
            self.connections.iter().filter(|(_, seeing)| seeing.end.is_some()).map(|(id, _)| *id).collect();
        for id in ended.iter().take(ended.len().saturating_sub(ENDED)) {
            self.connections.remove(id);
        }
    }
}

impl Seeing {
    fn take(&mut self, event: &Event, now: Instant) {
        let (phase, text) = match event {
            Event::PhaseEntered(phase) => (phase.name(), "begins".to_owned()),
            Event::PhaseExited { phase, outcome: Outcome::Ok, duration } => {
                (phase.name(), format!("done in {}", millis(*duration)))
            }
            Event::PhaseExited { phase, outcome, duration } => {
                (phase.name(), format!("{} after {}", outcome.name(), millis(*duration)))
            }
            Event::SpareOpened => ("spare", "registered; waits for somebody".to_owned()),
            Event::SpareHandedOver => ("spare", "somebody is there".to_owned()),
            Event::PairingRequested { source, .. } => ("request", format!("from key {}", source.fingerprint())),
            Event::HandoverComplete => ("handover", "from here on the bytes are the other end's".to_owned()),
            Event::Established { remote, .. } => {
                self.remote = Some(*remote);
                ("established", format!("with key {}", remote.fingerprint()))
            }
            Event::PairingSucceeded { .. } => ("paired", "both are contacts now".to_owned()),
            Event::Note(note) => ("plugin", format!("{}: {:?}", note.plugin, note.text)),
            Event::Closed(closed) => {
                let who = if closed.origin == Origin::Local { "here" } else { "by the other end" };
                self.end = Some(cut(closed.error.to_string()));
                ("closed", format!("{who}: {:?}", closed.reason))
            }
            _ => return,
        };
        // The first ones are the establishment; of the others the newest are dropped, but not how it ended.
        if self.entries.len() < ENTRIES || self.end.is_some() {
            let at = u64::try_from(now.saturating_duration_since(self.start).as_micros()).unwrap_or(u64::MAX);
            self.entries.push(TraceEntry { at, phase: phase.to_owned(), text: cut(text) });
        }
    }
}

fn cut(mut text: String) -> String {
    if text.len() > MAX_TEXT {
        text.truncate(text.floor_char_boundary(MAX_TEXT));
        text.push('…');
    }
    text
}

fn millis(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use ratatosk_protocol::phase::{Phase, Role};

    use super::*;

    fn notice(connection: u64, event: Event) -> Notice {
        Notice { connection, role: Role::Listener, kind: NoticeKind::Connection(event) }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let (mut seen, now) = (Seen::default(), Instant::now());
        for connection in 0..2 * MOST as u64 {
            for _ in 0..2 * ENTRIES {
                seen.take(&notice(connection, Event::PhaseEntered(Phase::Connect)), now);
            }
        }
        assert_eq!(seen.connections.len(), MOST);
        assert!(seen.connections.values().all(|seeing| seeing.entries.len() == ENTRIES));
        assert!(seen.connections.contains_key(&(2 * MOST as u64 - 1)));
    }
}
