//! Walking down lists.

use ratatosk_objects::{ObjectHash, Objects};

use super::entry::{Entry, Key};
use crate::error::Error;

/// A walk down a list, entry by entry.
#[derive(Debug)]
pub(super) struct Walk {
    next: Option<ObjectHash>,
    last: Option<Key>,
    in_order: bool,
}

impl Walk {
    /// A walk on which each entry has to be older than the one before it.
    pub(super) const fn new(head: Option<ObjectHash>) -> Self {
        Self { next: head, last: None, in_order: true }
    }

    /// A walk that takes entries in any order. It ends, since no entry can have its own hash in it.
    pub(super) const fn in_any_order(head: Option<ObjectHash>) -> Self {
        Self { next: head, last: None, in_order: false }
    }

    /// The next entry, which was not read.
    pub(super) const fn upcoming(&self) -> Option<ObjectHash> {
        self.next
    }

    /// The next entry, or none at the end.
    pub(super) fn next<O: Objects>(&mut self, objects: &O) -> Result<Option<Entry>, Error<O::Error>> {
        let Some(hash) = self.next else { return Ok(None) };
        let entry = Entry::load(objects, hash)?;
        if self.in_order && self.last.is_some_and(|last| entry.key() >= last) {
            return Err(Error::Unsorted(hash));
        }
        (self.next, self.last) = (entry.previous, Some(entry.key()));
        Ok(Some(entry))
    }
}

/// Two walks side by side.
#[derive(Debug)]
pub(super) struct Pair {
    first: Side,
    second: Side,
    budget: usize,
    limit: usize,
}

#[derive(Debug)]
struct Side {
    walk: Walk,
    /// An entry that was read and not given out.
    at: Option<Entry>,
}

/// What comes next in one of two lists, or in both.
#[derive(Debug)]
pub(super) enum Step {
    /// An entry of the first list: of both lists the newest that was not given out.
    First(Entry),
    /// The same of the second list.
    Second(Entry),
    /// Two entries with one time that are not one entry: their metadata differ, or what is below them.
    Both(Entry, Entry),
    /// From here on both lists are one, or both are at their end. Nothing of that was read.
    Common(Option<ObjectHash>),
}

impl Pair {
    /// Two walks that together read at most so many entries.
    pub(super) fn new(first: Option<ObjectHash>, second: Option<ObjectHash>, limit: usize) -> Self {
        let side = |head| Side { walk: Walk::new(head), at: None };
        Self { first: side(first), second: side(second), budget: limit, limit }
    }

    /// The next entry of the first list that was not given out.
    pub(super) fn first(&self) -> Option<ObjectHash> {
        self.first.upcoming()
    }

    /// The next entry of the second list that was not given out.
    pub(super) fn second(&self) -> Option<ObjectHash> {
        self.second.upcoming()
    }

    /// Goes on. Both lists are walked from the newest to the oldest, so what they have in common is met by both at once.
    pub(super) fn step<O: Objects>(&mut self, objects: &O) -> Result<Step, Error<O::Error>> {
        if self.first() == self.second() {
            return Ok(Step::Common(self.first()));
        }
        self.read(objects)?;
        Ok(match (self.first.at.take(), self.second.at.take()) {
            (Some(first), Some(second)) if first.key() > second.key() => {
                self.second.at = Some(second);
                Step::First(first)
            }
            (Some(first), Some(second)) if first.key() < second.key() => {
                self.first.at = Some(first);
                Step::Second(second)
            }
            (Some(first), Some(second)) => Step::Both(first, second),
            (Some(first), None) => Step::First(first),
            (None, Some(second)) => Step::Second(second),
            (None, None) => Step::Common(None),
        })
    }

    /// Reads the next entry of each list, unless it was read before.
    fn read<O: Objects>(&mut self, objects: &O) -> Result<(), Error<O::Error>> {
        for side in [&mut self.first, &mut self.second] {
            if side.at.is_none() && side.walk.next.is_some() {
                self.budget = self.budget.checked_sub(1).ok_or(Error::TooManyEntries(self.limit))?;
                side.at = side.walk.next(objects)?;
            }
        }
        Ok(())
    }
}

impl Side {
    fn upcoming(&self) -> Option<ObjectHash> {
        self.at.as_ref().map(|entry| entry.hash).or(self.walk.next)
    }
}
