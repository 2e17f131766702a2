//! People whom we know.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::{Answer, Daemon, Named, Refusal};
use crate::api::types::{Contacts, ErrorBody};
use crate::daemon::view;

/// Everybody we know.
#[utoipa::path(
    get, path = "/v1/contacts", tag = "people",
    responses((status = 200, body = Contacts), (status = "default", description = "why not", body = ErrorBody)),
)]
pub(in super::super) async fn list(State(core): Daemon) -> Answer<Contacts> {
    let connected = view::connected(&core);
    let contacts = core.on_disk(move |node| {
        node.contacts()?.iter().map(|contact| view::contact(node, contact, &connected)).collect::<Result<Vec<_>, _>>()
    });
    Ok(Json(Contacts { contacts: contacts.await? }))
}

/// Trusts the keys of a contact no longer: they have begun anew, or lost a device. They stay a contact.
#[utoipa::path(
    post, path = "/v1/contacts/{person}/forget-keys", tag = "people",
    params(("person", description = "person id")),
    responses((status = 204, description = "done"), (status = "default", description = "why not", body = ErrorBody)),
)]
pub(in super::super) async fn forget_keys(State(core): Daemon, Named(person): Named) -> Result<StatusCode, Refusal> {
    let person = view::person(&person)?;
    core.on_disk(move |node| node.forget_keys(person)).await?;
    core.changed();
    core.acquainted();
    Ok(StatusCode::NO_CONTENT)
}
