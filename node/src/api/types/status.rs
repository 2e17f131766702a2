//! How a daemon is.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AgentState;

/// How the daemon is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// The version of the program.
    pub version: String,
    /// Its process id.
    pub pid: u32,
    /// When it started.
    pub started: u64,
    /// The folder of the node.
    pub folder: String,
    /// Whose node it is.
    pub me: Me,
    /// The CommServer.
    pub relay: Relay,
    /// Connections that synchronise now.
    pub connections: usize,
    /// Contacts, AIs included.
    pub contacts: usize,
    /// Topics.
    pub topics: usize,
    /// The AIs of this node.
    pub agents: Vec<AgentBrief>,
    /// The models that are in memory, or were asked for.
    pub engines: Vec<EngineBrief>,
    /// Whether this build can run models: without, the programs that it would need were left out.
    pub inference: bool,
    /// What somebody should know, for a person; empty if all is well.
    pub problems: Vec<String>,
}

/// Whose node it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Me {
    /// Person id.
    pub person: String,
    /// Instance id.
    pub instance: String,
    /// E-mail address.
    pub email: String,
    /// The name that contacts see.
    pub name: String,
}

/// What is to be changed about ourselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditMe {
    /// The name that contacts see.
    pub name: String,
}

/// The CommServer of the node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Relay {
    /// Its address, as invitations name it.
    pub url: String,
    /// Whether we can be reached there.
    pub online: bool,
    /// Where the relay inside this process listens, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedded: Option<String>,
}

/// An AI of this node in one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgentBrief {
    /// Its short name.
    pub slug: String,
    /// The name that people see.
    pub name: String,
    /// The model's name in the catalogue.
    pub model: String,
    /// How it is.
    pub state: AgentState,
    /// Whether it can be reached at the CommServer.
    pub online: bool,
}

/// A model that runs, or was asked to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EngineBrief {
    /// The model's name in the catalogue.
    pub model: String,
    /// Tokens of context.
    pub context: u32,
    /// How it is.
    pub state: EngineState,
    /// Generations that run or wait.
    pub waiting: usize,
}

/// How an engine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EngineState {
    /// Not in memory; it is loaded when somebody asks.
    Idle,
    /// On its way into memory.
    Loading,
    /// In memory.
    Ready,
    /// The last attempt failed.
    Failed,
}
