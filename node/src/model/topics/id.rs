//! Ids of topics: who takes part stands in them.
//!
//! 1:1: the two person ids, sorted, joined by `<->` (`spec/one.md §5`). Group: all person ids, sorted, joined in the same way,
//! then `#` and 32 random letters, because the same people may have several. The protocol has no other place for the
//! participants of a topic: Access and Group objects do not travel. So everybody who gets the topic knows with whom to share it,
//! and nobody can put somebody else into a topic that exists.

use std::collections::BTreeSet;
use std::fmt;

use ratatosk_objects::PersonId;
use ratatosk_protocol::entropy::{Entropy, array};

/// The most participants of a topic, ourselves included.
pub const MAX_PARTICIPANTS: usize = 64;

const JOINT: &str = "<->";
/// Digits of what tells apart groups of the same people.
const MARK_LEN: usize = 32;

/// The id of a topic that names its participants.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TopicId {
    participants: BTreeSet<PersonId>,
    /// Of a group: what tells it apart.
    mark: Option<String>,
}

impl TopicId {
    /// The one topic of two people.
    #[must_use]
    pub fn one_to_one(one: PersonId, other: PersonId) -> Self {
        Self { participants: BTreeSet::from([one, other]), mark: None }
    }

    /// A new topic of several people.
    pub(in super::super) fn group(participants: BTreeSet<PersonId>, entropy: &mut dyn Entropy) -> Self {
        Self { participants, mark: Some(hex::encode(array::<{ MARK_LEN / 2 }>(entropy))) }
    }

    /// Reads an id as it is written; `None` for every other text, of which nobody could say whom it names.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // A hash has 64 digits; nothing longer is looked at.
        if text.len() > MAX_PARTICIPANTS * (64 + JOINT.len()) + 1 + MARK_LEN {
            return None;
        }
        let (people, mark) = match text.split_once('#') {
            Some((people, mark)) => (people, Some(mark.to_owned())),
            None => (text, None),
        };
        let participants = people.split(JOINT).map(|id| id.parse().ok()).collect::<Option<BTreeSet<PersonId>>>()?;
        let id = Self { participants, mark };
        let plausible = match &id.mark {
            None => id.participants.len() == 2,
            Some(mark) => {
                (2..=MAX_PARTICIPANTS).contains(&id.participants.len())
                    && mark.len() == MARK_LEN
                    && mark.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            }
        };
        // One id, one text: not sorted or with somebody twice is another text.
        (plausible && id.to_string() == text).then_some(id)
    }

    /// Everybody who takes part.
    #[must_use]
    pub fn participants(&self) -> &BTreeSet<PersonId> {
        &self.participants
    }

    /// Whether both take part.
    #[must_use]
    pub fn names(&self, one: PersonId, other: PersonId) -> bool {
        self.participants.contains(&one) && self.participants.contains(&other)
    }

    /// Whether this is the one topic of two people.
    #[must_use]
    pub fn is_one_to_one(&self) -> bool {
        self.mark.is_none()
    }
}

impl fmt::Display for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, person) in self.participants.iter().enumerate() {
            if index > 0 {
                f.write_str(JOINT)?;
            }
            write!(f, "{person}")?;
        }
        self.mark.iter().try_for_each(|mark| write!(f, "#{mark}"))
    }
}

#[cfg(test)]
mod tests {
    use ratatosk_objects::IdHash;
    use ratatosk_protocol::driver::os_entropy;

    use super::*;

    fn person(byte: u8) -> PersonId {
        IdHash::from_bytes([0xa0 + byte; 32]).into()
    }

    #[test]
    fn two_people_have_one_topic() {
        let id = TopicId::one_to_one(person(2), person(1));
        assert_eq!(id, TopicId::one_to_one(person(1), person(2)));
        assert_eq!(id.to_string(), format!("{}<->{}", person(1), person(2)));
        assert_eq!(TopicId::parse(&id.to_string()), Some(id));
    }

    #[test]
    fn groups_of_the_same_people_differ() {
        let people = BTreeSet::from([person(3), person(1), person(2)]);
        let one = TopicId::group(people.clone(), os_entropy().as_mut());
        let other = TopicId::group(people.clone(), os_entropy().as_mut());
        assert_ne!(one, other);
        assert_eq!(TopicId::parse(&one.to_string()), Some(one.clone()));
        assert_eq!(one.participants(), &people);
        assert!(one.names(person(1), person(3)) && !one.names(person(1), person(4)));
    }

    #[test]
    fn other_texts_name_nobody() {
        let (a, b) = (person(1), person(2));
        let mark = "0".repeat(MARK_LEN);
        for text in [
            String::new(),
            "EveryoneTopic".to_owned(),
            a.to_string(),
            format!("{a}<->"),
            format!("{b}<->{a}"),
            format!("{a}<->{a}"),
            format!("{a}<->{b}#"),
            format!("{a}<->{b}#{mark}0"),
            format!("{a}<->{b}#{}", mark.replace('0', "A")),
            format!("{a}#{mark}"),
            format!("{a}<->{b}").to_uppercase(),
            format!("{a}<->{b}<->{}", person(3)),
            vec![a.to_string(); 100_000].join(JOINT),
        ] {
            assert_eq!(TopicId::parse(&text), None, "{text:.200}");
        }
    }
}
