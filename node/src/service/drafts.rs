//! What our own are writing at this moment, for the connections of those who take part in the topic.
//!
//! Each connection has a mailbox in which pieces are joined until its machine takes them, so a connection that is slow or busy costs a
//! bounded amount of memory and keeps nobody waiting. Whoever is connected later is shown what was written until then.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ratatosk_chum::draft::{MAX_DRAFT, Outbox};
use ratatosk_chum::{AnswerId, Draft, DraftState};
use ratatosk_objects::PersonId;
use tokio::sync::Notify;

use crate::model::TopicId;

/// Drafts of ours that are remembered for connections to come.
const REMEMBERED: usize = 32;

/// A piece of an answer that is being written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftUpdate {
    /// Which answer: random, the same for all pieces of one.
    pub answer: AnswerId,
    /// Bytes of the draft before this piece: all there were, or 0 if it begins anew.
    pub offset: u64,
    /// What comes there.
    pub text: String,
    /// How the draft stands after this piece.
    pub state: DraftState,
}

/// Whether a contact may show us drafts in this topic: those of topics in which both of us take part.
pub(super) fn may_show(me: PersonId, contact: PersonId, topic: &str) -> bool {
    TopicId::parse(topic).is_some_and(|id| id.names(me, contact))
}

/// What waits for the machine of a connection.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    waiting: Mutex<Outbox>,
    changed: Notify,
}

impl Mailbox {
    pub(super) fn push(&self, draft: Draft) {
        self.waiting().push(draft);
        self.changed.notify_one();
    }

    /// Everything that waits, when there is something. Safe to cancel.
    pub(super) async fn take(&self) -> Vec<Draft> {
        loop {
            let waiting: Vec<_> = self.waiting().drain().collect();
            if !waiting.is_empty() {
                return waiting;
            }
            self.changed.notified().await;
        }
    }

    /// What a panicked task left behind is whole: every change under the lock is complete before anything can fail.
    fn waiting(&self) -> MutexGuard<'_, Outbox> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is being written, from the beginning of each draft.
#[derive(Debug, Default)]
pub(super) struct Writing {
    drafts: VecDeque<(TopicId, Draft)>,
}

impl Writing {
    /// Remembers a piece.
    pub(super) fn update(&mut self, topic: &TopicId, piece: &Draft) {
        let known =
            self.drafts.iter().position(|(_, draft)| draft.answer == piece.answer && draft.topic == piece.topic);
        let mut draft = match known.and_then(|at| self.drafts.remove(at)) {
            Some((_, draft)) if piece.offset == draft.end() => draft,
            _ if piece.offset == 0 => Draft { text: String::new(), ..piece.clone() },
            _ => return,
        };
        if piece.state.is_final() || draft.text.len() + piece.text.len() > MAX_DRAFT {
            return;
        }
        draft.text.push_str(&piece.text);
        if self.drafts.len() >= REMEMBERED {
            self.drafts.pop_front();
        }
        self.drafts.push_back((topic.clone(), draft));
    }

    /// What somebody may see of it.
    pub(super) fn for_person(&self, person: PersonId) -> impl Iterator<Item = &Draft> {
        self.drafts.iter().filter(move |(topic, _)| topic.participants().contains(&person)).map(|(_, draft)| draft)
    }
}

#[cfg(test)]
mod tests {
    use ratatosk_objects::IdHash;

    use super::*;

    fn person(byte: u8) -> PersonId {
        IdHash::from_bytes([byte; 32]).into()
    }

    fn piece(answer: u8, offset: usize, text: &str, state: DraftState) -> Draft {
        let topic = TopicId::one_to_one(person(1), person(2)).to_string();
        let answer = AnswerId::from_bytes([answer; 16]);
        Draft { topic, answer, offset: offset as u64, text: text.to_owned(), state }
    }

    #[test]
    fn who_may_show_what() {
        let topic = TopicId::one_to_one(person(1), person(2)).to_string();
        assert!(may_show(person(1), person(2), &topic));
        assert!(!may_show(person(1), person(3), &topic));
        assert!(!may_show(person(3), person(2), &topic));
        assert!(!may_show(person(1), person(2), "chat"));
    }

    #[test]
    fn what_is_being_written_is_remembered_from_its_beginning() {
        let topic = TopicId::one_to_one(person(1), person(2));
        let mut writing = Writing::default();
        let texts = |writing: &Writing, of| -> Vec<_> {
            writing.for_person(person(of)).map(|draft| draft.text.clone()).collect()
        };
        writing.update(&topic, &piece(1, 0, "one", DraftState::Writing));
        writing.update(&topic, &piece(2, 0, "other", DraftState::Writing));
        writing.update(&topic, &piece(1, 3, " two", DraftState::Writing));
        assert_eq!(texts(&writing, 2), ["other", "one two"]);
        assert_eq!(texts(&writing, 3), [""; 0]);
        writing.update(&topic, &piece(1, 0, "anew", DraftState::Writing));
        // A gap: nobody could say what is in it.
        writing.update(&topic, &piece(2, 9, "late", DraftState::Writing));
        assert_eq!(texts(&writing, 2), ["anew"]);
        writing.update(&topic, &piece(1, 4, "", DraftState::Done));
        assert_eq!(texts(&writing, 2), [""; 0]);
        for answer in 0..100 {
            writing.update(&topic, &piece(answer, 0, "x", DraftState::Writing));
        }
        assert_eq!(texts(&writing, 2).len(), REMEMBERED);
        writing.update(&topic, &piece(99, 1, &"x".repeat(MAX_DRAFT), DraftState::Writing));
        assert_eq!(texts(&writing, 2).len(), REMEMBERED - 1);
    }
}
