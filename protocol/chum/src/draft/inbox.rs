//! How far the drafts of the peer have come: what does not go on where one ended is left out.

use std::collections::VecDeque;

use super::{AnswerId, Draft, MAX_DRAFTS, MAX_TOPIC};

/// The drafts of the peer. Of more than 16 the oldest is forgotten.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    known: VecDeque<(String, AnswerId, u64)>,
}

/// Longer than a draft may be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

impl Inbox {
    /// Takes a piece. Gives whether it goes on where its draft ended, or begins it.
    pub(super) fn take(&mut self, draft: &Draft, max: usize) -> Result<bool, TooLong> {
        if draft.end() > max as u64 || draft.topic.len() > MAX_TOPIC {
            return Err(TooLong);
        }
        let known = self.known.iter().position(|(topic, answer, _)| *answer == draft.answer && *topic == draft.topic);
        let end = known.and_then(|at| self.known.get(at)).map_or(0, |(.., end)| *end);
        if draft.offset != 0 && draft.offset != end {
            return Ok(false);
        }
        if let Some(at) = known {
            self.known.remove(at);
        }
        if !draft.state.is_final() {
            if self.known.len() >= MAX_DRAFTS {
                self.known.pop_front();
            }
            self.known.push_back((draft.topic.clone(), draft.answer, draft.end()));
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::super::DraftState;
    use super::*;

    fn draft(answer: u8, offset: u64, text: &str, state: DraftState) -> Draft {
        let answer = AnswerId::from_bytes([answer; 16]);
        Draft { topic: "a".to_owned(), answer, offset, text: text.to_owned(), state }
    }

    #[test]
    fn pieces_that_do_not_fit_are_left_out() {
        let mut inbox = Inbox::default();
        let cases = [
            (1, 5, "late", DraftState::Writing, false),
            (1, 0, "four", DraftState::Writing, true),
            (1, 3, "gap", DraftState::Writing, false),
            (1, 4, "more", DraftState::Writing, true),
            (1, 0, "anew", DraftState::Writing, true),
            (1, 8, "old", DraftState::Writing, false),
            (1, 4, "", DraftState::Done, true),
            (1, 4, "after the end", DraftState::Writing, false),
        ];
        for (answer, offset, text, state, taken) in cases {
            assert_eq!(inbox.take(&draft(answer, offset, text, state), 100), Ok(taken), "{text}");
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut inbox = Inbox::default();
        for answer in 0..=255 {
            assert_eq!(inbox.take(&draft(answer, 0, "x", DraftState::Writing), 100), Ok(true));
        }
        assert_eq!(inbox.known.len(), MAX_DRAFTS);
        assert_eq!(inbox.take(&draft(0, 1, "y", DraftState::Writing), 100), Ok(false));
        assert_eq!(inbox.take(&draft(255, 1, "y", DraftState::Writing), 100), Ok(true));
        assert_eq!(inbox.take(&draft(255, 2, &"y".repeat(99), DraftState::Writing), 100), Err(TooLong));
        let far = draft(255, u64::MAX, "y", DraftState::Writing);
        assert_eq!(inbox.take(&far, 100), Err(TooLong));
        let named = Draft { topic: "t".repeat(MAX_TOPIC + 1), ..draft(1, 0, "", DraftState::Writing) };
        assert_eq!(inbox.take(&named, 100), Err(TooLong));
    }
}
