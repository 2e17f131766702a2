//! The e-mail of an AI: it says whose it is.
//!
//! A person id commits to an e-mail. The e-mail of an AI is `SLUG-MARK@OWNER.ai.invalid`: a short name, eight hex digits that no
//! other AI of that name had, and the person id of whoever runs it. So only the owner can introduce it to others, nobody can say
//! that it is somebody else's, and no mail ever goes there: `invalid` is reserved (RFC 2606).

use std::fmt;

use ratatosk_objects::{HEX_LEN, PersonId};
use ratatosk_protocol::entropy::{Entropy, array};

/// The longest short name of an AI, in bytes.
pub const MAX_SLUG: usize = 32;
/// What every such e-mail ends with.
const DOMAIN: &str = ".ai.invalid";
/// Digits of a mark.
const MARK_LEN: usize = 8;

/// The e-mail of an AI.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentEmail {
    /// The short name: lower-case letters, digits, and single hyphens between them.
    pub slug: String,
    /// What tells apart an AI from a former one of the same short name: 8 lower-case hex digits.
    pub mark: String,
    /// Who runs it.
    pub owner: PersonId,
}

impl AgentEmail {
    /// A new one; `None` if the short name cannot be one.
    pub(super) fn new(slug: &str, owner: PersonId, entropy: &mut dyn Entropy) -> Option<Self> {
        let mark = hex::encode(array::<{ MARK_LEN / 2 }>(entropy));
        is_slug(slug).then(|| Self { slug: slug.to_owned(), mark, owner })
    }

    /// Reads an e-mail; `None` if it is not an AI's. There is one text for each, so what is read is what was written.
    #[must_use]
    pub fn parse(email: &str) -> Option<Self> {
        // Nothing longer is looked at.
        if email.len() > MAX_SLUG + 1 + MARK_LEN + 1 + HEX_LEN + DOMAIN.len() {
            return None;
        }
        let (local, host) = email.split_once('@')?;
        let owner = host.strip_suffix(DOMAIN)?.parse().ok()?;
        let (slug, mark) = local.rsplit_once('-')?;
        let is_mark = mark.len() == MARK_LEN && mark.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        (is_mark && is_slug(slug)).then(|| Self { slug: slug.to_owned(), mark: mark.to_owned(), owner })
    }

    /// The e-mail of an AI of this owner with this in front of the `@`.
    pub(super) fn of_local(local: &str, owner: PersonId) -> Option<Self> {
        Self::parse(&format!("{local}@{owner}{DOMAIN}"))
    }

    /// What stands before the `@`: no two AIs of one owner share it.
    #[must_use]
    pub fn local(&self) -> String {
        format!("{}-{}", self.slug, self.mark)
    }
}

impl fmt::Display for AgentEmail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}@{}{DOMAIN}", self.slug, self.mark, self.owner)
    }
}

/// Whether it can be the short name of an AI: it is a part of an e-mail and the name of a folder.
#[must_use]
pub fn is_slug(text: &str) -> bool {
    let is_letter = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9');
    text.len() <= MAX_SLUG && text.split('-').all(|part| !part.is_empty() && part.bytes().all(is_letter))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatosk_objects::IdHash;
    use ratatosk_protocol::driver::os_entropy;

    use super::*;

    fn owner() -> PersonId {
        IdHash::from_bytes([0xab; 32]).into()
    }

    #[test]
    fn what_is_written_is_read() {
        let email = AgentEmail::new("my-helper-2", owner(), os_entropy().as_mut()).unwrap();
        assert!(email.to_string().starts_with("my-helper-2-"));
        assert_eq!(AgentEmail::parse(&email.to_string()), Some(email));
    }

    #[test]
    fn nothing_else_is_an_ai() {
        let owner = owner();
        for email in [
            String::new(),
            "a@peer.test".to_owned(),
            format!("@{owner}.ai.invalid"),
            format!("helper@{owner}.ai.invalid"),
            format!("-12345678@{owner}.ai.invalid"),
            format!("a--12345678@{owner}.ai.invalid"),
            format!("a-1234567@{owner}.ai.invalid"),
            format!("a-123456789@{owner}.ai.invalid"),
            format!("a-1234567G@{owner}.ai.invalid"),
            format!("a-ABCDEF01@{owner}.ai.invalid"),
            format!("A-12345678@{owner}.ai.invalid"),
            format!("ä-12345678@{owner}.ai.invalid"),
            format!("a b-12345678@{owner}.ai.invalid"),
            format!("../a-12345678@{owner}.ai.invalid"),
            format!("a-12345678@{}.ai.invalid", owner.to_string().to_uppercase()),
            format!("a-12345678@{owner}0.ai.invalid"),
            format!("a-12345678@{owner}.ai.invalid "),
            format!(" a-12345678@{owner}.ai.invalid"),
            format!("a-12345678@{owner}.ai.invalid\0"),
            format!("a-12345678@b@{owner}.ai.invalid"),
            format!("a-12345678@x.{owner}.ai.invalid"),
            format!("a-12345678@{owner}.AI.invalid"),
            format!("{}-12345678@{owner}.ai.invalid", "a".repeat(MAX_SLUG + 1)),
            "a-12345678@.ai.invalid".to_owned(),
        ] {
            assert_eq!(AgentEmail::parse(&email), None, "{email:?}");
        }
    }

    proptest! {
        #[test]
        fn any_slug_goes_there_and_back(slug in "[a-z0-9]{1,10}(-[a-z0-9]{1,6}){0,3}", bytes: [u8; 32]) {
            let email = AgentEmail::new(&slug, IdHash::from_bytes(bytes).into(), os_entropy().as_mut()).unwrap();
            prop_assert_eq!(AgentEmail::parse(&email.to_string()), Some(email));
        }

        /// One AI, one text: or one person would be two.
        #[test]
        fn what_is_read_is_what_was_written(text in "[a-f0-9-]{0,12}-[a-f0-9]{7,9}@[ab]{63,65}[.]ai[.]invalid") {
            if let Some(email) = AgentEmail::parse(&text) {
                prop_assert_eq!(email.to_string(), text);
            }
        }

        #[test]
        fn no_text_is_too_strange(text in any::<String>()) {
            if let Some(email) = AgentEmail::parse(&text) {
                prop_assert_eq!(email.to_string(), text);
            }
        }
    }
}
