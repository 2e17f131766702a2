//! Merging a list that is not in order.
//!
//! A real peer whose clock is behind all that stands in a channel puts its post on top, where its time does not belong; and when
//! others of its kind merge such a list, entries appear in it twice. What is posted is not to be lost for that. So all of such a
//! list is read, and its entries are put where they belong.

use std::collections::{BTreeMap, HashSet};

use ratatosk_objects::{ObjectHash, Objects};

use super::cursor::Walk;
use super::entry::{Content, Entry, Key, unite};
use super::merge::Plan;
use crate::error::Error;
use crate::limits::Limits;

/// All entries of both lists in order, whatever order they have there. Costs all of ours, and of theirs what is not ours.
pub(super) fn gather<O: Objects>(
    objects: &O,
    ours: Option<ObjectHash>,
    theirs: Option<ObjectHash>,
    limits: &Limits,
) -> Result<Plan, Error<O::Error>> {
    let mut budget = Budget { left: limits.entries, limit: limits.entries };
    let mut entries: BTreeMap<Key, (Content, Option<ObjectHash>)> = BTreeMap::new();
    let mut known = HashSet::new();
    let mut sorted = true;
    let mut last = None;
    let mut walk = Walk::in_any_order(ours);
    while let Some(entry) = budget.next(&mut walk, objects)? {
        sorted &= last.is_none_or(|last| entry.key() < last);
        last = Some(entry.key());
        known.insert(entry.hash);
        let (key, hash) = (entry.key(), entry.hash);
        add(&mut entries, key, entry.into(), Some(hash));
    }
    let mut walk = Walk::in_any_order(theirs);
    while walk.upcoming().is_some_and(|hash| !known.contains(&hash)) {
        if let Some(entry) = budget.next(&mut walk, objects)? {
            add(&mut entries, entry.key(), entry.into(), None);
        }
    }

    // Ours can stay below the lowest entry that is new or has changed.
    let mut tail = None;
    let mut above = Vec::new();
    for (content, stored) in entries.into_values() {
        match stored {
            Some(hash) if sorted && above.is_empty() => tail = Some(hash),
            _ => above.push(content),
        }
    }
    above.reverse();
    Ok(Plan::new(above, tail))
}

/// Adds an entry, or its metadata to the one that is there. One that is changed by that is no longer the stored one.
fn add(
    entries: &mut BTreeMap<Key, (Content, Option<ObjectHash>)>,
    key: Key,
    content: Content,
    stored: Option<ObjectHash>,
) {
    let Some((there, hash)) = entries.get_mut(&key) else {
        entries.insert(key, (content, stored));
        return;
    };
    let united = unite(there.metadata.clone(), content.metadata);
    if united != there.metadata {
        (there.metadata, *hash) = (united, None);
    }
}

/// How many entries may still be read.
struct Budget {
    left: usize,
    limit: usize,
}

impl Budget {
    fn next<O: Objects>(&mut self, walk: &mut Walk, objects: &O) -> Result<Option<Entry>, Error<O::Error>> {
        if walk.upcoming().is_some() {
            self.left = self.left.checked_sub(1).ok_or(Error::TooManyEntries(self.limit))?;
        }
        walk.next(objects)
    }
}
