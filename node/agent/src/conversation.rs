//! A topic as an AI sees it.

use ratatosk_objects::{ObjectHash, PersonId};

use crate::rules::Rules;

/// How many of the newest messages are looked at. Older ones are neither answered nor told to a model.
pub const WINDOW: usize = 200;

/// The AI that this is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Me {
    /// Who it is.
    pub person: PersonId,
    /// What it is called.
    pub name: String,
}

/// Somebody who takes part in a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Participant {
    /// Who.
    pub person: PersonId,
    /// What they are called: text of others.
    pub name: String,
    /// The short name of an AI, by which it can be mentioned as well; empty for people.
    pub slug: String,
    /// Whether it is an AI.
    pub is_ai: bool,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Which one.
    pub id: ObjectHash,
    /// Who claims to have written it.
    pub author: PersonId,
    /// Text of others, of any length.
    pub text: String,
    /// How many files go with it. No model is shown any.
    pub files: usize,
    /// When, in milliseconds since 1970, as the author says.
    pub at: u64,
    /// Whether the author's signature is good. Nothing else counts for anything.
    pub verified: bool,
}

/// A topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// Whether it is the one topic of two.
    pub one_to_one: bool,
    /// Everybody who takes part, the AI itself included.
    pub participants: Vec<Participant>,
    /// What its people have said about when AIs speak, as far back as anybody has looked.
    pub rules: Rules,
    /// What was said, in the order of the channel, oldest first. Of more than [`WINDOW`] the newest count.
    pub messages: Vec<Said>,
}

/// Bytes of a text that are looked at: of a longer one the beginning and the end.
const MAX_LOOK: usize = 128 << 10;

/// A text without what nobody looks at, so that a topic full of long texts need not be kept in memory.
#[must_use]
pub fn shortened(text: String) -> String {
    if text.len() <= MAX_LOOK {
        return text;
    }
    let text = text.trim();
    if text.len() <= MAX_LOOK {
        return text.to_owned();
    }
    let head = text.floor_char_boundary(MAX_LOOK / 4 * 3);
    let tail = text.ceil_char_boundary(text.len() - MAX_LOOK / 4);
    format!("{} […] {}", &text[..head], &text[tail..])
}

impl Conversation {
    /// Somebody who takes part.
    #[must_use]
    pub fn participant(&self, person: PersonId) -> Option<&Participant> {
        self.participants.iter().find(|participant| participant.person == person)
    }

    /// Whether that is an AI that takes part.
    #[must_use]
    pub fn is_ai(&self, person: PersonId) -> bool {
        self.participant(person).is_some_and(|participant| participant.is_ai)
    }

    /// All AIs, in the order in which they take turns.
    #[must_use]
    pub fn ais(&self) -> Vec<PersonId> {
        let mut ais: Vec<_> = self.participants.iter().filter(|one| one.is_ai).map(|one| one.person).collect();
        ais.sort_unstable();
        ais.dedup();
        ais
    }

    /// The newest messages that somebody who takes part has really written.
    pub(crate) fn window(&self) -> Vec<&Said> {
        let newest = &self.messages[self.messages.len().saturating_sub(WINDOW)..];
        newest.iter().filter(|said| said.verified && self.participant(said.author).is_some()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_text_both_ends_stay() {
        let text = format!("  @max {} why?", "é".repeat(5 << 20));
        let short = shortened(text);
        assert!(short.len() < MAX_LOOK + 16 && short.starts_with("@max é") && short.ends_with("é why?"));
        assert_eq!(shortened(" a ".to_owned()), " a ");
        assert_eq!(shortened(" ".repeat(1 << 20)), "");
    }
}
