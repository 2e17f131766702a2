//! What is new in a closure, found without walking through what is old.
//!
//! Two walks go in step, breadth first: one from the new root, one from a root whose closure the other side has. The first stops
//! wherever the second has been. Both channels' heads lead to their common tail after about as many steps as there are new
//! entries, so a message more costs the same after 100 and after 100,000 old ones. No type is treated specially.
//!
//! The old walk is the faster one, because the new one may be past the common tail when the old one gets there, and has to be caught.
//! Something old that is taken for new costs an entry in a list; nothing new is ever taken for old, because whatever the second walk
//! has seen belongs to the old closure.

use std::collections::{HashSet, VecDeque};

use ratatosk_objects::Reference;

use crate::closure::{Walked, references};
use crate::library::Library;

/// Steps of the old walk for each of the new one.
const OLD_STEPS: usize = 2;

struct Side {
    queue: VecDeque<Reference>,
    seen: HashSet<Reference>,
}

impl Side {
    fn new(root: Reference) -> Self {
        Self { queue: VecDeque::from([root]), seen: HashSet::from([root]) }
    }

    /// Reads `node`, and remembers what is below it. False: it is not stored.
    fn expand<L: Library>(&mut self, library: &L, node: &Reference) -> Result<bool, L::Error> {
        let Some(below) = references(library, node)? else { return Ok(false) };
        for reference in below {
            if self.seen.insert(reference) {
                self.queue.push_back(reference);
            }
        }
        Ok(true)
    }
}

/// Both walks, resumable.
pub(crate) struct Difference {
    new: Side,
    old: Side,
    max: usize,
}

impl Difference {
    pub(crate) fn new(new: Reference, old: Reference, max: usize) -> Self {
        Self { new: Side::new(new), old: Side::new(old), max }
    }

    /// Goes on, reading the storage about `budget` times.
    pub(crate) fn step<L: Library>(&mut self, library: &L, budget: &mut usize) -> Result<Walked, L::Error> {
        while let Some(next) = self.new.queue.front().copied() {
            if *budget == 0 {
                return Ok(Walked::More);
            }
            if self.new.seen.len() > self.max || self.old.seen.len() > self.max {
                return Ok(Walked::TooLong);
            }
            for _ in 0..OLD_STEPS {
                let Some(old) = self.old.queue.pop_front() else { break };
                *budget = budget.saturating_sub(1);
                if !self.old.expand(library, &old)? {
                    return Ok(Walked::Missing(old));
                }
            }
            self.new.queue.pop_front();
            if self.old.seen.contains(&next) {
                continue;
            }
            *budget = budget.saturating_sub(1);
            if !self.new.expand(library, &next)? {
                return Ok(Walked::Missing(next));
            }
        }
        Ok(Walked::Done)
    }

    /// Everything that may be new.
    pub(crate) fn into_new(self) -> HashSet<Reference> {
        let old = self.old.seen;
        self.new.seen.into_iter().filter(|reference| !old.contains(reference)).collect()
    }
}
