//! What can be asked for, a file for each thing. Everything that waits for the disk does so on threads that may.

pub(super) mod agents;
pub(super) mod care;
pub(super) mod contacts;
pub(super) mod events;
pub(super) mod files;
pub(super) mod invitations;
pub(super) mod me;
pub(super) mod messages;
pub(super) mod models;
pub(super) mod status;
pub(super) mod topics;
pub(super) mod trace;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::extract::{Body, Named, Params};
use super::refusal::Refusal;
use crate::daemon::Core;

/// The daemon that is asked.
type Daemon = State<Arc<Core>>;
/// What is answered.
type Answer<T> = Result<Json<T>, Refusal>;
