//! What happened on connections.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;

use super::{Answer, Daemon};
use crate::api::types::{ErrorBody, Trace};
use crate::model::Node;

/// The connections that are open, and those that ended last, phase by phase.
#[utoipa::path(
    get, path = "/v1/trace", tag = "daemon",
    responses((status = 200, body = Trace), (status = "default", description = "why not", body = ErrorBody)),
)]
pub(in super::super) async fn trace(State(core): Daemon) -> Answer<Trace> {
    let owners = core.on_disk(Node::endpoints).await?;
    let owners: BTreeMap<_, _> = owners.into_iter().map(|endpoint| (endpoint.key, endpoint.person)).collect();
    let mut connections = Vec::new();
    for (agent, tracer) in core.tracers() {
        for (mut connection, remote) in tracer.connections() {
            connection.agent.clone_from(&agent);
            connection.person = remote.and_then(|key| owners.get(&key)).map(ToString::to_string);
            connections.push(connection);
        }
    }
    Ok(Json(Trace { connections }))
}
