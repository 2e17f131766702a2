//! A topic as it stands in the AI's node. Blocks on the disk.

use std::collections::{BTreeMap, BTreeSet};

use ratatosk_agent::{Conversation, Me, Participant, Rules, WINDOW, is_early, names};
use ratatosk_objects::{ObjectHash, PersonId};

use super::desk::{Desk, lock};
use crate::daemon::core::now;
use crate::daemon::rules;
use crate::model::{Agent, Contact, Cursor, ModelError, Topic, TopicId};

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
    let (messages, older) = rules::newest(node, &id, WINDOW, None)?;
    let mut conversation =
        Conversation { one_to_one: topic.id.is_one_to_one(), participants, rules: Rules::default(), messages };
    if !conversation.one_to_one {
        let now = now();
        conversation.messages.retain(|said| !is_early(said, now));
        conversation.rules = said_rules(desk, &conversation, &id, older)?;
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

/// What people have said about when AIs speak. What was said long ago is looked for once.
fn said_rules(desk: &Desk, seen: &Conversation, topic: &str, older: Option<Cursor>) -> Result<Rules, ModelError> {
    let people = seen.participants.iter().filter(|one| !one.is_ai).map(|one| one.person).collect();
    let known = || lock(&desk.rules).get(topic).copied();
    let rules = match rules::among(&seen.messages, &people).or_else(known) {
        Some(rules) => rules,
        None => rules::before(&desk.node, topic, older, &people)?.unwrap_or_default(),
    };
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
