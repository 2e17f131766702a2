//! What one list has and another one does not.

use ratatosk_objects::{ObjectHash, Objects};

use super::cursor::{Pair, Step};
use super::entry::Entry;
use crate::error::Error;

/// The entries of `new` that `old` does not have, newest first, read as they are asked for. Ends after the first error.
///
/// Costs what lies above the entries that both have in common, wherever the difference is.
pub fn difference<O: Objects>(objects: &O, new: Option<ObjectHash>, old: Option<ObjectHash>) -> Difference<'_, O> {
    Difference { objects, pair: Pair::new(new, old, usize::MAX), done: false }
}

/// An entry of a list that another list does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The other list has nothing with this `CreationTime`.
    Added(Entry),
    /// The other list has it with other metadata.
    Amended(Entry),
}

impl Change {
    /// The entry.
    #[must_use]
    pub const fn entry(&self) -> &Entry {
        match self {
            Self::Added(entry) | Self::Amended(entry) => entry,
        }
    }
}

/// See [`difference`].
#[derive(Debug)]
pub struct Difference<'a, O> {
    objects: &'a O,
    pair: Pair,
    done: bool,
}

impl<O: Objects> Difference<'_, O> {
    fn find(&mut self) -> Result<Option<Change>, Error<O::Error>> {
        while self.pair.first().is_some() {
            match self.pair.step(self.objects)? {
                Step::First(entry) => return Ok(Some(Change::Added(entry))),
                Step::Both(new, old) if new.metadata != old.metadata => return Ok(Some(Change::Amended(new))),
                Step::Both(..) | Step::Second(_) => {}
                Step::Common(_) => break,
            }
        }
        Ok(None)
    }
}

impl<O: Objects> Iterator for Difference<'_, O> {
    type Item = Result<Change, Error<O::Error>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let next = self.find().transpose();
        self.done = !matches!(next, Some(Ok(_)));
        next
    }
}
