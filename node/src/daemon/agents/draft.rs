//! What others see of an answer that is being written.

use std::sync::Arc;
use std::time::Duration;

use ratatosk_chum::{AnswerId, DraftState};
use ratatosk_protocol::driver::os_entropy;
use ratatosk_protocol::entropy::array;
use tokio::time::Instant;

use super::desk::Desk;
use super::look::Seen;
use crate::api::types::{self, DraftEvent, Event};
use crate::service::DraftUpdate;

/// Pieces are not shown more often: nobody reads faster, and each one is a message to everybody who looks on.
const PAUSE: Duration = Duration::from_millis(40);

/// An answer that is being written. One that is dropped has failed.
pub(super) struct Drafting {
    desk: Arc<Desk>,
    topic: String,
    /// The channel, if the owner takes part in the topic: they may be told what goes on.
    channel: Option<String>,
    answer: AnswerId,
    shown: String,
    last: Option<Instant>,
    is_open: bool,
}

impl Drafting {
    pub(super) fn new(desk: &Arc<Desk>, seen: &Seen) -> Self {
        let is_owners = seen.topic.id.participants().contains(&desk.owner.person());
        Self {
            desk: desk.clone(),
            topic: seen.topic.id.to_string(),
            channel: is_owners.then(|| seen.topic.channel.to_string()),
            answer: AnswerId::from_bytes(array(os_entropy().as_mut())),
            shown: String::new(),
            last: None,
            is_open: true,
        }
    }

    /// Whether it is time to show more.
    pub(super) fn is_due(&self) -> bool {
        self.last.is_none_or(|last| last.elapsed() >= PAUSE)
    }

    /// Shows the text as it is so far.
    pub(super) fn show(&mut self, text: &str) {
        if text == self.shown {
            return;
        }
        let offset = if text.starts_with(&self.shown) { self.shown.len() } else { 0 };
        self.send(offset, text[offset..].to_owned(), DraftState::Writing);
        text.clone_into(&mut self.shown);
        self.last = Some(Instant::now());
    }

    /// Tells the owner what is waited for, or left out.
    pub(super) fn note(&self, note: String) {
        let Some(topic) = self.channel.clone() else { return };
        self.desk.hub.tell(Event::Draft(DraftEvent {
            topic,
            person: self.desk.node.person().to_string(),
            answer: self.answer.to_string(),
            offset: u64::try_from(self.shown.len()).unwrap_or(u64::MAX),
            text: String::new(),
            state: types::DraftState::Writing,
            note: Some(note),
        }));
    }

    /// There will be no more of it.
    pub(super) fn end(mut self, state: DraftState) {
        self.close(state);
    }

    fn close(&mut self, state: DraftState) {
        if std::mem::take(&mut self.is_open) {
            self.send(self.shown.len(), String::new(), state);
        }
    }

    fn send(&self, offset: usize, text: String, state: DraftState) {
        let offset = u64::try_from(offset).unwrap_or(u64::MAX);
        self.desk.service.draft(&self.topic, DraftUpdate { answer: self.answer, offset, text, state });
    }
}

impl Drop for Drafting {
    fn drop(&mut self) {
        self.close(DraftState::Failed);
    }
}
