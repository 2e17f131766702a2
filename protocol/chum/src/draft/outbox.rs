//! What was written and not sent yet: joined, and bounded.

use std::collections::VecDeque;

use super::{Draft, DraftState, MAX_DRAFT, MAX_DRAFTS};

/// Pieces of drafts that wait, at most one of each draft, 16 drafts and 256 KiB each.
#[derive(Debug, Default)]
pub struct Outbox {
    waiting: VecDeque<Draft>,
}

impl Outbox {
    /// Adds a piece to what waits.
    ///
    /// What cannot be joined or makes the draft too long is left out: whoever looks on sees less of it, until the message comes.
    pub fn push(&mut self, draft: Draft) {
        let Some(waiting) = self.waiting.iter_mut().find(|waiting| waiting.is_of(&draft)) else {
            // Without the beginning nobody could do anything with what is left.
            if draft.end() <= MAX_DRAFT as u64 {
                self.waiting.push_back(draft);
            }
            if self.waiting.len() > MAX_DRAFTS {
                self.waiting.pop_front();
            }
            return;
        };
        let fits = draft.end() <= MAX_DRAFT as u64;
        if fits && draft.offset == 0 {
            *waiting = draft;
            return;
        }
        if fits && draft.offset == waiting.end() {
            waiting.text.push_str(&draft.text);
        }
        waiting.state = draft.state;
    }

    /// The next piece of at most `max` bytes, of a topic that is not busy.
    pub fn take(&mut self, max: usize, is_busy: impl Fn(&str) -> bool) -> Option<Draft> {
        let at = self.waiting.iter().position(|draft| !is_busy(&draft.topic))?;
        let first = self.waiting.get_mut(at)?;
        if first.text.len() <= max {
            return self.waiting.remove(at);
        }
        // No character is longer than four bytes.
        let cut = first.text.floor_char_boundary(max.max(4));
        let rest = first.text.split_off(cut);
        let piece =
            Draft { text: std::mem::replace(&mut first.text, rest), state: DraftState::Writing, ..first.clone() };
        first.offset = piece.end();
        Some(piece)
    }

    /// Everything that waits, oldest first.
    pub fn drain(&mut self) -> impl Iterator<Item = Draft> {
        self.waiting.drain(..)
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.waiting = VecDeque::new();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::AnswerId;
    use super::super::inbox::Inbox;
    use super::*;

    fn draft(topic: &str, answer: u8, offset: u64, text: &str, state: DraftState) -> Draft {
        Draft {
            topic: topic.to_owned(),
            answer: AnswerId::from_bytes([answer; 16]),
            offset,
            text: text.to_owned(),
            state,
        }
    }

    #[test]
    fn what_comes_while_a_topic_is_busy_is_joined() {
        let mut outbox = Outbox::default();
        outbox.push(draft("a", 1, 0, "one ", DraftState::Writing));
        assert_eq!(outbox.take(100, |_| true), None);
        outbox.push(draft("a", 1, 4, "two ", DraftState::Writing));
        outbox.push(draft("b", 2, 0, "other", DraftState::Done));
        outbox.push(draft("a", 1, 8, "", DraftState::Done));
        assert_eq!(outbox.take(100, |topic| topic == "a"), Some(draft("b", 2, 0, "other", DraftState::Done)));
        assert_eq!(outbox.take(100, |_| false), Some(draft("a", 1, 0, "one two ", DraftState::Done)));
        assert!(outbox.is_empty());
    }

    #[test]
    fn a_draft_that_begins_anew_leaves_nothing_of_the_old_one() {
        let mut outbox = Outbox::default();
        outbox.push(draft("a", 1, 70, "old", DraftState::Writing));
        outbox.push(draft("a", 1, 0, "new", DraftState::Writing));
        assert_eq!(outbox.take(100, |_| false), Some(draft("a", 1, 0, "new", DraftState::Writing)));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut outbox = Outbox::default();
        let long = "x".repeat(MAX_DRAFT);
        for answer in 0..100 {
            outbox.push(draft("a", answer, 0, &long, DraftState::Writing));
            outbox.push(draft("a", answer, long.len() as u64, "more", DraftState::Done));
        }
        assert_eq!(outbox.waiting.len(), MAX_DRAFTS);
        assert!(outbox.waiting.iter().all(|draft| draft.text.len() == MAX_DRAFT && draft.state == DraftState::Done));
    }

    #[derive(Clone, Debug)]
    enum Act {
        Write(String),
        Anew,
        Take(usize),
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            4 => "[a-zäß世👩]{0,9}".prop_map(Act::Write),
            1 => Just(Act::Anew),
            4 => (0..12_usize).prop_map(Act::Take),
        ]
    }

    proptest! {
        /// However pieces are joined and cut, whoever puts together what comes has what was written.
        #[test]
        fn the_other_end_gets_what_was_written(acts in prop::collection::vec(act(), 0..60)) {
            let (mut outbox, mut inbox) = (Outbox::default(), Inbox::default());
            let (mut written, mut read) = (String::new(), String::new());
            let mut take = |outbox: &mut Outbox, max: usize| {
                let Some(piece) = outbox.take(max, |_| false) else { return };
                assert!(piece.text.len() <= max.max(4));
                if inbox.take(&piece, MAX_DRAFT).unwrap() {
                    read.truncate(usize::try_from(piece.offset).unwrap());
                    read.push_str(&piece.text);
                }
            };
            for act in acts {
                let (offset, text) = match act {
                    Act::Write(text) => (written.len(), text),
                    Act::Anew => (0, String::new()),
                    Act::Take(max) => {
                        take(&mut outbox, max);
                        continue;
                    }
                };
                written.truncate(offset);
                written.push_str(&text);
                outbox.push(draft("a", 1, offset as u64, &text, DraftState::Writing));
            }
            while !outbox.is_empty() {
                take(&mut outbox, 5);
            }
            prop_assert_eq!(read, written);
        }
    }
}
