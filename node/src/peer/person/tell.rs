//! What a peer with an identity tells, as JSON.

use ratatosk_node::model::{Contact, Message, Topic};
use ratatosk_node::service::ConnectionInfo;
use ratatosk_protocol::trace::Timeline;
use serde_json::{Value, json};

/// A connection, as the `connections` event and answer have it.
pub(super) fn connection(info: &ConnectionInfo) -> Value {
    json!({
        "personId": info.remote_person,
        "instanceId": info.remote_instance,
        "protocol": info.protocol,
        "connection": info.id,
    })
}

/// A contact.
pub(super) fn contact(contact: &Contact) -> Value {
    let mut told = json!({"personId": contact.person, "email": contact.email});
    if let Some(name) = &contact.name {
        told["name"] = json!(name);
    }
    told
}

/// A topic.
pub(super) fn topic(topic: &Topic) -> Value {
    json!({"id": topic.id.to_string(), "name": topic.name, "channel": topic.channel})
}

/// A message, as the `messages` answer has it.
pub(super) fn message(message: &Message) -> Value {
    let attachments: Vec<Value> = message.attachments.iter().map(attachment).collect();
    json!({
        "text": message.text,
        "author": message.author,
        "own": message.own,
        "creationTime": message.creation_time,
        "affirmed": format!("{:?}", message.affirmed).to_lowercase(),
        "attachments": attachments,
    })
}

/// What happened on a connection.
pub(super) fn timeline(connection: u64, timeline: &Timeline) -> Value {
    json!({
        "connection": connection,
        "role": timeline.role().name(),
        "lines": timeline.to_string().lines().collect::<Vec<_>>(),
    })
}

fn attachment(attachment: &ratatosk_node::model::Attachment) -> Value {
    json!({
        "name": attachment.name,
        "type": attachment.media_type,
        "hash": attachment.data,
        "size": attachment.size,
        "present": attachment.present,
    })
}
