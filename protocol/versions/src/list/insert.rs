//! New entries.

use ratatosk_objects::{Object, ObjectHash, Objects, ObjectsMut, Recipes, Reference, Value};

use super::cursor::Walk;
use super::entry::{Content, Entry, MAX_METADATA, time, unite};
use crate::error::Error;
use crate::limits::Limits;
use crate::timestamp::{self, MAX_TIMESTAMP, Timestamp};

/// How far the newest entry may be ahead of our clock, in milliseconds, for a new one to be put on top of it by [`append`].
pub const MAX_AHEAD: Timestamp = 5 * 60 * 1000;

/// A new entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The list with it.
    pub head: ObjectHash,
    /// Its `CreationTime`.
    pub creation_time: ObjectHash,
    /// Its time.
    pub timestamp: Timestamp,
}

/// Posts an object: makes its `CreationTime`, and an entry for it.
///
/// `metadata` gets the hash of the `CreationTime`, which is in the store, and makes what goes with it: as a rule the signature of
/// an affirmation. The time is [`next_timestamp`]. `head` is the head of the list before, which is in order.
///
/// # Errors
///
/// What [`insert`] and `metadata` give.
pub fn append<O, F, E>(
    objects: &mut O,
    head: Option<ObjectHash>,
    data: ObjectHash,
    now_ms: Timestamp,
    limits: &Limits,
    metadata: F,
) -> Result<Appended, E>
where
    O: ObjectsMut,
    F: FnOnce(&mut O, ObjectHash) -> Result<Vec<ObjectHash>, E>,
    E: From<Error<O::Error>>,
{
    let timestamp = next_timestamp(objects, head, now_ms)?;
    let time = Object::new("CreationTime")
        .with("timestamp", Value::Number(timestamp::to_number(timestamp)))
        .with("data", Value::Reference(Reference::Object(data)));
    let time = Recipes::standard().write(&time).map_err(Error::Write)?;
    let creation_time = objects.put(&time).map_err(Error::Store)?;
    let metadata = metadata(objects, creation_time)?;
    let head = insert(objects, head, creation_time, Some(metadata), limits)?;
    Ok(Appended { head, creation_time, timestamp })
}

/// The time for a new entry: now, or just after the newest entry if that is a little ahead of our clock, so that an answer stands
/// above what it answers and the list below stays as it is. One that is more than [`MAX_AHEAD`] ahead does not count.
///
/// # Errors
///
/// If the head cannot be read.
pub fn next_timestamp<O: Objects>(
    objects: &O,
    head: Option<ObjectHash>,
    now_ms: Timestamp,
) -> Result<Timestamp, Error<O::Error>> {
    let now = now_ms.min(MAX_TIMESTAMP);
    let Some(head) = head else { return Ok(now) };
    let newest = Entry::load(objects, head)?.timestamp;
    Ok(if newest <= now.saturating_add(MAX_AHEAD) { now.max(newest + 1).min(MAX_TIMESTAMP) } else { now })
}

/// Puts an entry with this `CreationTime`, which is in the store, into a list that is in order, and gives the new head.
///
/// If the list has an entry with it already, that gets the metadata of both. Costs reads and writes for the entries above the new
/// one.
///
/// # Errors
///
/// If the `CreationTime` or an entry is not there or none, if there are more of either than the limits allow, or if the store
/// fails.
pub fn insert<O: ObjectsMut>(
    objects: &mut O,
    head: Option<ObjectHash>,
    creation_time: ObjectHash,
    metadata: Option<Vec<ObjectHash>>,
    limits: &Limits,
) -> Result<ObjectHash, Error<O::Error>> {
    if metadata.as_ref().is_some_and(|metadata| metadata.len() > MAX_METADATA) {
        return Err(Error::TooMuchMetadata(creation_time));
    }
    let mut new = Content { creation_time, metadata };
    if let Some(metadata) = &mut new.metadata {
        metadata.sort_unstable();
    }
    let key = (time(objects, creation_time)?.0, creation_time);
    let (mut above, mut walk): (Vec<Content>, _) = (Vec::new(), Walk::new(head));
    let tail = loop {
        match walk.next(objects)? {
            None => break None,
            Some(entry) if entry.key() < key => break Some(entry.hash),
            Some(entry) if entry.key() == key => {
                new.metadata = unite(entry.metadata, new.metadata);
                break entry.previous;
            }
            Some(_) if above.len() >= limits.entries => return Err(Error::TooManyEntries(limits.entries)),
            Some(entry) => above.push(entry.into()),
        }
    };
    let mut head = new.put(objects, tail)?;
    for content in above.iter().rev() {
        head = content.put(objects, Some(head))?;
    }
    Ok(head)
}
