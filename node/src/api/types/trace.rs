//! What happened on connections, phase by phase.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The connections that are open, and those that ended last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Trace {
    /// Oldest first.
    pub connections: Vec<TraceConnection>,
}

/// A connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TraceConnection {
    /// Its number.
    pub id: u64,
    /// The slug of the AI whose connection it is; without, the owner's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Person id of the other end, once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// Whether it is still open.
    pub open: bool,
    /// What happened, oldest first.
    pub entries: Vec<TraceEntry>,
    /// How it ended, if it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TraceEntry {
    /// Microseconds since the connection began.
    pub at: u64,
    /// The phase, like `challenge`.
    pub phase: String,
    /// More, for a person; texts of the other end are escaped.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}
