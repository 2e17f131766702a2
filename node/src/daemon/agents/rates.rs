//! How often somebody is answered: so many times a minute, and as many at once after a pause.

use std::collections::BTreeMap;
use std::time::Duration;

use ratatosk_objects::PersonId;
use tokio::time::Instant;

/// People who are remembered. Those who have asked least lately are forgotten first.
const MAX_PEOPLE: usize = 4096;
const MINUTE: Duration = Duration::from_secs(60);

/// How often everybody was answered.
#[derive(Debug)]
pub(super) struct Rates {
    per_minute: u32,
    people: BTreeMap<PersonId, Budget>,
}

/// What somebody has left, as the moment at which nothing is used any more.
#[derive(Clone, Copy, Debug)]
struct Budget {
    full: Instant,
    /// Whether they know that they have to wait.
    told: bool,
}

/// Somebody has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wait {
    /// Until there is an answer for them.
    pub(super) time: Duration,
    /// Whether they are to be told that: once, until they have waited.
    pub(super) tell: bool,
}

impl Rates {
    pub(super) fn new(per_minute: u32) -> Self {
        Self { per_minute: per_minute.max(1), people: BTreeMap::new() }
    }

    /// One more answer for somebody, if they may have one.
    pub(super) fn take(&mut self, person: PersonId, now: Instant) -> Result<(), Wait> {
        let each = MINUTE / self.per_minute;
        if !self.people.contains_key(&person) {
            self.make_room(now);
        }
        let budget = self.people.entry(person).or_insert(Budget { full: now, told: false });
        if budget.full <= now {
            *budget = Budget { full: now, told: false };
        }
        let used = budget.full - now;
        if used + each > MINUTE {
            let tell = !std::mem::replace(&mut budget.told, true);
            return Err(Wait { time: used + each - MINUTE, tell });
        }
        budget.full += each;
        Ok(())
    }

    fn make_room(&mut self, now: Instant) {
        if self.people.len() >= MAX_PEOPLE {
            self.people.retain(|_, budget| budget.full > now);
        }
        if self.people.len() >= MAX_PEOPLE
            && let Some(least) = self.people.iter().min_by_key(|(_, budget)| budget.full).map(|(person, _)| *person)
        {
            self.people.remove(&least);
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatosk_objects::IdHash;

    use super::*;

    fn person(n: u32) -> PersonId {
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&n.to_le_bytes());
        IdHash::from_bytes(bytes).into()
    }

    #[test]
    fn who_has_had_enough_waits_and_is_told_once() {
        let (mut rates, start) = (Rates::new(3), Instant::now());
        for _ in 0..3 {
            assert_eq!(rates.take(person(1), start), Ok(()));
        }
        let time = Duration::from_secs(20);
        assert_eq!(rates.take(person(1), start), Err(Wait { time, tell: true }));
        assert_eq!(rates.take(person(1), start), Err(Wait { time, tell: false }));
        assert_eq!(rates.take(person(2), start), Ok(()));
        assert_eq!(rates.take(person(1), start + time), Ok(()));
        assert!(rates.take(person(1), start + time).is_err_and(|wait| !wait.tell));
        // After a pause all is as in the beginning.
        let later = start + 3 * MINUTE;
        for _ in 0..3 {
            assert_eq!(rates.take(person(1), later), Ok(()));
        }
        assert!(rates.take(person(1), later).is_err_and(|wait| wait.tell));
    }

    #[test]
    fn who_is_remembered_is_bounded() {
        let (mut rates, start) = (Rates::new(1), Instant::now());
        for n in 0..2 * u32::try_from(MAX_PEOPLE).unwrap() {
            assert_eq!(rates.take(person(n), start), Ok(()));
        }
        assert!(rates.people.len() <= MAX_PEOPLE);
    }
}
