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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;
    use ratatosk_objects::{Limits, Microdata, ObjectsMut, PersonId};

    use super::*;
    use crate::closure::Walk;
    use crate::memory::{MemoryLibrary, Shelf};

    /// Objects of which each refers to some before it.
    fn graph(shelf: &mut Shelf, links: &[Vec<prop::sample::Index>]) -> Vec<Reference> {
        let mut nodes: Vec<Reference> = Vec::new();
        for (number, links) in links.iter().enumerate() {
            let links = links.iter().take(number).map(|link| nodes[link.index(nodes.len())]).collect::<HashSet<_>>();
            let link =
                |(at, to): (usize, &Reference)| format!("<a itemprop=\"x{at}\" data-type=\"obj\">{}</a>", hex(to));
            let links: String = links.iter().enumerate().map(link).collect();
            let text = format!("<div itemscope itemtype=\"//refin.io/N{number}\">{links}</div>");
            let microdata = Microdata::check(&text, &Limits::DEFAULT).unwrap();
            nodes.push(shelf.put(&microdata).unwrap().into());
        }
        nodes
    }

    fn hex(reference: &Reference) -> String {
        let mut text = String::new();
        crate::list::push_hex(&mut text, reference.hash_bytes());
        text
    }

    fn walk(
        library: &MemoryLibrary<'_>,
        root: Reference,
        only: Option<HashSet<Reference>>,
    ) -> (Vec<Reference>, Vec<Reference>) {
        let mut walk = Walk::new(root, only, 1_000);
        // As if every read were followed by a pause.
        while walk.step(library, &mut 1).unwrap() == Walked::More {}
        walk.into_list()
    }

    proptest! {
        #[test]
        fn nothing_new_is_left_out(
            links in prop::collection::vec(prop::collection::vec(any::<prop::sample::Index>(), 0..4), 2..60),
            old in any::<prop::sample::Index>(),
            new in any::<prop::sample::Index>(),
        ) {
            let mut shelf = Shelf::new();
            let nodes = graph(&mut shelf, &links);
            let (old, new) = (nodes[old.index(nodes.len())], nodes[new.index(nodes.len())]);
            let person = PersonId::from(ratatosk_objects::IdHash::from_bytes([0; 32]));
            let library = shelf.seen_by(person);
            let mut difference = Difference::new(new, old, 1_000);
            while difference.step(&library, &mut 1).unwrap() == Walked::More {}
            let (list, edge) = walk(&library, new, Some(difference.into_new()));
            let (all, _) = walk(&library, new, None);
            let (mut had, _) = walk(&library, old, None);
            had.push(old);
            for child in &all {
                prop_assert!(list.contains(child) || had.contains(child));
            }
            prop_assert!(edge.iter().all(|child| had.contains(child)));
            // Whoever has the old closure can store the list from its end on.
            for (at, child) in list.iter().enumerate() {
                prop_assert!(all.contains(child));
                if !edge.contains(child) {
                    for needed in references(&library, child).unwrap().unwrap() {
                        prop_assert!(list[at + 1..].contains(&needed));
                    }
                }
            }
            for needed in references(&library, &new).unwrap().unwrap() {
                prop_assert!(list.contains(&needed));
            }
        }
    }
}
