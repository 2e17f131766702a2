//! What AIs are writing, before it is a message: nobody's word yet, and shown as such.

use std::collections::BTreeMap;

use ratatosk_node::api::types::{DraftEvent, DraftState};

use super::region::{Size, last_rows, wrap};
use crate::cli::style::Style;
use crate::cli::text;

/// Drafts that are kept, those of one author, and bytes of each. A contact who begins many keeps nobody else's from being seen.
const MOST: usize = 64;
const MOST_OF_ONE: usize = 8;
const MAX_TEXT: usize = 256 * 1024;

/// What a note says that is worth knowing beside the answer itself; the others are of the moment.
const LASTING: &str = "left out";

/// Rows of what stands above a text.
const HEADING: usize = 2;

/// Who writes where.
type Place = (String, String);

/// A draft.
#[derive(Debug, Default)]
struct Draft {
    answer: String,
    text: String,
    note: Option<String>,
    /// What stays true of the answer.
    lasting: Option<String>,
    /// Some of the beginning was missed.
    is_torn: bool,
}

/// All drafts, by conversation and person.
#[derive(Debug, Default)]
pub(super) struct Drafts {
    drafts: BTreeMap<Place, Draft>,
}

impl Drafts {
    /// Takes a piece. Says what became of a draft that ended without a message.
    pub(super) fn take(&mut self, event: DraftEvent) -> Option<&'static str> {
        let place = (event.topic, event.person);
        match event.state {
            DraftState::Failed => return self.drafts.remove(&place).and(Some("could not go on with this answer")),
            DraftState::Cancelled => return self.drafts.remove(&place).and(Some("was stopped")),
            DraftState::Writing | DraftState::Done => {}
        }
        if !self.drafts.contains_key(&place) {
            let of_one = self.drafts.keys().filter(|(_, author)| *author == place.1).count();
            if of_one >= MOST_OF_ONE || self.drafts.len() >= MOST {
                return None;
            }
        }
        let draft = self.drafts.entry(place).or_default();
        if draft.answer != event.answer {
            *draft = Draft { answer: event.answer, ..Draft::default() };
        }
        let offset = usize::try_from(event.offset).unwrap_or(usize::MAX);
        if offset <= draft.text.len() && draft.text.is_char_boundary(offset) {
            draft.text.truncate(offset);
            draft.is_torn &= offset > 0;
        } else {
            // A piece was missed; the message will have all.
            draft.text.clear();
            draft.is_torn = true;
        }
        let room = MAX_TEXT.saturating_sub(draft.text.len());
        draft.text.push_str(&event.text[..event.text.floor_char_boundary(room)]);
        draft.note = event.note;
        if let Some(note) = draft.note.as_ref().filter(|note| note.contains(LASTING)) {
            draft.lasting = Some(note.clone());
        }
        None
    }

    /// The message is here: it takes the place of the draft. What was said of the answer beside its text is told.
    pub(super) fn ended(&mut self, topic: &str, person: &str) -> Option<String> {
        self.drafts.remove(&(topic.to_owned(), person.to_owned()))?.lasting
    }

    /// Somebody has gone: nothing more comes of what they were writing.
    pub(super) fn gone(&mut self, person: &str) {
        self.drafts.retain(|(_, author), _| author != person);
    }

    /// Begins anew.
    pub(super) fn clear(&mut self) {
        self.drafts.clear();
    }

    /// The rows that show what is being written in a conversation.
    pub(super) fn rows(&self, topic: &str, name: impl Fn(&str) -> String, size: Size, style: Style) -> Vec<String> {
        let mine: Vec<(&str, &Draft)> = self
            .drafts
            .iter()
            .filter(|((at, _), _)| at == topic)
            .map(|((_, person), draft)| (person.as_str(), draft))
            .collect();
        let room = size.room() / mine.len().max(1);
        let mut rows = Vec::new();
        for (person, draft) in mine {
            let note = draft.note.as_deref().map(|note| format!(": {}", text::line(note))).unwrap_or_default();
            let what = if draft.text.is_empty() && note.is_empty() { " is thinking …" } else { "" };
            let what = if draft.text.is_empty() || !note.is_empty() { what } else { " is writing …" };
            let heading = format!("· {}{what}{note}", name(person));
            let mut heading = wrap(&heading, size.width());
            heading.truncate(HEADING);
            rows.extend(heading.iter().map(|row| style.quiet(row)));
            let room = room.saturating_sub(heading.len());
            if draft.text.is_empty() || room == 0 {
                continue;
            }
            let (text, cut) = last_rows(text::lines(&draft.text), size.width().saturating_sub(2), room);
            let begin = if cut || draft.is_torn { "… " } else { "  " };
            let margin = |index: usize| if index == 0 { begin } else { "  " };
            rows.extend(text.iter().enumerate().map(|(index, row)| style.quiet(&format!("{}{row}", margin(index)))));
        }
        rows.truncate(size.room());
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(answer: &str, offset: u64, text: &str) -> DraftEvent {
        DraftEvent {
            topic: "t".to_owned(),
            person: "p".to_owned(),
            answer: answer.to_owned(),
            offset,
            text: text.to_owned(),
            state: DraftState::Writing,
            note: None,
        }
    }

    fn shown(drafts: &Drafts) -> Vec<String> {
        drafts.rows("t", |_| "Smol [AI]".to_owned(), Size { columns: 20, rows: 9 }, Style::plain())
    }

    #[test]
    fn a_text_grows_and_begins_anew() {
        let mut drafts = Drafts::default();
        let steps: [(DraftEvent, &[&str]); 5] = [
            (piece("1", 0, ""), &["· Smol [AI] is ", "thinking …"]),
            (piece("1", 0, "Grü"), &["  Grü"]),
            (piece("1", 4, "ße"), &["  Grüße"]),
            (piece("1", 4, "n"), &["  Grün"]),
            (piece("2", 0, "new"), &["  new"]),
        ];
        for (event, wanted) in steps {
            assert_eq!(drafts.take(event.clone()), None);
            let rows = shown(&drafts);
            let rest = if event.text.is_empty() { &rows[..] } else { &rows[2..] };
            assert_eq!(rest, wanted, "{event:?}");
        }
        assert_eq!(drafts.ended("t", "p"), None);
        assert!(shown(&drafts).is_empty());
    }

    #[test]
    fn a_piece_that_was_missed_is_no_reason_to_fail() {
        let mut drafts = Drafts::default();
        for (offset, text, row) in [(100, "rest", "… rest"), (u64::MAX, "x", "… x"), (0, "all", "  all")] {
            drafts.take(piece("1", offset, text));
            assert_eq!(shown(&drafts).last().unwrap(), row);
        }
        // In the middle of a character.
        drafts.take(piece("1", 0, "ü"));
        drafts.take(piece("1", 1, "u"));
        assert_eq!(shown(&drafts).last().unwrap(), "… u");
    }

    #[test]
    fn texts_are_bounded_and_escaped_and_the_end_is_seen() {
        let mut drafts = Drafts::default();
        for index in 0..40_u64 {
            drafts.take(piece("1", index * 10_000, &"x".repeat(10_000)));
        }
        assert!(drafts.drafts.values().all(|draft| draft.text.len() <= MAX_TEXT));
        drafts.take(piece("2", 0, &format!("{}\u{1b}[2J", "line\n".repeat(50))));
        let rows = shown(&drafts);
        assert!(rows.len() <= 5 && rows.iter().all(|row| row.chars().count() <= 19), "{rows:?}");
        assert_eq!(rows.last().unwrap(), "  \\e[2J");
        for person in 0..100 {
            drafts.take(DraftEvent { person: person.to_string(), ..piece("1", 0, "x") });
        }
        assert!(drafts.drafts.len() <= MOST && shown(&drafts).len() <= 5);
    }

    #[test]
    fn nobody_keeps_the_drafts_of_others_from_being_seen() {
        let mut drafts = Drafts::default();
        for topic in 0..100 {
            let event = DraftEvent { topic: topic.to_string(), person: "mallory".to_owned(), ..piece("1", 0, "x") };
            drafts.take(event);
        }
        assert_eq!(drafts.drafts.len(), MOST_OF_ONE);
        drafts.take(piece("1", 0, "hello"));
        assert_eq!(shown(&drafts).last().unwrap(), "  hello");
    }

    #[test]
    fn what_ends_without_a_message_is_said() {
        let mut drafts = Drafts::default();
        for state in [DraftState::Failed, DraftState::Cancelled] {
            drafts.take(piece("1", 0, "x"));
            assert!(drafts.take(DraftEvent { state, ..piece("1", 1, "") }).is_some());
            assert!(shown(&drafts).is_empty());
            // Nobody has seen anything of this one.
            assert_eq!(drafts.take(DraftEvent { state, ..piece("1", 1, "") }), None);
        }
        for (note, lasts) in
            [("2 before you", None), ("9 older messages were left out", Some("9 older messages were left out"))]
        {
            drafts.take(DraftEvent { note: Some(note.to_owned()), ..piece("1", 0, "") });
            assert!(shown(&drafts).concat().contains("Smol [AI]: "));
            drafts.take(piece("1", 0, "x"));
            assert_eq!(drafts.ended("t", "p").as_deref(), lasts);
        }
        drafts.take(piece("1", 0, "x"));
        drafts.gone("p");
        assert!(shown(&drafts).is_empty());
    }
}
