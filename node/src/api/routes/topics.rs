//! Conversations.

use axum::Json;
use axum::extract::State;

use super::{Answer, Body, Daemon, Named};
use crate::api::types::{EditTopic, ErrorBody, Event, NewTopic, Stopped, Topic, Topics};
use crate::daemon::{Failure, view};
use crate::model::{MAX_PARTICIPANTS, Node};

/// All conversations.
#[utoipa::path(
    get, path = "/v1/topics", tag = "talk",
    responses((status = 200, body = Topics), (status = "default", description = "why not", body = ErrorBody)),
)]
pub(in super::super) async fn list(State(core): Daemon) -> Answer<Topics> {
    let read = |node: &Node| node.topics()?.iter().map(|topic| view::topic(node, topic)).collect::<Result<Vec<_>, _>>();
    Ok(Json(Topics { topics: core.on_disk(read).await? }))
}

/// A new conversation of several, or the one with one person.
#[utoipa::path(
    post, path = "/v1/topics", tag = "talk", request_body = NewTopic,
    responses((status = 200, body = Topic), (status = "default", description = "why not", body = ErrorBody)),
)]
pub(in super::super) async fn create(State(core): Daemon, Body(new): Body<NewTopic>) -> Answer<Topic> {
    if new.people.len() > MAX_PARTICIPANTS {
        return Err(Failure::invalid(format!("more than {MAX_PARTICIPANTS} people"), "").into());
    }
    let people = new.people.iter().map(|person| view::person(person)).collect::<Result<Vec<_>, _>>()?;
    let topic = match (new.name, people.as_slice()) {
        (None, &[person]) => core.on_disk(move |node| view::topic(node, &node.topic_with(person)?)).await?,
        (Some(name), _) => core.on_disk(move |node| view::topic(node, &node.create_group(&name, &people)?)).await?,
        (None, _) => return Err(Failure::invalid("a conversation of several needs a name", "").into()),
    };
    core.changed();
    core.hub.tell(Event::Topic(topic.clone()));
    Ok(Json(topic))
}

/// A conversation.
#[utoipa::path(
    get, path = "/v1/topics/{topic}", tag = "talk",
    params(("topic", description = "id of the conversation")),
    responses((status = 200, body = Topic), (status = "default", description = "why not", body = ErrorBody)),
)]
pub(in super::super) async fn show(State(core): Daemon, Named(topic): Named) -> Answer<Topic> {
    Ok(Json(core.on_disk(move |node| view::topic(node, &view::find_topic(node, &topic)?)).await?))
}

/// Changes what only this node knows of a conversation.
#[utoipa::path(
    patch, path = "/v1/topics/{topic}", tag = "talk", request_body = EditTopic,
    params(("topic", description = "id of the conversation")),
    responses((status = 200, body = Topic), (status = "default", description = "why not", body = ErrorBody)),
)]
pub(in super::super) async fn edit(
    State(core): Daemon,
    Named(topic): Named,
    Body(edit): Body<EditTopic>,
) -> Answer<Topic> {
    if !(1..=10).contains(&edit.priority) {
        return Err(Failure::invalid("a priority is a number from 1 to 10", "10 is answered first").into());
    }
    let change = move |node: &Node| {
        let topic = view::find_topic(node, &topic)?;
        node.set_topic_priority(&topic.channel, edit.priority)?;
        view::topic(node, &topic)
    };
    let topic = core.on_disk(change).await?;
    core.hub.tell(Event::Topic(topic.clone()));
    Ok(Json(topic))
}

/// Ends what AIs of ours are writing in a conversation, or would.
#[utoipa::path(
    post, path = "/v1/topics/{topic}/stop", tag = "talk",
    params(("topic", description = "id of the conversation")),
    responses((status = 200, body = Stopped), (status = "default", description = "why not", body = ErrorBody)),
)]
pub(in super::super) async fn stop(State(core): Daemon, Named(topic): Named) -> Answer<Stopped> {
    let topic = core.on_disk(move |node| view::find_topic(node, &topic)).await?;
    Ok(Json(Stopped { answers: core.fleet.stop_answers(&topic.id.to_string()) }))
}
