//! What the model has, as the API shows it.

use std::collections::BTreeSet;

use ratatosk_agent::WINDOW;
use ratatosk_objects::PersonId;

use super::{Core, Failure, rules};
use crate::api::types::{self, Affirmed, Ai, Attachment, Mode, Participant, Rules};
use crate::model::{self, ModelError, Node};

/// Who is connected now.
pub(crate) fn connected(core: &Core) -> BTreeSet<PersonId> {
    let Some(network) = &core.network else { return BTreeSet::new() };
    network.service.connections().iter().map(|info| info.remote_person).collect()
}

/// A contact.
pub(crate) fn contact(
    node: &Node,
    contact: &model::Contact,
    connected: &BTreeSet<PersonId>,
) -> Result<types::Contact, ModelError> {
    Ok(types::Contact {
        person: contact.person.to_string(),
        email: contact.email.clone(),
        name: contact.name.clone(),
        devices: contact.endpoints.len(),
        connected: connected.contains(&contact.person),
        trusted: !contact.person_keys.is_empty(),
        ai: ai(node, contact),
    })
}

/// That a contact is an AI, and whose.
fn ai(node: &Node, contact: &model::Contact) -> Option<Ai> {
    let email = contact.ai()?;
    let (own, confirmed) = (email.owner == node.person(), contact.introduced);
    Some(Ai { slug: email.slug, owner: email.owner.to_string(), own, confirmed })
}

/// A topic.
pub(crate) fn topic(node: &Node, topic: &model::Topic) -> Result<types::Topic, ModelError> {
    let (id, one_to_one) = (topic.id.to_string(), topic.id.is_one_to_one());
    let mut participants = Vec::new();
    for person in topic.id.participants() {
        let me = *person == node.person();
        let contact = node.contact(*person)?;
        let ai = contact.as_ref().and_then(|contact| ai(node, contact));
        let (name, email) = if me {
            (Some(node.name()?), Some(node.me().identity.email.clone()))
        } else {
            contact.map_or((None, None), |contact| (contact.name, Some(contact.email)))
        };
        let agent = ai.as_ref().filter(|ai| ai.own).and_then(|ai| node.running_agent(&ai.slug));
        // It may not have heard of the topic yet.
        let head = agent.and_then(|agent| agent.head(&id).ok()).map(|head| head.to_string());
        participants.push(Participant { person: person.to_string(), name, email, me, ai, head });
    }
    let (newest, older) = rules::newest(node, &id, if one_to_one { 1 } else { WINDOW }, None)?;
    let rules = if one_to_one {
        None
    } else {
        let people = rules::people(node, &topic.id)?;
        match rules::among(&newest, &people) {
            None => rules::before(node, &id, older, &people)?,
            found => found,
        }
    };
    Ok(types::Topic {
        id: topic.channel.to_string(),
        name: topic.name.clone().filter(|_| !one_to_one),
        one_to_one,
        participants,
        rules: shown(rules.unwrap_or_default()),
        priority: node.topic_priority(&topic.channel)?,
        last: newest.last().map(|said| said.at),
        head: node.head(&id)?.to_string(),
    })
}

/// What the people of a group have said of how AIs behave in it.
fn shown(rules: ratatosk_agent::Rules) -> Rules {
    let mode = match rules.mode {
        ratatosk_agent::Mode::Off => Mode::Off,
        ratatosk_agent::Mode::Mention => Mode::Mention,
        ratatosk_agent::Mode::RoundRobin => Mode::RoundRobin,
        ratatosk_agent::Mode::Free => Mode::Free,
    };
    Rules { mode, hops: rules.hops }
}

/// A message of a topic.
pub(crate) fn message(topic: &model::Topic, message: &model::Message) -> types::Message {
    let file = |file: &model::Attachment| Attachment {
        file: file.data.to_string(),
        name: file.name.clone(),
        media_type: file.media_type.clone(),
        size: Some(file.size),
    };
    types::Message {
        id: message.id.to_string(),
        topic: topic.channel.to_string(),
        author: message.author.to_string(),
        own: message.own,
        at: i64::try_from(message.creation_time).unwrap_or(i64::MAX),
        text: message.text.clone(),
        affirmed: match message.affirmed {
            model::Affirmed::Verified => Affirmed::Verified,
            model::Affirmed::Unverified => Affirmed::Unverified,
            model::Affirmed::Forged => Affirmed::Forged,
        },
        attachments: message.attachments.iter().map(file).collect(),
    }
}

/// The topic whose channel this is.
///
/// # Errors
///
/// [`ModelError::UnknownTopic`].
pub(crate) fn find_topic(node: &Node, channel: &str) -> Result<model::Topic, ModelError> {
    let is_it = |topic: &model::Topic| topic.channel.to_string() == channel;
    node.topics()?.into_iter().find(is_it).ok_or(ModelError::UnknownTopic)
}

/// A person that was named.
///
/// # Errors
///
/// That it is no person id.
pub(crate) fn person(text: &str) -> Result<PersonId, Failure> {
    let help = "a person id has 64 hex digits; GET /v1/contacts lists those of your contacts";
    text.parse().map_err(|_| Failure::invalid(format!("{:?} is no person id", clipped(text)), help))
}

/// The beginning of a text that somebody sent, for an error.
pub(crate) fn clipped(text: &str) -> &str {
    &text[..text.floor_char_boundary(80)]
}
