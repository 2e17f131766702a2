//! How the daemon is, and its end.

use axum::http::StatusCode;
use axum::{Json, extract::State};

use super::{Answer, Daemon};
use crate::api::types::{ErrorBody, Me, Relay, Status};
use crate::daemon::Core;
use crate::model::Node;

/// How the daemon is.
#[utoipa::path(
    get, path = "/v1/status", tag = "daemon",
    responses((status = 200, body = Status), (status = "default", description = "why not", body = ErrorBody)),
)]
pub(in super::super) async fn status(State(core): Daemon) -> Answer<Status> {
    let read = |node: &Node| Ok((me(node)?, node.contacts()?.len(), node.topics()?.len(), node.comm_server()?));
    let (me, contacts, topics, known) = core.on_disk(read).await?;
    Ok(Json(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        started: core.started,
        folder: core.node.dir().to_string_lossy().into_owned(),
        me,
        relay: relay(&core, known),
        connections: core.network.as_ref().map_or(0, |network| network.service.connections().len()),
        contacts,
        topics,
        agents: core.fleet.briefs(&core).await?,
        engines: core.fleet.engines(),
        inference: cfg!(feature = "llama"),
        problems: problems(&core),
    }))
}

fn me(node: &Node) -> Result<Me, crate::model::ModelError> {
    let me = node.me();
    let (person, instance, email) = (me.person.to_string(), me.instance.to_string(), me.identity.email.clone());
    Ok(Me { person, instance, email, name: node.name()? })
}

/// Its CommServer; where the node is not on the network, the one at which it would be.
fn relay(core: &Core, known: Option<String>) -> Relay {
    let embedded = core.embedded.map(|address| address.to_string());
    match &core.network {
        Some(network) => Relay { url: network.url.clone(), online: *network.service.online().borrow(), embedded },
        None => {
            let url = core.config.relay.url.clone().or(known).unwrap_or_default();
            Relay { url, online: false, embedded }
        }
    }
}

fn problems(core: &Core) -> Vec<String> {
    let mut problems = core.fleet.problems();
    if let Some(network) = &core.network
        && !*network.service.online().borrow()
    {
        let why = core.tracer.last_failure().unwrap_or_else(|| "it does not answer yet".to_owned());
        problems.push(format!("the CommServer {} does not have us: {why}", network.url));
    }
    problems
}

/// Ends the daemon.
#[utoipa::path(
    post, path = "/v1/stop", tag = "daemon",
    responses(
        (status = 202, description = "it stops"),
        (status = "default", description = "why not", body = ErrorBody),
    ),
)]
pub(in super::super) async fn stop(State(core): Daemon) -> StatusCode {
    core.stop();
    StatusCode::ACCEPTED
}
