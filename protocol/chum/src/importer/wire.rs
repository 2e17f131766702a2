//! Requests of ours, and what each was for.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use ratatosk_protocol::message::Payload;

use crate::draft::Draft;
use crate::message::{Service, draft_request, request, write_stream_error};
use crate::settings::Settings;

/// What an answer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    Version,
    Roots,
    /// The list of the root that is being fetched.
    Children,
    /// An object or BLOB of that list, by its number.
    Slot(u64),
    /// The root itself.
    Root,
    /// Whoever wanted it is gone.
    Nobody,
}

struct Owed {
    want: Want,
    sent: Instant,
}

pub(super) struct Wire {
    next_id: i64,
    owed: BTreeMap<i64, Owed>,
    /// When the peer last answered, or was first asked after it owed nothing.
    progress: Instant,
    pub(super) outbox: VecDeque<Payload>,
}

impl Wire {
    pub(super) fn new(now: Instant) -> Self {
        Self { next_id: 0, owed: BTreeMap::new(), progress: now, outbox: VecDeque::new() }
    }

    /// Asks; returns the number of the request.
    pub(super) fn ask(&mut self, service: Service, args: &[&str], want: Want, now: Instant) -> i64 {
        if self.owed.is_empty() {
            self.progress = now;
        }
        let id = self.tell(service, args);
        self.owed.insert(id, Owed { want, sent: now });
        id
    }

    /// Asks, and does not count on an answer.
    pub(super) fn tell(&mut self, service: Service, args: &[&str]) -> i64 {
        self.send(|id| request(id, service, args))
    }

    /// Sends a piece of a draft.
    pub(super) fn draft(&mut self, draft: &Draft) -> i64 {
        self.send(|id| draft_request(id, draft))
    }

    fn send(&mut self, write: impl FnOnce(i64) -> String) -> i64 {
        let id = self.next_id;
        self.next_id += 1;
        self.outbox.push_back(Payload::Text(write(id)));
        id
    }

    /// What an answer is for that is not the last one to its request.
    pub(super) fn part(&mut self, id: i64, now: Instant) -> Option<Want> {
        let want = self.owed.get(&id)?.want;
        self.progress = now;
        Some(want)
    }

    /// What an answer is for; it is the last one.
    pub(super) fn answer(&mut self, id: i64, now: Instant) -> Option<Want> {
        let owed = self.owed.remove(&id)?;
        self.progress = now;
        Some(owed.want)
    }

    /// Nobody waits any more for what was asked for the root that is being fetched.
    pub(super) fn abandon(&mut self) {
        for owed in self.owed.values_mut() {
            if matches!(owed.want, Want::Children | Want::Slot(_) | Want::Root) {
                owed.want = Want::Nobody;
            }
        }
    }

    /// Tells the sender of a stream to stop. Its end still has to come.
    pub(super) fn stop_stream(&mut self, id: i64) {
        if let Some(owed) = self.owed.get_mut(&id) {
            owed.want = Want::Nobody;
        }
        self.outbox.push_back(Payload::Text(write_stream_error(id)));
    }

    /// When a peer that owes an answer is given up.
    pub(super) fn deadline(&self, settings: &Settings) -> Option<Instant> {
        let oldest = self.owed.values().next()?.sent;
        let is_list = self.owed.values().any(|owed| owed.want == Want::Children);
        let wait = if is_list { settings.list_deadline } else { settings.answer_deadline };
        Some((self.progress + wait).min(oldest + settings.request_deadline))
    }

    /// Whether a list may come, which may be longer than anything else.
    pub(super) fn expects_list(&self) -> bool {
        self.owed.values().any(|owed| matches!(owed.want, Want::Roots | Want::Children | Want::Nobody))
    }

    pub(super) fn owed(&self) -> usize {
        self.owed.len()
    }
}
