//! `@name`: whom a text addresses.
//!
//! A name can have several words: `@Max Power` and `@"Max Power"` both mean whoever is called that; of several names that fit the
//! longest is meant. Case does not matter. What stands behind a letter or a digit (`max@example.org`) is no mention.

use std::collections::BTreeSet;

use ratatosk_objects::PersonId;

use crate::conversation::Participant;
use crate::names;

/// Mentions of one text that count.
const MAX_MENTIONS: usize = 256;
/// How far a text is searched, in bytes.
const MAX_LOOK: usize = 64 << 10;

/// Everybody of these whom a text mentions, by name or by short name.
#[must_use]
pub fn mentioned(text: &str, participants: &[Participant]) -> BTreeSet<PersonId> {
    let names: Vec<(PersonId, Vec<char>)> = participants
        .iter()
        .flat_map(|one| [(one.person, names::clean(&one.name)), (one.person, one.slug.clone())])
        .map(|(person, name)| (person, folded(name.trim()).collect::<Vec<_>>()))
        .filter(|(_, name)| !name.is_empty())
        .collect();
    let text = &text[..text.floor_char_boundary(MAX_LOOK)];
    let places = text.match_indices('@').filter(|(at, _)| !text[..*at].ends_with(is_word));
    let rests = places.take(MAX_MENTIONS).map(|(at, _)| &text[at + 1..]);
    rests.flat_map(|rest| meant(rest, &names)).collect()
}

/// Whom the name at the beginning of a text means.
fn meant(rest: &str, names: &[(PersonId, Vec<char>)]) -> Vec<PersonId> {
    let fits = |name: &[char]| match rest.strip_prefix(['"', '\u{201c}']) {
        Some(quoted) => after(quoted, name).is_some_and(|rest| rest.starts_with(['"', '\u{201d}'])),
        None => after(rest, name).is_some_and(|rest| !rest.starts_with(is_word)),
    };
    let fitting: Vec<_> = names.iter().filter(|(_, name)| fits(name)).collect();
    let longest = fitting.iter().map(|(_, name)| name.len()).max().unwrap_or_default();
    fitting.iter().filter(|(_, name)| name.len() == longest).map(|(person, _)| *person).collect()
}

/// What stands behind a name at the beginning of a text.
fn after<'a>(text: &'a str, name: &[char]) -> Option<&'a str> {
    let mut name = name.iter().peekable();
    for (at, letter) in text.char_indices() {
        if name.peek().is_none() {
            return Some(&text[at..]);
        }
        for lower in letter.to_lowercase() {
            if name.next() != Some(&lower) {
                return None;
            }
        }
    }
    name.peek().is_none().then_some("")
}

fn folded(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_lowercase)
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

#[cfg(test)]
mod tests {
    use ratatosk_objects::IdHash;

    use super::*;

    fn one(byte: u8, name: &str, slug: &str) -> Participant {
        Participant {
            person: IdHash::from_bytes([byte; 32]).into(),
            name: name.to_owned(),
            slug: slug.to_owned(),
            is_ai: true,
        }
    }

    #[test]
    fn who_is_meant() {
        let all = [one(1, "Max", "max"), one(2, "Max Power", "mp-2"), one(3, "Ärna", "")];
        for (text, expected) in [
            ("@max, what is that?", vec![1]),
            ("so, @MAX!", vec![1]),
            ("@maxi", vec![]),
            ("@max_x", vec![]),
            ("max@max.org", vec![]),
            ("@Max Power is it", vec![2]),
            ("@\"max power\"?", vec![2]),
            ("@\"max\" power", vec![1]),
            ("@\"max", vec![]),
            ("@mp-2 and @ärNA", vec![2, 3]),
            ("@", vec![]),
            ("@@max", vec![1]),
            ("max", vec![]),
        ] {
            let expected: BTreeSet<_> = expected.into_iter().map(|byte| one(byte, "", "").person).collect();
            assert_eq!(mentioned(text, &all), expected, "{text}");
        }
    }

    #[test]
    fn a_text_full_of_mentions_costs_little() {
        let all = [one(1, &"a".repeat(1000), "max")];
        assert!(mentioned(&"@aaaaaaaaaaaa".repeat(1 << 20), &all).is_empty());
        assert!(mentioned(&format!("{}@max", "é".repeat(MAX_LOOK)), &all).is_empty());
    }
}
