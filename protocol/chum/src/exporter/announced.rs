//! What the peer may ask for: nothing but what was named to it on this connection.

use std::collections::{HashMap, VecDeque};

use ratatosk_objects::{IdHash, ObjectHash, Reference};

use crate::root::Root;

/// What one answer to service 2 named.
#[derive(Default)]
struct Roots {
    /// Sorted.
    named: Vec<Reference>,
    /// What each version node is a version of.
    versions: HashMap<ObjectHash, IdHash>,
}

/// What one answer to service 4 or 5 named.
pub(super) struct List {
    pub(super) root: Reference,
    /// If the root is a version node: of what.
    pub(super) version_of: Option<IdHash>,
    /// If the list was cut down: what stands in it without its own dependencies, sorted.
    pub(super) edge: Option<Vec<Reference>>,
    /// Sorted.
    named: Vec<Reference>,
}

impl List {
    pub(super) fn new(
        root: Reference,
        version_of: Option<IdHash>,
        list: &[Reference],
        edge: Option<&[Reference]>,
    ) -> Self {
        Self { root, version_of, edge: edge.map(sorted), named: sorted(list) }
    }
}

fn sorted(references: &[Reference]) -> Vec<Reference> {
    let mut references = references.to_vec();
    references.sort_unstable();
    references
}

/// The present and the last list of roots, and the lists of children, oldest first.
#[derive(Default)]
pub(super) struct Announced {
    present: Roots,
    last: Roots,
    lists: VecDeque<List>,
    /// Hashes in `lists`.
    count: usize,
}

impl Announced {
    /// Takes a new list of roots. The last one stays: the peer may be at work on it.
    pub(super) fn roots(&mut self, roots: &[Root]) {
        let mut present = Roots::default();
        for root in roots {
            present.named.extend(root.object().copied().map(Reference::Object));
            match root {
                Root::VersionNode { node, id, .. } => {
                    present.versions.insert(*node, *id);
                }
                Root::Versioned { id, .. } | Root::Id { id, .. } => present.named.push(Reference::Id(*id)),
                Root::Unversioned { .. } => {}
            }
        }
        present.named.sort_unstable();
        self.last = std::mem::replace(&mut self.present, present);
    }

    /// Takes a list of children, in place of one for the same root. With more than `max` hashes in all, the oldest lists go.
    pub(super) fn list(&mut self, list: List, max: usize) {
        self.take(&list.root);
        self.count += list.named.len();
        self.lists.push_back(list);
        while self.count > max
            && let Some(oldest) = self.lists.pop_front()
        {
            self.count -= oldest.named.len();
        }
    }

    /// Forgets the list of a root.
    pub(super) fn take(&mut self, root: &Reference) -> Option<List> {
        let at = self.lists.iter().position(|list| list.root == *root)?;
        let list = self.lists.remove(at)?;
        self.count -= list.named.len();
        Some(list)
    }

    /// Whether this may be asked for, as what it was named. In the reference there is one set for all kinds; but a reference to a BLOB
    /// may come from somebody who has no such BLOB, and what has the same hash may be an object that is none of theirs.
    pub(super) fn contains(&self, reference: &Reference) -> bool {
        [&self.present, &self.last].iter().any(|roots| roots.named.binary_search(reference).is_ok())
            || self.lists.iter().any(|list| list.named.binary_search(reference).is_ok())
    }

    /// If this is a version node that was named as a root: of what.
    pub(super) fn version_of(&self, node: &ObjectHash) -> Option<IdHash> {
        self.present.versions.get(node).or_else(|| self.last.versions.get(node)).copied()
    }

    /// The ids whose cut lists name this without its own dependencies: whoever asks for it lacks what we thought it has.
    pub(super) fn cut_at(&self, reference: &Reference) -> Vec<IdHash> {
        let cut = |list: &&List| list.edge.as_ref().is_some_and(|edge| edge.binary_search(reference).is_ok());
        self.lists.iter().filter(cut).filter_map(|list| list.version_of).collect()
    }
}
