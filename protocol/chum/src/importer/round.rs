//! One list of roots: which of them are new and wanted, and how each is taken over.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use ratatosk_objects::{IdHash, Microdata};

use super::fetch::Fetch;
use crate::library::Library;
use crate::root::Root;
use crate::settings::Settings;

/// What a root is remembered by.
pub(super) type RootKey = (u8, [u8; 32]);

pub(super) fn key(root: &Root) -> RootKey {
    match root {
        Root::Unversioned { hash, .. } => (0, *hash.as_bytes()),
        Root::Versioned { hash, .. } => (1, *hash.as_bytes()),
        Root::Id { id, .. } => (2, *id.as_bytes()),
        Root::VersionNode { node, .. } => (3, *node.as_bytes()),
    }
}

/// Roots that could not be taken, and when to try again. A peer that lies costs less and less.
#[derive(Default)]
pub(super) struct Refused(HashMap<RootKey, (Instant, Duration)>);

impl Refused {
    pub(super) fn add(&mut self, root: &Root, now: Instant, settings: &Settings) {
        if self.0.len() >= settings.max_refused {
            self.0.clear();
        }
        let wait = self.0.get(&key(root)).map_or(settings.refused_retry, |(_, wait)| *wait * 2);
        let wait = wait.min(settings.refused_retry_max);
        self.0.insert(key(root), (now + wait, wait));
    }

    fn waits(&self, root: &Root, now: Instant) -> bool {
        self.0.get(&key(root)).is_some_and(|(until, _)| now < *until)
    }

    pub(super) fn remove(&mut self, root: &Root) {
        self.0.remove(&key(root));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A root that was fetched and is not stored yet.
pub(super) struct Held {
    pub(super) root: Root,
    pub(super) microdata: Microdata,
    pub(super) id_object: Option<Microdata>,
    /// Of a version node.
    pub(super) depth: u64,
}

/// One thing to take over: a root, or all new version nodes of one id.
pub(super) struct Task {
    /// What is left to fetch, the next one last.
    pub(super) left: Vec<Root>,
    pub(super) fetch: Option<Fetch>,
    /// What was fetched.
    pub(super) held: Vec<Held>,
    pub(super) objects: usize,
    pub(super) bytes: u64,
}

impl Task {
    fn new(root: Root) -> Self {
        Self { left: vec![root], fetch: None, held: Vec::new(), objects: 0, bytes: 0 }
    }
}

/// Goes through a list of roots, resumable.
pub(super) struct Sorting {
    roots: std::vec::IntoIter<Root>,
    tasks: VecDeque<Task>,
    nodes: VecDeque<Task>,
    node_of: HashMap<IdHash, usize>,
    /// What needs no second look while the peer lists it.
    settled: HashSet<RootKey>,
}

impl Sorting {
    pub(super) fn new(roots: Vec<Root>) -> Self {
        Self {
            roots: roots.into_iter(),
            tasks: VecDeque::new(),
            nodes: VecDeque::new(),
            node_of: HashMap::new(),
            settled: HashSet::new(),
        }
    }

    /// Goes on; false if it was long enough at it. `before` is what was settled with the list before.
    pub(super) fn step<L: Library>(
        &mut self,
        library: &mut L,
        before: &HashSet<RootKey>,
        refused: &Refused,
        now: Instant,
        budget: &mut usize,
    ) -> Result<bool, L::Error> {
        while let Some(root) = self.roots.next() {
            if before.contains(&key(&root)) {
                self.settled.insert(key(&root));
                continue;
            }
            if refused.waits(&root, now) {
                continue;
            }
            *budget = budget.saturating_sub(1);
            if library.is_taken(&root)? {
                has(library, &root)?;
                self.settled.insert(key(&root));
            } else if library.wants(&root)? {
                self.add(root);
            } else {
                self.settled.insert(key(&root));
            }
            if *budget == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn add(&mut self, root: Root) {
        let Root::VersionNode { id, .. } = &root else {
            self.tasks.push_back(Task::new(root));
            return;
        };
        let at = self.node_of.get(id).copied();
        match at.and_then(|at| self.nodes.get_mut(at)) {
            // The newest stands last and brings most of the others along.
            Some(task) => task.left.push(root),
            None => {
                self.node_of.insert(*id, self.nodes.len());
                self.nodes.push_back(Task::new(root));
            }
        }
    }

    /// What is to be done, version nodes last as in the reference, and what is settled.
    pub(super) fn finish(mut self) -> (VecDeque<Task>, HashSet<RootKey>) {
        self.tasks.append(&mut self.nodes);
        (self.tasks, self.settled)
    }
}

/// Whoever names a version node has it: lists for that peer need not go further back.
pub(super) fn has<L: Library>(library: &mut L, root: &Root) -> Result<(), L::Error> {
    if let Root::VersionNode { node, id, .. } = root
        && library.known(id)? != Some(*node)
    {
        library.set_known(id, Some(*node))?;
    }
    Ok(())
}

/// Of several new version nodes, the deepest, and of equal ones the first in the list, as in the reference.
pub(super) fn deepest(held: &[Held]) -> Option<usize> {
    // They were fetched from the last one on, and of equal ones this takes the last.
    (0..held.len()).max_by_key(|at| held.get(*at).map(|held| held.depth))
}
