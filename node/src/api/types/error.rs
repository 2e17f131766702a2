//! How an error looks.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The body of every answer that is no success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// What is wrong.
    pub error: ApiError,
}

/// What is wrong, and what can be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApiError {
    /// For programs: `not_found`, `invalid`, `unauthorized`, `forbidden`, `too_large`, `conflict`, `busy`, `timeout`,
    /// `unavailable`, `failed`.
    pub code: String,
    /// What happened, for a person.
    pub message: String,
    /// What to do about it, for a person; empty if there is nothing to say.
    #[serde(default)]
    pub help: String,
}
