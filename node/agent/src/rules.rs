//! `/ai off|mention|round-robin|free [hops N]`: what the people of a topic say about when AIs speak.
//!
//! It is an ordinary message, so that every node reads the same, and a person at any client can write it.

use ratatosk_objects::PersonId;

use crate::conversation::Said;

/// The most messages of AIs in a row that a topic can allow.
pub const MAX_HOPS: u8 = 32;
/// What holds when nobody has said anything.
const HOPS: u8 = 4;
/// How far the clock of whoever sets rules may be ahead, in milliseconds.
const MAX_AHEAD: u64 = 60 * 60 * 1000;
/// No such message is longer, in bytes.
const MAX_LEN: usize = 100;

/// When the AIs of a group speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Mode {
    /// Never.
    Off,
    /// When they are mentioned.
    #[default]
    Mention,
    /// After each message of a person one of them, in turns. Who is mentioned goes first.
    RoundRobin,
    /// All of them after each message of a person, and after each other.
    Free,
}

impl Mode {
    const ALL: [Self; 4] = [Self::Off, Self::Mention, Self::RoundRobin, Self::Free];

    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Mention => "mention",
            Self::RoundRobin => "round-robin",
            Self::Free => "free",
        }
    }
}

/// What holds in a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// When AIs speak.
    pub mode: Mode,
    /// How many messages of AIs may follow each other: 1 to [`MAX_HOPS`].
    pub hops: u8,
}

impl Default for Rules {
    fn default() -> Self {
        Self { mode: Mode::default(), hops: HOPS }
    }
}

impl Rules {
    /// The rules that a message sets; `None` for every other message. More hops than there can be are as many as there can be.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() > MAX_LEN || text.contains('\n') {
            return None;
        }
        let words: Vec<_> = text.split_whitespace().map(str::to_lowercase).collect();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let (mode, hops) = match words[..] {
            ["/ai", mode] => (mode, HOPS),
            ["/ai", mode, "hops", hops] => (mode, parse_hops(hops)?),
            _ => return None,
        };
        let mode = Mode::ALL.into_iter().find(|known| known.name() == mode)?;
        Some(Self { mode, hops })
    }
}

fn parse_hops(text: &str) -> Option<u8> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // All digits: what does not fit is larger than there can be.
    match text.parse().unwrap_or(MAX_HOPS) {
        0 => None,
        hops => Some(hops.min(MAX_HOPS)),
    }
}

/// Whether a message sets rules from the future. A channel is in the order of time as its authors tell it, so such rules would be the
/// newest for as long, whatever anybody says: they count when their time has come, give or take the error of a clock.
#[must_use]
pub fn is_early(said: &Said, now: u64) -> bool {
    said.at > now.saturating_add(MAX_AHEAD) && Rules::parse(&said.text).is_some()
}

/// The newest rules among messages in the order of a channel that a person of the topic has really set.
#[must_use]
pub fn rules_of(messages: &[Said], is_person: impl Fn(PersonId) -> bool) -> Option<Rules> {
    let by_people = messages.iter().rev().filter(|said| said.verified && is_person(said.author));
    by_people.filter_map(|said| Rules::parse(&said.text)).next()
}

#[cfg(test)]
mod tests {
    use ratatosk_objects::{IdHash, ObjectHash};

    use super::*;

    #[test]
    fn what_people_write() {
        for (text, mode, hops) in [
            ("/ai off", Mode::Off, 4),
            ("  /AI   Free  hops 7 ", Mode::Free, 7),
            ("/ai round-robin", Mode::RoundRobin, 4),
            ("/ai mention hops 99999999999999999999", Mode::Mention, 32),
        ] {
            assert_eq!(Rules::parse(text), Some(Rules { mode, hops }), "{text}");
        }
    }

    #[test]
    fn other_messages_set_nothing() {
        for text in
            ["", "/ai", "/ai on", "/aifree", "hi /ai free", "/ai free hops", "/ai free hops -1", "/ai free hops 0"]
        {
            assert_eq!(Rules::parse(text), None, "{text}");
        }
        assert_eq!(Rules::parse("/ai free\n/ai off"), None);
        assert_eq!(Rules::parse(&format!("/ai{}free", " ".repeat(1 << 20))), None);
    }

    #[test]
    fn the_newest_of_a_person_counts() {
        let (anna, bot) = (person(1), person(9));
        let said = |n: u8, author, text: &str, verified| Said {
            id: ObjectHash::from_bytes([n; 32]),
            author,
            text: text.to_owned(),
            files: 0,
            at: 0,
            verified,
        };
        let messages = [
            said(1, anna, "/ai off", true),
            said(2, anna, "/ai free hops 2", true),
            said(3, anna, "hello", true),
            said(4, bot, "/ai free hops 32", true),
            said(5, anna, "/ai off", false),
        ];
        let rules = |messages: &[Said]| rules_of(messages, |person| person == anna);
        assert_eq!(rules(&messages), Some(Rules { mode: Mode::Free, hops: 2 }));
        assert_eq!(rules(&messages[2..]), None);
    }

    #[test]
    fn rules_from_the_future_wait_for_their_time() {
        let said = |text: &str, at| Said {
            id: ObjectHash::from_bytes([1; 32]),
            author: person(1),
            text: text.to_owned(),
            files: 0,
            at,
            verified: true,
        };
        let now = 1_000_000_000;
        for (text, at, early) in [
            ("/ai off", now + MAX_AHEAD + 1, true),
            ("/ai off", now + MAX_AHEAD, false),
            ("/ai off", 0, false),
            ("/ai off", u64::MAX, true),
            ("hello", u64::MAX, false),
        ] {
            assert_eq!(is_early(&said(text, at), now), early, "{text} at {at}");
        }
    }

    fn person(byte: u8) -> PersonId {
        IdHash::from_bytes([byte; 32]).into()
    }
}
