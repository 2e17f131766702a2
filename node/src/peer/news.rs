//! What connections tell besides messages: what their plugins note, and attempts that failed.

use std::collections::{BTreeMap, VecDeque};

use ratatosk_protocol::connection::Event;
use ratatosk_protocol::driver::{Notice, NoticeKind, Subscription};
use ratatosk_protocol::plugin::Note;
use serde_json::json;

use super::output::Output;

/// Notes of connections that have no number yet. Of more, the oldest are left out.
const EARLY: usize = 256;

pub(super) struct News {
    notices: Subscription,
    output: Output,
    /// The numbers of open connections here, by those that notices have.
    numbers: BTreeMap<u64, u64>,
    /// A plugin may say something before the connection is ours.
    early: VecDeque<(u64, Note)>,
    /// Why the last connection ended: that is why the next one is tried.
    failure: String,
}

impl News {
    pub(super) fn new(notices: Subscription, output: Output) -> Self {
        Self { notices, output, numbers: BTreeMap::new(), early: VecDeque::new(), failure: String::new() }
    }

    /// Waits for something, and tells it. Safe to cancel.
    pub(super) async fn next(&mut self) {
        let notice = self.notices.next().await;
        self.tell(notice);
    }

    /// A connection is open here under that number.
    pub(super) fn began(&mut self, session: u64, number: u64) {
        self.numbers.insert(session, number);
        for (of, note) in std::mem::take(&mut self.early) {
            self.note(of, note);
        }
    }

    /// A connection is over: tells what there still is to tell of it.
    pub(super) fn ended(&mut self, session: u64) {
        while let Some(notice) = self.notices.try_next() {
            self.tell(notice);
        }
        self.numbers.remove(&session);
    }

    fn tell(&mut self, notice: Notice) {
        match notice.kind {
            NoticeKind::Connection(Event::Note(note)) => self.note(notice.connection, note),
            NoticeKind::Connection(Event::Closed(closed)) => self.failure = closed.error.to_string(),
            NoticeKind::Retrying { delay, .. } => {
                let millis = delay.as_millis();
                self.output.event(&json!({"event": "retrying", "inMs": millis, "reason": self.failure}));
            }
            _ => {}
        }
    }

    fn note(&mut self, session: u64, note: Note) {
        let Some(number) = self.numbers.get(&session) else {
            if self.early.len() == EARLY {
                self.early.pop_front();
            }
            self.early.push_back((session, note));
            return;
        };
        let Note { plugin, text } = note;
        tracing::info!(connection = number, plugin, ?text, "note");
        self.output.event(&json!({"event": "note", "connection": number, "plugin": plugin, "text": text}));
    }
}
