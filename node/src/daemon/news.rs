//! What the owner's service tells, as events. It is taken all the time: whoever does not take it slows down peers.

use std::collections::BTreeSet;
use std::sync::Arc;

use ratatosk_objects::PersonId;
use tokio::sync::mpsc;

use super::{Core, Failure, view};
use crate::api::types::{ConnectionEvent, DeliveredEvent, DraftEvent, DraftState, Event, PairedEvent, TroubleEvent};
use crate::model::{Change, Node};
use crate::service::{self, News};

/// Takes what is told until the service ends.
pub(super) async fn pump(core: Arc<Core>, mut told: mpsc::Receiver<News>) {
    let mut connected = BTreeSet::new();
    while let Some(news) = told.recv().await {
        if let Err(failure) = take(&core, &mut connected, news).await {
            tracing::warn!(%failure, "something that happened could not be told");
        }
    }
}

async fn take(core: &Arc<Core>, connected: &mut BTreeSet<PersonId>, news: News) -> Result<(), Failure> {
    match news {
        News::Online(online) => core.hub.tell(Event::Online { online }),
        News::Paired { person, initiated, .. } => {
            core.acquainted();
            if let Some(contact) = contact(core, person).await? {
                core.hub.tell(Event::Paired(PairedEvent { contact, initiated, agent: None }));
            }
        }
        News::Connection(_) => connections(core, connected),
        News::Changed(Change::Profile(person)) => {
            core.acquainted();
            if let Some(contact) = contact(core, person).await? {
                core.hub.tell(Event::Contact(contact));
            }
        }
        News::Changed(Change::Topic(topic)) => {
            let topic = core.on_disk(move |node| view::topic(node, &topic)).await?;
            core.hub.tell(Event::Topic(topic));
        }
        News::Changed(Change::Messages { topic, arrivals }) => {
            let topic = core.on_disk(move |node| node.topic(&topic)).await?;
            let missed = arrivals.total.saturating_sub(arrivals.messages.len());
            if missed > 0 {
                core.hub.tell(Event::Lagged { missed: u64::try_from(missed).unwrap_or(u64::MAX) });
            }
            for message in &arrivals.messages {
                core.hub.tell(Event::Message(view::message(&topic, message)));
            }
        }
        News::Delivered { person, id } => {
            let is_topic = move |node: &Node| Ok(node.topics()?.iter().any(|topic| topic.channel == id));
            if core.on_disk(is_topic).await? {
                let (person, topic) = (person.to_string(), id.to_string());
                core.hub.tell(Event::Delivered(DeliveredEvent { person, topic }));
            }
        }
        News::Draft { person, draft } => {
            let state = match draft.state {
                service::DraftState::Writing => DraftState::Writing,
                service::DraftState::Done => DraftState::Done,
                service::DraftState::Failed => DraftState::Failed,
                service::DraftState::Cancelled => DraftState::Cancelled,
            };
            let id = draft.topic;
            // It may name any topic in which both could take part: one that is not here is nothing to write into a log.
            let is_here = move |node: &Node| Ok(node.topic(&id).ok());
            let Some(topic) = core.on_disk(is_here).await? else { return Ok(()) };
            core.hub.tell(Event::Draft(DraftEvent {
                topic: topic.channel.to_string(),
                person: person.to_string(),
                answer: draft.answer.to_string(),
                offset: draft.offset,
                text: draft.text,
                state,
                note: None,
            }));
        }
        News::Trouble { place, text } => {
            core.hub.tell(Event::Trouble(TroubleEvent { place: place.to_owned(), text, agent: None }));
        }
        _ => {}
    }
    Ok(())
}

async fn contact(core: &Arc<Core>, person: PersonId) -> Result<Option<crate::api::types::Contact>, Failure> {
    let connected = view::connected(core);
    let read =
        move |node: &Node| node.contact(person)?.map(|contact| view::contact(node, &contact, &connected)).transpose();
    core.on_disk(read).await
}

/// Tells who is connected now and was not before, and the other way round.
fn connections(core: &Core, connected: &mut BTreeSet<PersonId>) {
    let now = view::connected(core);
    let tell = |person: &PersonId, connected| {
        core.hub.tell(Event::Connection(ConnectionEvent { person: person.to_string(), connected, agent: None }));
    };
    now.difference(connected).for_each(|person| tell(person, true));
    connected.difference(&now).for_each(|person| tell(person, false));
    *connected = now;
}
