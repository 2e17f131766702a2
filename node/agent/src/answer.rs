//! What of a model's text is said, and what is said when there is none.

use crate::conversation::{Conversation, Me};
use crate::names::Names;

/// The longest answer, in bytes.
pub const MAX_ANSWER: usize = 256 << 10;
/// What a notice begins with. Whatever an AI says behind it is not said by its model: nobody answers it and no model is told it.
pub const NOTICE: char = '⚠';
/// Texts that end an answer, at most.
const MAX_STOPS: usize = 16;

/// Something that an agent has to say by itself: why there is no answer.
#[must_use]
pub fn notice(text: &str) -> String {
    format!("{NOTICE} {}", cut(text.trim(), MAX_ANSWER))
}

/// Whether an AI says this by itself.
#[must_use]
pub fn is_notice(text: &str) -> bool {
    text.starts_with(NOTICE)
}

/// What is said of a model's text, so far or at its end: without its own name in front, without control characters, and never a
/// notice. Empty if nothing is left.
#[must_use]
pub fn answer(text: &str, me: &Me, conversation: &Conversation) -> String {
    let is_shown = |letter: &char| !letter.is_control() || matches!(letter, '\n' | '\t');
    let shown: String = cut(text, MAX_ANSWER).chars().filter(is_shown).collect();
    let names = Names::of(&conversation.participants);
    let label = (!conversation.one_to_one).then(|| names.get(me.person));
    let is_before = |letter: char| letter == NOTICE || letter == '\u{fe0f}' || letter.is_whitespace();
    let mut text = shown.trim_start_matches(is_before);
    while let Some(rest) = label.and_then(|label| text.strip_prefix(label)?.trim_start().strip_prefix(':')) {
        text = rest.trim_start_matches(is_before);
    }
    text.trim_end().to_owned()
}

/// What ends an answer: the model begins to speak for somebody else.
#[must_use]
pub fn stops(conversation: &Conversation) -> Vec<String> {
    if conversation.one_to_one {
        return Vec::new();
    }
    let names = Names::of(&conversation.participants);
    conversation.participants.iter().take(MAX_STOPS).map(|one| format!("\n{}:", names.get(one.person))).collect()
}

fn cut(text: &str, limit: usize) -> &str {
    &text[..text.floor_char_boundary(limit)]
}

#[cfg(test)]
mod tests {
    use ratatosk_objects::IdHash;

    use super::*;
    use crate::conversation::Participant;

    fn conversation(one_to_one: bool) -> (Conversation, Me) {
        let person = IdHash::from_bytes([1; 32]).into();
        let participant = Participant { person, name: "Max".to_owned(), slug: "max".to_owned(), is_ai: true };
        let participants = vec![participant];
        let me = Me { person, name: "Max".to_owned() };
        (Conversation { one_to_one, participants, rules: Default::default(), messages: Vec::new() }, me)
    }

    #[test]
    fn only_what_is_to_be_said_is_said() {
        let (group, me) = conversation(false);
        for (text, said) in [
            ("  Hello.\n", "Hello."),
            ("Max: Hello: you", "Hello: you"),
            ("Max : Max: Hello", "Hello"),
            ("Maxim: yes", "Maxim: yes"),
            ("⚠️ ⚠ looks like a notice", "looks like a notice"),
            ("a\u{1b}[2J\tb\r\nc", "a[2J\tb\nc"),
            ("\n \u{0}", ""),
            ("\u{1b}⚠ x", "x"),
            ("Max: ⚠ Max: x", "x"),
        ] {
            assert_eq!(answer(text, &me, &group), said, "{text:?}");
        }
        assert_eq!(answer("Max: Hello", &me, &conversation(true).0), "Max: Hello");
        assert_eq!(answer(&"é".repeat(MAX_ANSWER), &me, &group).len(), MAX_ANSWER);
    }

    #[test]
    fn a_notice_is_known_by_its_beginning() {
        assert!(is_notice(&notice("The model is gone.")));
        assert!(!is_notice("The model is gone. ⚠"));
        assert_eq!(stops(&conversation(false).0), ["\nMax:"]);
        assert!(stops(&conversation(true).0).is_empty());
    }
}
