//! The models of this node.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ratatosk_engine::gguf::{self, KvType, Use};

use super::{Answer, Body, Daemon, Named, Refusal};
use crate::api::types::{ErrorBody, Event, ImportModel, Model, Models, Progress};
use crate::daemon::{Core, Failure, blocking};
use crate::model::Node;
use crate::models::{self, Import, name_of};

/// Tokens of a prompt that a worker computes together.
const BATCH: u32 = 64;

/// The slugs of those that use each model.
type Users = BTreeMap<String, Vec<String>>;

/// All models.
#[utoipa::path(
    get, path = "/v1/models", tag = "agents",
    responses((status = 200, body = Models), (status = "default", description = "why not", body = ErrorBody)),
)]
pub(in super::super) async fn list(State(core): Daemon) -> Answer<Models> {
    let (users, catalogue) = (users(&core).await?, core.fleet.catalogue.clone());
    let models = blocking(move || Ok(catalogue.list()?)).await?;
    Ok(Json(Models { models: models.iter().map(|model| shown(model, &users)).collect() }))
}

/// Makes a model of a GGUF file. How far it is, events tell.
#[utoipa::path(
    post, path = "/v1/models", tag = "agents", request_body = ImportModel,
    responses((status = 200, body = Model), (status = "default", description = "why not", body = ErrorBody)),
)]
pub(in super::super) async fn import(State(core): Daemon, Body(new): Body<ImportModel>) -> Answer<Model> {
    let path = PathBuf::from(&new.path);
    if !path.is_absolute() {
        return Err(Failure::invalid("the path of the file has to be absolute", "begin it with /").into());
    }
    let name = new.name.unwrap_or_else(|| name_of(&path));
    let import = Import { path, name, in_place: new.link };
    let (catalogue, hub) = (core.fleet.catalogue.clone(), core.hub.clone());
    let stopping = core.stopping();
    let model = blocking(move || {
        let mut told = 0;
        let what = format!("import of {}", import.name.escape_debug());
        let mut tell = |progress: models::Progress| {
            // A hundred times at most.
            let step = progress.done.saturating_mul(100).checked_div(progress.total).unwrap_or(100);
            if step > told {
                told = step;
                let (done, total) = (progress.done, Some(progress.total));
                hub.tell(Event::Progress(Progress { what: what.clone(), done, total }));
            }
            if *stopping.borrow() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        Ok(catalogue.import(&import, &mut tell)?)
    });
    Ok(Json(shown(&model.await?, &Users::new())))
}

/// A model.
#[utoipa::path(
    get, path = "/v1/models/{name}", tag = "agents", params(("name", description = "its name")),
    responses((status = 200, body = Model), (status = "default", description = "why not", body = ErrorBody)),
)]
pub(in super::super) async fn show(State(core): Daemon, Named(name): Named) -> Answer<Model> {
    let (users, catalogue) = (users(&core).await?, core.fleet.catalogue.clone());
    let context = core.config.agents.context;
    let (model, memory) = blocking(move || {
        let model = catalogue.get(&name)?;
        let memory = memory(&model, context);
        Ok((model, memory))
    })
    .await?;
    Ok(Json(Model { memory, ..shown(&model, &users) }))
}

/// Removes a model that no AI uses. A file that was used where it lies stays there.
#[utoipa::path(
    delete, path = "/v1/models/{name}", tag = "agents", params(("name", description = "its name")),
    responses((status = 204, description = "done"), (status = "default", description = "why not", body = ErrorBody)),
)]
pub(in super::super) async fn remove(State(core): Daemon, Named(name): Named) -> Result<StatusCode, Refusal> {
    let (users, catalogue) = (users(&core).await?, core.fleet.catalogue.clone());
    blocking(move || {
        let known = catalogue.get(&name)?.entry.name;
        Ok(catalogue.remove(&known, users.get(&known).map_or(&[], Vec::as_slice))?)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What running it takes with so many tokens of context; `None` if its file is not what it was.
fn memory(model: &models::Model, context: u32) -> Option<u64> {
    let header = gguf::open(&model.path).ok().filter(|_| model.problem.is_none())?;
    let context = context.min(model.entry.context);
    Some(header.memory(Use { context, slots: 1, kv: KvType::F16, batch: BATCH }).total())
}

async fn users(core: &Arc<Core>) -> Result<Users, Failure> {
    let mut users = Users::new();
    for agent in core.on_disk(Node::agents).await? {
        users.entry(agent.settings.model).or_default().push(agent.slug);
    }
    Ok(users)
}

fn shown(model: &models::Model, users: &Users) -> Model {
    let entry = &model.entry;
    Model {
        name: entry.name.clone(),
        path: model.path.to_string_lossy().into_owned(),
        size: entry.size,
        sha256: entry.sha256.clone(),
        architecture: entry.architecture.clone(),
        parameters: Some(entry.parameters),
        quantisation: Some(entry.quantisation.clone()),
        context: Some(entry.context),
        chat: entry.chat,
        title: entry.title.clone(),
        memory: None,
        agents: users.get(&entry.name).cloned().unwrap_or_default(),
        problem: model.problem.clone(),
    }
}
