//! What is said in a conversation.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::{Answer, Body, Daemon, Named, Params};
use crate::api::types::{ErrorBody, Event, Message, Messages, NewMessage, PageQuery};
use crate::daemon::{Core, Failure, view};
use crate::model::{Cursor, MAX_ATTACHMENTS, ModelError, Node};

/// Messages of a page if nobody says otherwise, and at most.
const LIMIT: usize = 50;
const MOST: usize = 200;

/// A page of messages.
#[utoipa::path(
    get, path = "/v1/topics/{topic}/messages", tag = "talk",
    params(("topic", description = "id of the conversation"), PageQuery),
    responses((status = 200, body = Messages), (status = "default", description = "why not", body = ErrorBody)),
)]
pub(in super::super) async fn list(
    State(core): Daemon,
    Named(topic): Named,
    Params(page): Params<PageQuery>,
) -> Answer<Messages> {
    let limit = page.limit.unwrap_or(LIMIT);
    if !(1..=MOST).contains(&limit) {
        return Err(Failure::invalid(format!("a page has 1 to {MOST} messages"), "").into());
    }
    let read_cursor = |text: &String| {
        let help = "give `older` of the page after it";
        text.parse::<Cursor>().map_err(|_| Failure::invalid("`before` is no place in a conversation", help))
    };
    let before = page.before.as_ref().map(read_cursor).transpose()?;
    let read = move |node: &Node| {
        let topic = view::find_topic(node, &topic)?;
        let page = node.messages(&topic.id.to_string(), before, limit)?;
        let messages = page.messages.iter().map(|message| view::message(&topic, message)).collect();
        Ok(Messages { messages, older: page.older.map(|older| older.to_string()) })
    };
    Ok(Json(core.on_disk(read).await?))
}

/// Says something. It is stored and signed when this is answered.
#[utoipa::path(
    post, path = "/v1/topics/{topic}/messages", tag = "talk", request_body = NewMessage,
    params(("topic", description = "id of the conversation")),
    responses((status = 200, body = Message), (status = "default", description = "why not", body = ErrorBody)),
)]
pub(in super::super) async fn post(
    State(core): Daemon,
    Named(topic): Named,
    Body(new): Body<NewMessage>,
) -> Answer<Message> {
    if new.text.is_empty() && new.attachments.is_empty() {
        return Err(Failure::invalid("a message says something, or brings a file", "").into());
    }
    if new.attachments.len() > MAX_ATTACHMENTS {
        return Err(Failure::invalid(format!("more than {MAX_ATTACHMENTS} files"), "").into());
    }
    let message = say(core.clone(), topic, new).await?;
    core.changed();
    core.hub.tell(Event::Message(message.clone()));
    Ok(Json(message))
}

async fn say(core: Arc<Core>, topic: String, new: NewMessage) -> Result<Message, Failure> {
    let topic = core.on_disk(move |node| view::find_topic(node, &topic)).await?;
    let names: Vec<String> = new.attachments.iter().map(|file| file.file.clone()).collect();
    let files = core.files.take(&names)?;
    let write = move |node: &Node| {
        let id = topic.id.to_string();
        let posted = node.post(&id, &new.text, files)?;
        // What was posted is the newest, unless others have come in between or somebody's clock is ahead. Those before it may be
        // long, and are read only if they have to be.
        for limit in [1, 8, MOST] {
            let page = node.messages(&id, None, limit)?;
            if let Some(message) = page.messages.iter().find(|message| message.id == posted.id) {
                return Ok(view::message(&topic, message));
            }
        }
        Err(ModelError::UnknownMessage)
    };
    core.on_disk(write).await
}
