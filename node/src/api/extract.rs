//! What comes with a request: bounded, and with errors as everywhere.

use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::refusal::Refusal;

/// The longest JSON, in bytes: a message of 10 MiB fits, escaped.
const MAX_JSON: usize = 16 << 20;
/// How long it may take to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// JSON in the body of a request.
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        let slow = |_| Refusal::new(StatusCode::REQUEST_TIMEOUT, "timeout", "the body did not come in time", "");
        let read = timeout(PATIENCE, to_bytes(request.into_body(), MAX_JSON)).await.map_err(slow)?;
        let bytes = read.map_err(|_| {
            let help = "files go with POST /v1/files, which takes 1 GiB";
            Refusal::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too_large",
                "the body is longer than 16 MiB, or broke off",
                help,
            )
        })?;
        // A body that is left out is one in which nothing is said.
        let bytes = if bytes.is_empty() { b"{}".as_slice() } else { &bytes };
        serde_json::from_slice(bytes).map(Self).map_err(|error| {
            let help = "GET /openapi.json says what belongs there";
            Refusal::new(
                StatusCode::BAD_REQUEST,
                "invalid",
                format!("the body is not what it should be: {error}"),
                help,
            )
        })
    }
}

/// What stands behind the question mark.
pub(super) struct Params<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let Query(params) = Query::from_request_parts(parts, state).await.map_err(|rejection| {
            Refusal::new(
                StatusCode::BAD_REQUEST,
                "invalid",
                rejection.body_text(),
                "GET /openapi.json says what belongs there",
            )
        })?;
        Ok(Self(params))
    }
}

/// What is named in the address.
pub(super) struct Named(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let Path(name) = Path::from_request_parts(parts, state)
            .await
            .map_err(|rejection| Refusal::new(StatusCode::BAD_REQUEST, "invalid", rejection.body_text(), ""))?;
        Ok(Self(name))
    }
}

#[cfg(test)]
mod tests {
    use axum::body;
    use futures_util::stream;
    use serde_json::Value;

    use super::*;

    async fn read(body: body::Body) -> Result<Value, &'static str> {
        let read = Body::<Value>::from_request(Request::new(body), &()).await;
        read.map(|Body(value)| value).map_err(|refusal| refusal.code())
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_given_up() {
        let slow = stream::pending::<Result<Vec<u8>, std::io::Error>>();
        assert_eq!(read(body::Body::from_stream(slow)).await, Err("timeout"));
    }

    #[tokio::test]
    async fn a_body_is_bounded_and_has_to_be_json() {
        assert_eq!(read(body::Body::from(vec![b' '; MAX_JSON + 1])).await, Err("too_large"));
        assert_eq!(read(body::Body::from("{")).await, Err("invalid"));
        assert_eq!(read(body::Body::empty()).await, Ok(Value::Object(serde_json::Map::new())));
    }
}
