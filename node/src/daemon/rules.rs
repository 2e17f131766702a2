//! When the AIs of a group speak, as its messages say: one way to find out, for the AIs and for whoever looks on. Blocks on the disk.

use std::collections::BTreeSet;

use ratatosk_agent::{Rules, Said, WINDOW, is_early, rules_of, shortened};
use ratatosk_objects::PersonId;

use super::core::now;
use crate::model::{Affirmed, Cursor, Message, ModelError, Node, TopicId};

/// How far back it is looked, in messages.
const FAR: usize = 2000;
/// Pages that make a window, at most: long messages make short pages.
const MAX_PAGES: usize = 16;

/// The newest messages of a topic before a place, oldest first, and where those before them end.
pub(super) fn newest(
    node: &Node,
    topic: &str,
    count: usize,
    before: Option<Cursor>,
) -> Result<(Vec<Said>, Option<Cursor>), ModelError> {
    let (mut messages, mut before) = (Vec::new(), before);
    for _ in 0..MAX_PAGES {
        let page = node.messages(topic, before, count - messages.len())?;
        let mut earlier: Vec<_> = page.messages.into_iter().map(said).collect();
        earlier.append(&mut messages);
        (messages, before) = (earlier, page.older);
        if before.is_none() || messages.len() >= count {
            break;
        }
    }
    Ok((messages, before))
}

/// A message, as `ratatosk-agent` has it.
pub(super) fn said(message: Message) -> Said {
    Said {
        id: message.id,
        author: message.author,
        text: shortened(message.text),
        files: message.attachments.len(),
        at: message.creation_time,
        verified: message.affirmed == Affirmed::Verified,
    }
}

/// Those who take part and are no AIs: what others say of rules counts for nothing.
pub(super) fn people(node: &Node, topic: &TopicId) -> Result<BTreeSet<PersonId>, ModelError> {
    let mut people = BTreeSet::new();
    for person in topic.participants() {
        if node.contact(*person)?.is_none_or(|contact| contact.ai().is_none()) {
            people.insert(*person);
        }
    }
    Ok(people)
}

/// The rules among these messages.
pub(super) fn among(messages: &[Said], people: &BTreeSet<PersonId>) -> Option<Rules> {
    let now = now();
    let in_time: Vec<_> = messages.iter().filter(|said| !is_early(said, now)).cloned().collect();
    rules_of(&in_time, |person| people.contains(&person))
}

/// The rules that were said before a place, if that is not too long ago.
pub(super) fn before(
    node: &Node,
    topic: &str,
    place: Option<Cursor>,
    people: &BTreeSet<PersonId>,
) -> Result<Option<Rules>, ModelError> {
    let (mut place, mut looked) = (place, WINDOW);
    while place.is_some() && looked < FAR {
        let (messages, earlier) = newest(node, topic, WINDOW, place)?;
        if let Some(rules) = among(&messages, people) {
            return Ok(Some(rules));
        }
        // A page of other things than messages is no message nearer to the end.
        looked += messages.len().max(WINDOW);
        place = earlier;
    }
    Ok(None)
}
