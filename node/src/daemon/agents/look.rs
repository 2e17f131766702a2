//! A topic as it stands in the AI's node. Blocks on the disk.

use std::collections::{BTreeMap, BTreeSet};

use ratatosk_agent::{Conversation, Me, Participant, Rules, Said, WINDOW, is_early, names, rules_of, shortened};
use ratatosk_objects::{ObjectHash, PersonId};

use super::desk::{Desk, lock};
use crate::daemon::core::now;
use crate::model::{Affirmed, Agent, Contact, Cursor, Message, ModelError, Node, Topic, TopicId};

/// How far back it is looked what people have said about when AIs speak, in messages.
const RULES: usize = 2000;
/// Pages that make a window, at most: long messages make short pages.
const MAX_PAGES: usize = 16;
/// Characters of a topic's name in the queue.
const MAX_LABEL: usize = 60;

/// What an AI sees of a topic.
pub(super) struct Seen {
    pub(super) topic: Topic,
    pub(super) conversation: Conversation,
    pub(super) me: Me,
    /// On whose account AIs of others are answered: a contact who runs many is answered no more often than one who runs none.
    pub(super) accounts: BTreeMap<PersonId, PersonId>,
    /// What it has answered.
    pub(super) considered: BTreeSet<ObjectHash>,
    /// How important the topic is to the owner.
    pub(super) priority: u8,
    /// What the queue shows.
    pub(super) label: String,
    /// Whether there are older messages that nobody looked at.
    pub(super) goes_on: bool,
}

/// Looks at a topic.
pub(super) fn look(desk: &Desk, topic: &str) -> Result<Seen, ModelError> {
    let (node, agent) = (&desk.node, desk.agent());
    let topic = node.topic(topic)?;
    let participants = participants(desk, &agent, &topic.id)?;
    let id = topic.id.to_string();
    let (messages, older) = newest(node, &id, WINDOW, None)?;
    let mut conversation =
        Conversation { one_to_one: topic.id.is_one_to_one(), participants, rules: Rules::default(), messages };
    if !conversation.one_to_one {
        let now = now();
        conversation.messages.retain(|said| !is_early(said, now));
        conversation.rules = rules(desk, &conversation, &id, older)?;
    }
    let label = label(&agent, &topic, &conversation);
    Ok(Seen {
        accounts: accounts(desk, &topic.id)?,
        considered: node.considered(&id)?.into_iter().collect(),
        priority: desk.owner.topic_priority(&topic.channel)?,
        me: Me { person: agent.person, name: agent.name },
        goes_on: older.is_some(),
        label,
        conversation,
        topic,
    })
}

fn accounts(desk: &Desk, topic: &TopicId) -> Result<BTreeMap<PersonId, PersonId>, ModelError> {
    let mut accounts = BTreeMap::new();
    for person in topic.participants() {
        let ai = desk.node.contact(*person)?.and_then(|contact| contact.ai());
        // The owner waits for nobody; their AIs wait, each for itself.
        accounts.extend(ai.filter(|ai| ai.owner != desk.owner.person()).map(|ai| (*person, ai.owner)));
    }
    Ok(accounts)
}

fn participants(desk: &Desk, agent: &Agent, topic: &TopicId) -> Result<Vec<Participant>, ModelError> {
    let one = |person: &PersonId| {
        if *person == agent.person {
            let (name, slug) = (agent.name.clone(), agent.slug.clone());
            return Ok(Participant { person: *person, name, slug, is_ai: true });
        }
        let contact = desk.node.contact(*person)?;
        let ai = contact.as_ref().and_then(Contact::ai);
        let name = contact.and_then(|contact| contact.name);
        // Peers that learn of an AI from its owner tell their name to the owner alone.
        let known = match name {
            None if *person == desk.owner.person() => Some(desk.owner.name()?),
            None => desk.owner.contact(*person)?.and_then(|contact| contact.name),
            name => name,
        };
        // Somebody whom neither knows, or who has no name, is called by the beginning of their id.
        let name = known.unwrap_or_else(|| person.to_string().chars().take(8).collect());
        let is_ai = ai.is_some();
        Ok(Participant { person: *person, name, slug: ai.map(|ai| ai.slug).unwrap_or_default(), is_ai })
    };
    topic.participants().iter().map(one).collect()
}

/// The newest messages before a place, oldest first, and where those before them end.
fn newest(
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

fn said(message: Message) -> Said {
    Said {
        id: message.id,
        author: message.author,
        text: shortened(message.text),
        files: message.attachments.len(),
        at: message.creation_time,
        verified: message.affirmed == Affirmed::Verified,
    }
}

/// What people have said about when AIs speak. What was said long ago is looked for once.
fn rules(desk: &Desk, seen: &Conversation, topic: &str, older: Option<Cursor>) -> Result<Rules, ModelError> {
    let is_person = |person| !seen.is_ai(person);
    let mut found = rules_of(&seen.messages, is_person);
    if found.is_none() {
        found = lock(&desk.rules).get(topic).copied();
    }
    let (now, mut before, mut looked) = (now(), older, seen.messages.len());
    while found.is_none() && before.is_some() && looked < RULES {
        let (mut messages, earlier) = newest(&desk.node, topic, WINDOW, before)?;
        // A page of other things than messages is no message nearer to the end.
        looked += messages.len().max(WINDOW);
        messages.retain(|said| !is_early(said, now));
        found = rules_of(&messages, is_person);
        before = earlier;
    }
    let rules = found.unwrap_or_default();
    lock(&desk.rules).insert(topic.to_owned(), rules);
    Ok(rules)
}

/// Whose answer to what, for the owner who looks at the queue.
fn label(agent: &Agent, topic: &Topic, conversation: &Conversation) -> String {
    let others = conversation.participants.iter().filter(|one| one.person != agent.person);
    let place = match &topic.name {
        Some(name) if !conversation.one_to_one => names::clean(name),
        _ => others.map(|one| names::clean(&one.name)).collect::<Vec<_>>().join(", "),
    };
    let place: String = place.chars().take(MAX_LABEL).collect();
    format!("{} to {place}", agent.slug)
}
