//! What of a model's text is said, and what is said when there is none.

use crate::conversation::Conversation;
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

/// What is said of a model's text, so far or at its end: without a name in front, its own or another one's, without control characters, and never a
/// notice. Empty if nothing is left.
#[must_use]
pub fn answer(text: &str, conversation: &Conversation) -> String {
    let is_shown = |letter: &char| !letter.is_control() || matches!(letter, '\n' | '\t');
    let shown: String = cut(text, MAX_ANSWER).chars().filter(is_shown).collect();
    let names = Names::of(&conversation.participants);
    // Between two people nobody is named, so what looks like a name is something else.
    let named = conversation.participants.iter().filter(|_| !conversation.one_to_one);
    let labels: Vec<_> = named.map(|one| names.get(one.person)).collect();
    let is_before = |letter: char| letter == NOTICE || letter == '\u{fe0f}' || letter.is_whitespace();
    let mut text = shown.trim_start_matches(is_before);
    let without = |text: &str, label: &str| -> Option<usize> {
        let rest = text.strip_prefix(label)?.trim_start().strip_prefix(':')?;
        Some(text.len() - rest.trim_start_matches(is_before).len())
    };
    while let Some(begins) = labels.iter().find_map(|label| without(text, label)) {
        text = &text[begins..];
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

    fn conversation(one_to_one: bool) -> Conversation {
        let one = |byte: u8, name: &str| {
            let (person, slug) = (IdHash::from_bytes([byte; 32]).into(), String::new());
            Participant { person, name: name.to_owned(), slug, is_ai: true }
        };
        let participants = vec![one(1, "Max"), one(2, "Eva")];
        Conversation { one_to_one, participants, rules: Default::default(), messages: Vec::new() }
    }

    #[test]
    fn only_what_is_to_be_said_is_said() {
        let group = conversation(false);
        for (text, said) in [
            ("  Hello.\n", "Hello."),
            ("Max: Hello: you", "Hello: you"),
            ("Max : Max: Hello", "Hello"),
            ("Eva: Max: Hello", "Hello"),
            ("Maxim: yes", "Maxim: yes"),
            ("⚠️ ⚠ looks like a notice", "looks like a notice"),
            ("a\u{1b}[2J\tb\r\nc", "a[2J\tb\nc"),
            ("\n \u{0}", ""),
            ("\u{1b}⚠ x", "x"),
            ("Max: ⚠ Max: x", "x"),
        ] {
            assert_eq!(answer(text, &group), said, "{text:?}");
        }
        assert_eq!(answer("Max: Hello", &conversation(true)), "Max: Hello");
        assert_eq!(answer(&"é".repeat(MAX_ANSWER), &group).len(), MAX_ANSWER);
    }

    #[test]
    fn a_notice_is_known_by_its_beginning() {
        assert!(is_notice(&notice("The model is gone.")));
        assert!(!is_notice("The model is gone. ⚠"));
        assert_eq!(stops(&conversation(false)), ["\nMax:", "\nEva:"]);
        assert!(stops(&conversation(true)).is_empty());
    }
}
