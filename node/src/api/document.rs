//! The OpenAPI document, and the router: both are made of the same list of routes, so neither has what the other lacks.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::refusal::Refusal;
use super::routes::{agents, care, contacts, events, files, invitations, me, messages, models, status, topics, trace};
use super::types::Event;
use crate::daemon::Core;

/// Where the document is.
const PATH: &str = "/openapi.json";

#[derive(OpenApi)]
#[openapi(
    info(title = "Ratatosk", description = "The API of a node of the ONE network, on loopback."),
    components(schemas(Event)),
    security(("token" = [])),
    modifiers(&Token),
)]
struct Document;

/// That all of it asks for a token.
struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("from daemon.json")).build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

fn routes() -> OpenApiRouter<Arc<Core>> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(status::status))
        .routes(routes!(status::stop))
        .routes(routes!(me::edit))
        .routes(routes!(contacts::list))
        .routes(routes!(contacts::forget_keys))
        .routes(routes!(invitations::create))
        .routes(routes!(invitations::accept))
        .routes(routes!(invitations::revoke))
        .routes(routes!(topics::list, topics::create))
        .routes(routes!(topics::show, topics::edit))
        .routes(routes!(topics::stop))
        .routes(routes!(messages::list, messages::post))
        .routes(routes!(files::store))
        .routes(routes!(files::fetch))
        .routes(routes!(models::list, models::import))
        .routes(routes!(models::show, models::remove))
        .routes(routes!(agents::list, agents::create))
        .routes(routes!(agents::show, agents::edit, agents::remove))
        .routes(routes!(agents::queue))
        .routes(routes!(trace::trace))
        .routes(routes!(care::examine))
        .routes(routes!(care::repair))
        .routes(routes!(care::backup))
        .routes(routes!(events::events))
}

/// The router.
pub(super) fn router(core: Arc<Core>) -> Router {
    let (router, document) = routes().split_for_parts();
    router
        .route(PATH, get(async move || Json(document)))
        .fallback(async || {
            Refusal::new(
                StatusCode::NOT_FOUND,
                "not_found",
                "there is nothing here",
                "GET /openapi.json lists all there is",
            )
        })
        .method_not_allowed_fallback(async || {
            let help = "GET /openapi.json says what can be done with it";
            Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "invalid", "that cannot be done with this", help)
        })
        .with_state(core)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn every_answer_that_can_fail_says_how_it_looks() {
        let (_, document) = routes().split_for_parts();
        let document: Value = serde_json::from_str(&document.to_json().unwrap()).unwrap();
        let paths = document["paths"].as_object().unwrap();
        assert!(paths.len() > 20);
        for (path, methods) in paths {
            assert!(path.starts_with("/v1/"), "{path}");
            for (method, operation) in methods.as_object().unwrap() {
                assert!(operation["summary"].is_string() || operation["description"].is_string(), "{method} {path}");
                let answers = operation["responses"].as_object().unwrap();
                assert!(answers.keys().any(|status| status.starts_with('2')), "{method} {path}");
                assert!(answers["default"].is_object(), "{method} {path}");
            }
        }
    }

    #[test]
    fn the_document_refers_to_nothing_that_it_lacks() {
        fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
            match value {
                Value::Object(fields) => {
                    found.extend(fields.get("$ref").and_then(Value::as_str));
                    fields.values().for_each(|value| references(value, found));
                }
                Value::Array(values) => values.iter().for_each(|value| references(value, found)),
                _ => {}
            }
        }
        let (_, document) = routes().split_for_parts();
        let document: Value = serde_json::from_str(&document.to_json().unwrap()).unwrap();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 50);
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }
}
