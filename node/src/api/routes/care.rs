//! Looking after the node: examining, repairing, backing up.

use std::path::PathBuf;

use axum::Json;
use axum::extract::State;

use super::{Answer, Body, Daemon};
use crate::api::types::{BackupDone, ErrorBody, NewBackup, Repair, Report};
use crate::daemon::{Failure, backups, doctor};

/// Examines the node and what it needs. Takes as long as reading all of it.
#[utoipa::path(
    get, path = "/v1/doctor", tag = "daemon",
    responses((status = 200, body = Report), (status = "default", description = "why not", body = ErrorBody)),
)]
pub(in super::super) async fn examine(State(core): Daemon) -> Answer<Report> {
    Ok(Json(doctor::examine(&core).await?))
}

/// Repairs what can be repaired, and examines it again.
#[utoipa::path(
    post, path = "/v1/doctor/repair", tag = "daemon",
    responses((status = 200, body = Repair), (status = "default", description = "why not", body = ErrorBody)),
)]
pub(in super::super) async fn repair(State(core): Daemon) -> Answer<Repair> {
    Ok(Json(doctor::repair(&core).await?))
}

/// Writes all of the node into one encrypted file, while it goes on. How far it is, events tell.
#[utoipa::path(
    post, path = "/v1/backup", tag = "daemon", request_body = NewBackup,
    responses((status = 200, body = BackupDone), (status = "default", description = "why not", body = ErrorBody)),
)]
pub(in super::super) async fn backup(State(core): Daemon, Body(new): Body<NewBackup>) -> Answer<BackupDone> {
    if !PathBuf::from(&new.path).is_absolute() {
        return Err(Failure::invalid("the path of the backup has to be absolute", "begin it with /").into());
    }
    Ok(Json(backups::make(&core, new).await?))
}
