//! Two lists become one.

use ratatosk_objects::{ObjectHash, Objects, ObjectsMut};

use super::cursor::{Pair, Step};
use super::entry::{Content, unite};
use super::gather::gather;
use crate::error::Error;
use crate::limits::Limits;

/// Merges two lists: the result has all entries of both, each once. Of two entries with one `CreationTime` the result has the
/// metadata of both.
///
/// Costs reads and writes for the entries above those that both lists have in common. If one of the lists has all of the other,
/// its head is the result and nothing is written. Only if an entry of theirs is not older than the one on top of it, all of both
/// lists is read, and the result is in order.
///
/// # Errors
///
/// If an entry is not there or none, or if there are more to read than the limits allow; nothing was written then. If the store
/// fails.
pub fn merge<O: ObjectsMut>(
    objects: &mut O,
    ours: Option<ObjectHash>,
    theirs: Option<ObjectHash>,
    limits: &Limits,
) -> Result<Option<ObjectHash>, Error<O::Error>> {
    plan(objects, ours, theirs, limits)?.write(objects)
}

/// A merged list that is not written.
#[derive(Debug)]
pub(crate) struct Plan {
    /// What is to be written, newest first.
    above: Vec<Content>,
    /// What it goes on top of.
    tail: Option<ObjectHash>,
}

impl Plan {
    /// A list to be written, newest entry first, on top of another one.
    pub(super) const fn new(above: Vec<Content>, tail: Option<ObjectHash>) -> Self {
        Self { above, tail }
    }

    /// A list that is there.
    const fn there(head: Option<ObjectHash>) -> Self {
        Self::new(Vec::new(), head)
    }

    /// Writes it, from the bottom to the top, and gives its head.
    pub(crate) fn write<O: ObjectsMut>(self, objects: &mut O) -> Result<Option<ObjectHash>, Error<O::Error>> {
        let mut head = self.tail;
        for content in self.above.iter().rev() {
            head = Some(content.put(objects, head)?);
        }
        Ok(head)
    }
}

/// Reads what has to be read of both lists, and says what is to be written.
pub(crate) fn plan<O: Objects>(
    objects: &O,
    ours: Option<ObjectHash>,
    theirs: Option<ObjectHash>,
    limits: &Limits,
) -> Result<Plan, Error<O::Error>> {
    match walk(objects, ours, theirs, limits) {
        Err(Error::Unsorted(_)) => gather(objects, ours, theirs, limits),
        plan => plan,
    }
}

/// Walks down both lists at once. Of theirs every entry is looked at that is not one of ours, so that all below the result is in
/// order.
fn walk<O: Objects>(
    objects: &O,
    ours: Option<ObjectHash>,
    theirs: Option<ObjectHash>,
    limits: &Limits,
) -> Result<Plan, Error<O::Error>> {
    let mut pair = Pair::new(ours, theirs, limits.entries);
    let mut above: Vec<Content> = Vec::new();
    // Whether the result is so far nothing else than one of the lists.
    let (mut is_ours, mut is_theirs) = (true, true);
    let tail = loop {
        if pair.second().is_none() {
            // What is left is ours: it is in order, and not read.
            is_theirs &= pair.first().is_none();
            break pair.first();
        }
        if pair.first().is_none() {
            is_ours = false;
            let tail = pair.second();
            while let Step::Second(_) = pair.step(objects)? {}
            break tail;
        }
        match pair.step(objects)? {
            Step::First(entry) => {
                is_theirs = false;
                above.push(entry.into());
            }
            Step::Second(entry) => {
                is_ours = false;
                above.push(entry.into());
            }
            Step::Both(first, second) => {
                let metadata = unite(first.metadata.clone(), second.metadata.clone());
                is_ours &= metadata == first.metadata;
                is_theirs &= metadata == second.metadata;
                above.push(Content { creation_time: first.creation_time, metadata });
            }
            Step::Common(tail) => break tail,
        }
    };
    Ok(if is_ours {
        Plan::there(ours)
    } else if is_theirs {
        Plan::there(theirs)
    } else {
        Plan::new(above, tail)
    })
}
