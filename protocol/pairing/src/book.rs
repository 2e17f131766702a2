//! The invitations that this end has made and that are open.

use std::time::Duration;

use ratatosk_objects::PersonId;
use ratatosk_protocol::entropy::Entropy;

use crate::circle::{Invitations, Refusal};
use crate::invitation::Token;

/// How long an invitation lives, as in the reference.
pub const DEFAULT_LIFE: Duration = Duration::from_secs(60);
/// Invitations that are open at a time. Each takes up to about 1 KiB.
pub const DEFAULT_CAPACITY: usize = 64;

/// An open invitation: what a node keeps of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// The secret.
    pub token: Token,
    /// Who made it.
    pub person: PersonId,
    /// When it ends, in milliseconds of Unix time.
    pub expires: u64,
}

/// The open invitations. Times are in milliseconds of Unix time.
#[derive(Debug)]
pub struct InvitationBook {
    life: Duration,
    capacity: usize,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    open: Open,
    /// A pairing is under way with it.
    taken: bool,
}

/// There are as many open invitations as there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{capacity} invitations are open already; wait until one is used or expires")]
pub struct BookFull {
    /// How many there may be.
    pub capacity: usize,
}

impl Default for InvitationBook {
    fn default() -> Self {
        Self::new(DEFAULT_LIFE, DEFAULT_CAPACITY)
    }
}

impl InvitationBook {
    /// An empty book whose invitations live that long.
    #[must_use]
    pub fn new(life: Duration, capacity: usize) -> Self {
        Self { life, capacity, entries: Vec::new() }
    }

    /// Goes on with what was kept of an earlier book; what has expired meanwhile is left out.
    #[must_use]
    pub fn with_open(mut self, open: impl IntoIterator<Item = Open>, now: u64) -> Self {
        self.entries.extend(open.into_iter().take(self.capacity).map(|open| Entry { open, taken: false }));
        self.expire(now);
        self
    }

    /// A new invitation of this person.
    ///
    /// # Errors
    ///
    /// [`BookFull`].
    pub fn issue(&mut self, person: PersonId, now: u64, entropy: &mut dyn Entropy) -> Result<Token, BookFull> {
        self.issue_for(person, self.life, now, entropy)
    }

    /// The same, with a life of its own.
    ///
    /// # Errors
    ///
    /// [`BookFull`].
    pub fn issue_for(
        &mut self,
        person: PersonId,
        life: Duration,
        now: u64,
        entropy: &mut dyn Entropy,
    ) -> Result<Token, BookFull> {
        self.expire(now);
        if self.entries.len() >= self.capacity {
            return Err(BookFull { capacity: self.capacity });
        }
        let life = u64::try_from(life.as_millis()).unwrap_or(u64::MAX);
        let open = Open { token: Token::generate(entropy), person, expires: now.saturating_add(life) };
        let token = open.token.clone();
        self.entries.push(Entry { open, taken: false });
        Ok(token)
    }

    /// Takes an invitation back before it is used.
    pub fn revoke(&mut self, token: &Token) {
        self.entries.retain(|entry| entry.open.token != *token);
    }

    /// Takes all invitations back.
    pub fn revoke_all(&mut self) {
        self.entries.clear();
    }

    /// Forgets what has expired. The other methods do so by themselves.
    pub fn expire(&mut self, now: u64) {
        self.entries.retain(|entry| now < entry.open.expires);
    }

    /// What is to be kept, for a book that goes on later. An invitation with which a pairing is under way belongs to it.
    pub fn open(&self) -> impl Iterator<Item = &Open> {
        self.entries.iter().map(|entry| &entry.open)
    }

    /// When the next invitation expires.
    #[must_use]
    pub fn next_expiry(&self) -> Option<u64> {
        self.open().map(|open| open.expires).min()
    }

    /// Looks at every entry, so that the time tells nothing about where a token stands.
    fn find(&mut self, token: &Token) -> Option<&mut Entry> {
        let mut found = None;
        for (index, entry) in self.entries.iter().enumerate() {
            if entry.open.token == *token {
                found = Some(index);
            }
        }
        found.and_then(|index| self.entries.get_mut(index))
    }
}

impl Invitations for InvitationBook {
    fn redeem(&mut self, token: &Token, addressed: &PersonId, now: u64) -> Result<(), Refusal> {
        self.expire(now);
        let entry = self.find(token).filter(|entry| !entry.taken).ok_or(Refusal::NotExisting)?;
        if entry.open.person != *addressed {
            return Err(Refusal::OtherPerson);
        }
        entry.taken = true;
        Ok(())
    }

    fn settle(&mut self, token: &Token) {
        self.revoke(token);
    }

    fn release(&mut self, token: &Token) {
        if let Some(entry) = self.find(token) {
            entry.taken = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatosk_objects::IdHash;

    use super::*;

    const NOW: u64 = 1_800_000_000_000;

    struct Counter(u8);

    impl Entropy for Counter {
        fn fill(&mut self, buffer: &mut [u8]) {
            self.0 += 1;
            buffer.fill(self.0);
        }
    }

    fn person(number: u8) -> PersonId {
        IdHash::from_bytes([number; 32]).into()
    }

    #[test]
    fn an_invitation_is_taken_once_by_whom_it_addresses() {
        let mut book = InvitationBook::default();
        let mut entropy = Counter(0);
        let token = book.issue(person(1), NOW, &mut entropy).unwrap();
        let other = book.issue(person(2), NOW, &mut entropy).unwrap();
        assert_eq!(book.redeem(&Token::generate(&mut entropy), &person(1), NOW), Err(Refusal::NotExisting));
        assert_eq!(book.redeem(&other, &person(1), NOW), Err(Refusal::OtherPerson));
        assert_eq!(book.redeem(&token, &person(1), NOW), Ok(()));
        assert_eq!(book.redeem(&token, &person(1), NOW), Err(Refusal::NotExisting));
        book.release(&token);
        assert_eq!(book.redeem(&token, &person(1), NOW), Ok(()));
        book.settle(&token);
        book.release(&token);
        assert_eq!(book.redeem(&token, &person(1), NOW), Err(Refusal::NotExisting));
        assert_eq!(book.redeem(&other, &person(2), NOW), Ok(()));
    }

    #[test]
    fn an_invitation_ends_with_its_life() {
        let mut book = InvitationBook::default();
        let token = book.issue(person(1), NOW, &mut Counter(0)).unwrap();
        assert_eq!(book.next_expiry(), Some(NOW + 60_000));
        assert_eq!(book.redeem(&token, &person(1), NOW + 59_999), Ok(()));
        book.release(&token);
        assert_eq!(book.redeem(&token, &person(1), NOW + 60_000), Err(Refusal::NotExisting));
        assert_eq!((book.open().count(), book.next_expiry()), (0, None));
    }

    #[test]
    fn there_is_a_most_of_invitations() {
        let mut book = InvitationBook::new(Duration::from_secs(1), 2);
        let mut entropy = Counter(0);
        let token = book.issue(person(1), NOW, &mut entropy).unwrap();
        book.issue(person(1), NOW, &mut entropy).unwrap();
        assert_eq!(book.issue(person(1), NOW, &mut entropy), Err(BookFull { capacity: 2 }));
        book.revoke(&token);
        book.issue(person(1), NOW, &mut entropy).unwrap();
        assert_eq!(book.issue(person(1), NOW + 1000, &mut entropy).map(drop), Ok(()));
        book.revoke_all();
        assert_eq!(book.open().count(), 0);
    }

    #[test]
    fn a_book_goes_on_after_a_restart() {
        let mut book = InvitationBook::default();
        let mut entropy = Counter(0);
        let early = book.issue(person(1), NOW, &mut entropy).unwrap();
        let late = book.issue(person(1), NOW + 30_000, &mut entropy).unwrap();
        let kept: Vec<_> = book.open().cloned().collect();
        let mut book = InvitationBook::default().with_open(kept.clone(), NOW + 60_000);
        assert_eq!(book.redeem(&early, &person(1), NOW + 60_000), Err(Refusal::NotExisting));
        assert_eq!(book.redeem(&late, &person(1), NOW + 60_000), Ok(()));
        let small = InvitationBook::new(DEFAULT_LIFE, 1).with_open(kept, NOW);
        assert_eq!(small.open().count(), 1, "a book is never fuller than it may be");
    }

    #[test]
    fn a_life_without_end_does_not_overflow() {
        let mut book = InvitationBook::new(Duration::MAX, 1);
        book.issue(person(1), u64::MAX - 1, &mut Counter(0)).unwrap();
        assert_eq!(book.next_expiry(), Some(u64::MAX));
    }
}
