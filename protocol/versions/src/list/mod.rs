//! Linked lists: what was posted to a channel (`spec/one.md §5`, `LinkedListCrdtAlgorithm`).
//!
//! A list is known by its head, the newest `LinkedListEntry`. Each entry refers to the `CreationTime` of what was posted, to
//! metadata (as a rule the signature of the author), and to the entry before it. Entries stand in the order of their time and, in
//! the same millisecond, of the hash of their `CreationTime`, greatest first. So for the same entries there is one list, and one
//! hash of its head, whoever made it and in whatever order.
//!
//! Lists share what is below: a list on top of which something was put still has its old head in it. All functions here walk down
//! from the top until they meet what both lists have in common; what they cost does not depend on what lies below.

mod cursor;
mod difference;
mod entry;
mod gather;
mod insert;
mod merge;

pub use self::difference::{Change, Difference, difference};
pub use self::entry::{Entry, MAX_METADATA};
pub use self::insert::{Appended, MAX_AHEAD, append, insert, next_timestamp};
pub use self::merge::merge;

pub(crate) use self::merge::{Plan, plan};

use ratatosk_objects::{ObjectHash, Objects};

use crate::error::Error;
use cursor::Walk;

/// The entries of a list, newest first, read one by one as they are asked for. Ends after the first error.
///
/// A list that was merged or made here is in order. Of any other the entries come in the order that they have.
pub fn iterate_back<O: Objects>(objects: &O, head: Option<ObjectHash>) -> IterateBack<'_, O> {
    IterateBack { objects, walk: Walk::in_any_order(head), failed: false }
}

/// See [`iterate_back`].
#[derive(Debug)]
pub struct IterateBack<'a, O> {
    objects: &'a O,
    walk: Walk,
    failed: bool,
}

impl<O: Objects> Iterator for IterateBack<'_, O> {
    type Item = Result<Entry, Error<O::Error>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = self.walk.next(self.objects).transpose();
        self.failed = matches!(next, Some(Err(_)));
        next
    }
}
