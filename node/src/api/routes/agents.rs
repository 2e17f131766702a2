//! The AIs of this node.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::{Answer, Body, Daemon, Named, Refusal};
use crate::api::types::{self, Agent, Agents, EditAgent, ErrorBody, NewAgent, Queue};
use crate::daemon::{Core, Failure, blocking};
use crate::model::{self, AgentEdit, AgentSettings, MAX_SLUG};

/// What an AI is told about itself if nobody says otherwise.
const PERSONALITY: &str = "You are a helpful assistant. You answer briefly and to the point.";

/// All AIs of this node.
#[utoipa::path(
    get, path = "/v1/agents", tag = "agents",
    responses((status = 200, body = Agents), (status = "default", description = "why not", body = ErrorBody)),
)]
pub(in super::super) async fn list(State(core): Daemon) -> Answer<Agents> {
    Ok(Json(Agents { agents: core.fleet.list(&core).await? }))
}

/// Makes an AI, with an identity of its own.
#[utoipa::path(
    post, path = "/v1/agents", tag = "agents", request_body = NewAgent,
    responses((status = 200, body = Agent), (status = "default", description = "why not", body = ErrorBody)),
)]
pub(in super::super) async fn create(State(core): Daemon, Body(new): Body<NewAgent>) -> Answer<Agent> {
    let slug = match new.slug {
        Some(slug) => slug,
        None => slug_of(&new.name).ok_or_else(|| {
            Failure::invalid("no short name can be made of this name", "give one: letters, digits and hyphens")
        })?,
    };
    let model = known(&core, new.model).await?;
    let defaults = AgentSettings::default();
    let settings = AgentSettings {
        model,
        personality: new.personality.unwrap_or_else(|| PERSONALITY.to_owned()),
        preset: preset(new.preset),
        temperature: new.temperature,
        max_tokens: new.max_tokens.unwrap_or(defaults.max_tokens),
        context: new.context.unwrap_or(core.config.agents.context),
        audience: audience(new.audience),
        active: true,
    };
    let new = model::NewAgent { slug, name: new.name, settings };
    Ok(Json(core.fleet.create(&core, new).await?))
}

/// An AI of this node.
#[utoipa::path(
    get, path = "/v1/agents/{slug}", tag = "agents", params(("slug", description = "its short name")),
    responses((status = 200, body = Agent), (status = "default", description = "why not", body = ErrorBody)),
)]
pub(in super::super) async fn show(State(core): Daemon, Named(slug): Named) -> Answer<Agent> {
    Ok(Json(core.fleet.show(&core, &slug).await?))
}

/// Changes an AI; what is not named stays.
#[utoipa::path(
    patch, path = "/v1/agents/{slug}", tag = "agents", request_body = EditAgent,
    params(("slug", description = "its short name")),
    responses((status = 200, body = Agent), (status = "default", description = "why not", body = ErrorBody)),
)]
pub(in super::super) async fn edit(
    State(core): Daemon,
    Named(slug): Named,
    Body(edit): Body<EditAgent>,
) -> Answer<Agent> {
    let name = slug.clone();
    let now = core.on_disk(move |node| node.agent(&name)).await?.settings;
    let model = match edit.model {
        Some(model) => known(&core, model).await?,
        None => now.model,
    };
    let temperature = match (edit.temperature, edit.preset) {
        (Some(temperature), _) => Some(temperature),
        (None, Some(_)) => None,
        (None, None) => now.temperature,
    };
    let context = match edit.context {
        Some(0) => core.config.agents.context,
        Some(context) => context,
        None => now.context,
    };
    let settings = AgentSettings {
        model,
        personality: edit.personality.unwrap_or(now.personality),
        preset: edit.preset.map_or(now.preset, preset),
        temperature,
        max_tokens: edit.max_tokens.unwrap_or(now.max_tokens),
        context,
        audience: edit.audience.map_or(now.audience, audience),
        active: edit.active.unwrap_or(now.active),
    };
    let edit = AgentEdit { name: edit.name, settings: Some(settings) };
    Ok(Json(core.fleet.edit(&core, &slug, edit).await?))
}

/// Removes an AI and its keys; what it has said to us stays.
#[utoipa::path(
    delete, path = "/v1/agents/{slug}", tag = "agents", params(("slug", description = "its short name")),
    responses((status = 204, description = "done"), (status = "default", description = "why not", body = ErrorBody)),
)]
pub(in super::super) async fn remove(State(core): Daemon, Named(slug): Named) -> Result<StatusCode, Refusal> {
    core.fleet.remove(&core, &slug).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the engines have to do.
#[utoipa::path(
    get, path = "/v1/queue", tag = "agents",
    responses((status = 200, body = Queue), (status = "default", description = "why not", body = ErrorBody)),
)]
pub(in super::super) async fn queue(State(core): Daemon) -> Answer<Queue> {
    Ok(Json(core.fleet.engines.queue()))
}

/// The name of a model that exists, as the catalogue has it.
async fn known(core: &Arc<Core>, name: String) -> Result<String, Failure> {
    let catalogue = core.fleet.catalogue.clone();
    blocking(move || Ok(catalogue.get(&name)?.entry.name)).await
}

fn preset(preset: types::Preset) -> model::Preset {
    match preset {
        types::Preset::Precise => model::Preset::Precise,
        types::Preset::Balanced => model::Preset::Balanced,
        types::Preset::Creative => model::Preset::Creative,
    }
}

fn audience(audience: types::Audience) -> model::Audience {
    match audience {
        types::Audience::Contacts => model::Audience::Contacts,
        types::Audience::Owner => model::Audience::Owner,
    }
}

/// A short name made of a name; none of letters that short names do not have.
fn slug_of(name: &str) -> Option<String> {
    let mut slug = String::new();
    for letter in name.chars() {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() == MAX_SLUG {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    (!slug.is_empty()).then(|| slug.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::is_slug;

    #[test]
    fn a_short_name_is_made_of_a_name() {
        assert_eq!(slug_of("Munin, the Second").as_deref(), Some("munin-the-second"));
        assert_eq!(slug_of(" -Änne- ").as_deref(), Some("nne"));
        assert_eq!(slug_of("日本"), None);
        for name in ["x".repeat(100), "a-".repeat(100), "A b".to_owned()] {
            assert!(is_slug(&slug_of(&name).unwrap()), "{name}");
        }
    }
}
