//! Everything that an object needs, found without recursion: a channel of 100,000 messages is a chain of that depth.

use std::collections::HashSet;

use ratatosk_objects::Reference;

use crate::library::Library;

/// How far a walk came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Walked {
    /// To the end.
    Done,
    /// Not to the end: it goes on with the next call.
    More,
    /// Something that it needs is not stored.
    Missing(Reference),
    /// It is larger than allowed.
    TooLong,
}

/// What an object, an id object, a BLOB or a CLOB refers to; none if it is not stored. Bytes refer to nothing, and are not read.
pub(crate) fn references<L: Library>(library: &L, of: &Reference) -> Result<Option<Vec<Reference>>, L::Error> {
    Ok(match of {
        Reference::Object(hash) => library.object(hash)?.map(|microdata| microdata.references()),
        Reference::Id(id) => library.id_object(id)?.map(|microdata| microdata.references()),
        Reference::Blob(_) | Reference::Clob(_) => Some(Vec::new()),
    })
}

/// A walk through a closure, depth first, resumable.
///
/// As in the reference, a child is listed when everything below it is; the list read backwards then has the dependencies of a child
/// behind it.
pub(crate) struct Walk {
    /// The way down: each node with what of it was not entered yet, the next one last.
    way: Vec<(Option<Reference>, Vec<Reference>)>,
    /// How much stands on the way and was not entered.
    open: usize,
    /// The root, until it was read.
    start: Option<Reference>,
    entered: HashSet<Reference>,
    listed: Vec<Reference>,
    /// If set, only these are entered; the others are listed and left alone.
    only: Option<HashSet<Reference>>,
    edge: Vec<Reference>,
    max: usize,
}

impl Walk {
    /// Through everything below `root`, or through what of it is in `only`. The root is not listed.
    pub(crate) fn new(root: Reference, only: Option<HashSet<Reference>>, max: usize) -> Self {
        let entered = HashSet::from([root]);
        Self { way: Vec::new(), open: 0, start: Some(root), entered, listed: Vec::new(), only, edge: Vec::new(), max }
    }

    /// Goes on, reading the storage at most `budget` times.
    pub(crate) fn step<L: Library>(&mut self, library: &L, budget: &mut usize) -> Result<Walked, L::Error> {
        if let Some(root) = self.start.take() {
            *budget = budget.saturating_sub(1);
            match references(library, &root)? {
                Some(below) => self.enter(None, below),
                None => return Ok(Walked::Missing(root)),
            }
        }
        while let Some((_, left)) = self.way.last_mut() {
            let Some(next) = left.pop() else {
                let node = self.way.pop().and_then(|(node, _)| node);
                self.listed.extend(node);
                continue;
            };
            self.open -= 1;
            if self.entered.contains(&next) {
                continue;
            }
            // Objects that all refer to the same ones are few to enter and many to remember.
            if self.entered.len() > self.max || self.open > self.max {
                return Ok(Walked::TooLong);
            }
            let is_leaf = matches!(next, Reference::Blob(_) | Reference::Clob(_));
            let is_edge = self.only.as_ref().is_some_and(|only| !only.contains(&next));
            if is_leaf || is_edge {
                self.entered.insert(next);
                self.listed.push(next);
                if is_edge {
                    self.edge.push(next);
                }
                continue;
            }
            if *budget == 0 {
                left.push(next);
                self.open += 1;
                return Ok(Walked::More);
            }
            *budget -= 1;
            self.entered.insert(next);
            match references(library, &next)? {
                Some(below) => self.enter(Some(next), below),
                None => return Ok(Walked::Missing(next)),
            }
        }
        Ok(Walked::Done)
    }

    fn enter(&mut self, node: Option<Reference>, mut below: Vec<Reference>) {
        below.retain(|reference| !self.entered.contains(reference));
        below.reverse();
        self.open += below.len();
        self.way.push((node, below));
    }

    /// The list, dependencies behind what needs them, and what of it was left alone.
    pub(crate) fn into_list(mut self) -> (Vec<Reference>, Vec<Reference>) {
        self.listed.reverse();
        (self.listed, self.edge)
    }
}

#[cfg(test)]
mod tests {
    use ratatosk_objects::{IdHash, Limits, Microdata, ObjectsMut, PersonId};

    use super::*;
    use crate::memory::Shelf;

    /// A chain of objects that all refer to the same ones besides.
    fn chain(shelf: &mut Shelf, length: usize, others: u8) -> Reference {
        let link = |at: usize, to: &Reference| {
            let hash: String = to.hash_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
            format!("<a itemprop=\"x{at}\" data-type=\"{}\">{hash}</a>", to.data_type())
        };
        let blobs = (1..=others).filter_map(|byte| Reference::new("blob", [byte; 32]));
        let shared: String = blobs.enumerate().map(|(at, blob)| link(at + 1, &blob)).collect();
        let mut last = Reference::new("blob", [0; 32]).unwrap();
        for _ in 0..length {
            let text = format!("<div itemscope itemtype=\"//refin.io/Odd\">{}{shared}</div>", link(0, &last));
            last = shelf.put(&Microdata::check(&text, &Limits::DEFAULT).unwrap()).unwrap().into();
        }
        last
    }

    #[test]
    fn what_is_remembered_on_the_way_is_bounded() {
        let mut shelf = Shelf::new();
        let (short, long) = (chain(&mut shelf, 10, 50), chain(&mut shelf, 30, 50));
        let library = shelf.seen_by(PersonId::from(IdHash::from_bytes([0; 32])));
        let mut walk = Walk::new(short, None, 1_000);
        assert_eq!(walk.step(&library, &mut 10_000).unwrap(), Walked::Done);
        assert_eq!(walk.open, 0);
        assert_eq!(walk.into_list().0.len(), 9 + 50 + 1);
        let mut walk = Walk::new(long, None, 1_000);
        assert_eq!(walk.step(&library, &mut 10_000).unwrap(), Walked::TooLong);
    }
}
