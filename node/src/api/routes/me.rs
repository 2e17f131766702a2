//! Who we are.

use axum::extract::State;
use axum::http::StatusCode;

use super::{Body, Daemon, Refusal};
use crate::api::types::{EditMe, ErrorBody};

/// Changes the name that contacts see.
#[utoipa::path(
    patch, path = "/v1/me", tag = "daemon", request_body = EditMe,
    responses((status = 204, description = "done"), (status = "default", description = "why not", body = ErrorBody)),
)]
pub(in super::super) async fn edit(State(core): Daemon, Body(edit): Body<EditMe>) -> Result<StatusCode, Refusal> {
    core.on_disk(move |node| node.set_name(&edit.name)).await?;
    core.changed();
    core.acquainted();
    Ok(StatusCode::NO_CONTENT)
}
