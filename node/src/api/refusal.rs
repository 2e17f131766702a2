//! Answers that are no success: always `{"error": {"code", "message", "help"}}`.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::types::{ApiError, ErrorBody};
use crate::daemon::{Failure, Kind};

/// An answer that is no success.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
    help: String,
}

impl Refusal {
    pub(super) fn new(
        status: StatusCode,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self { status, code, message: message.into(), help: help.into() }
    }

    #[cfg(test)]
    pub(super) fn code(&self) -> &'static str {
        self.code
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        let Failure { kind, message, help } = failure;
        let (status, code) = match kind {
            Kind::Invalid => (StatusCode::BAD_REQUEST, "invalid"),
            Kind::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            Kind::Conflict => (StatusCode::CONFLICT, "conflict"),
            Kind::Busy => (StatusCode::TOO_MANY_REQUESTS, "busy"),
            Kind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            Kind::TimedOut => (StatusCode::GATEWAY_TIMEOUT, "timeout"),
            Kind::Failed => (StatusCode::INTERNAL_SERVER_ERROR, "failed"),
        };
        if kind == Kind::Failed {
            tracing::error!(%message, "a request failed");
        }
        Self { status, code, message, help }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self { status, code, message, help } = self;
        let body = ErrorBody { error: ApiError { code: code.to_owned(), message, help } };
        (status, Json(body)).into_response()
    }
}
