//! How people become contacts.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ratatosk_pairing::Invitation as Link;
use tokio::time::timeout;

use super::{Answer, Body, Daemon, Refusal};
use crate::api::types::{AcceptInvitation, Contact, ErrorBody, Invitation, NewInvitation};
use crate::daemon::{Failure, Kind, now, view};
use crate::model::{ModelError, Node};

/// How long an invitation is good if nobody says otherwise, and at most, in minutes.
const MINUTES: u32 = 15;
const MOST_MINUTES: u32 = 7 * 24 * 60;
/// How long pairing may take.
const PAIRING: Duration = Duration::from_secs(90);

/// A new invitation, good for one person: to us, or to an AI of ours.
#[utoipa::path(
    post, path = "/v1/invitations", tag = "people", request_body = NewInvitation,
    responses((status = 200, body = Invitation), (status = "default", description = "why not", body = ErrorBody)),
)]
pub(in super::super) async fn create(State(core): Daemon, Body(new): Body<NewInvitation>) -> Answer<Invitation> {
    let minutes = new.minutes.unwrap_or(MINUTES);
    if !(1..=MOST_MINUTES).contains(&minutes) {
        return Err(Failure::invalid(format!("an invitation is good for 1 to {MOST_MINUTES} minutes"), "").into());
    }
    let service = match &new.agent {
        Some(slug) => core.fleet.service(slug)?,
        None => core.service()?.clone(),
    };
    let life = Duration::from_secs(60 * u64::from(minutes));
    let link = service.invite_for(life).await.map_err(Failure::from)?;
    let expires = now().saturating_add(u64::try_from(life.as_millis()).unwrap_or(u64::MAX));
    Ok(Json(Invitation { url: link.to_url(), json: link.to_json(), expires }))
}

/// Accepts an invitation. The contact is stored when this is answered.
#[utoipa::path(
    post, path = "/v1/invitations/accept", tag = "people", request_body = AcceptInvitation,
    responses((status = 200, body = Contact), (status = "default", description = "why not", body = ErrorBody)),
)]
pub(in super::super) async fn accept(State(core): Daemon, Body(given): Body<AcceptInvitation>) -> Answer<Contact> {
    let link = read(&given)?;
    let service = core.service()?.clone();
    let slow = |_| {
        let help = "the other end may have gone; an invitation is good once, and for a short time";
        Failure::new(Kind::TimedOut, "this invitation led to nothing: it took too long", help)
    };
    let accepted = timeout(PAIRING, service.accept(link)).await.map_err(slow)?;
    let (person, _) = accepted.map_err(Failure::from)?;
    let connected = view::connected(&core);
    let read = move |node: &Node| {
        let contact = node.contact(person)?.ok_or(ModelError::UnknownContact(person))?;
        view::contact(node, &contact, &connected)
    };
    Ok(Json(core.on_disk(read).await?))
}

/// Takes an invitation of ours back, or of an AI of ours.
#[utoipa::path(
    post, path = "/v1/invitations/revoke", tag = "people", request_body = AcceptInvitation,
    responses((status = 204, description = "done"), (status = "default", description = "why not", body = ErrorBody)),
)]
pub(in super::super) async fn revoke(
    State(core): Daemon,
    Body(given): Body<AcceptInvitation>,
) -> Result<StatusCode, Refusal> {
    let link = read(&given)?;
    core.service()?.revoke(&link.token).await.map_err(Failure::from)?;
    for service in core.fleet.services() {
        service.revoke(&link.token).await.map_err(Failure::from)?;
    }
    Ok(StatusCode::NO_CONTENT)
}

fn read(given: &AcceptInvitation) -> Result<Link, Failure> {
    let help = "copy the whole link that the inviter was shown";
    Link::parse(&given.invitation).map_err(|error| Failure::invalid(error.to_string(), help))
}
