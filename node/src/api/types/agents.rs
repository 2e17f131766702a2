//! The AIs of this node.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// All of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Agents {
    /// By slug.
    pub agents: Vec<Agent>,
}

/// An AI of this node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Agent {
    /// Its short name: letters, digits and hyphens.
    pub slug: String,
    /// The name that people see.
    pub name: String,
    /// Its person id.
    pub person: String,
    /// Its e-mail address, which nobody can write to.
    pub email: String,
    /// The model's name in the catalogue.
    pub model: String,
    /// What it is told about itself.
    pub personality: String,
    /// How its words are chosen.
    pub preset: Preset,
    /// Instead of the preset's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// The longest answer, in tokens.
    pub max_tokens: u32,
    /// Tokens of context; without, the daemon's setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<u32>,
    /// Who may talk to it.
    pub audience: Audience,
    /// Whether it answers.
    pub active: bool,
    /// How it is.
    pub state: AgentState,
    /// Whether it can be reached at the CommServer.
    pub online: bool,
    /// What keeps it from working, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// How an AI is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AgentState {
    /// Not active.
    Off,
    /// Nothing to do.
    Idle,
    /// Waits for its turn at the engine.
    Waiting,
    /// Reads or writes.
    Answering,
    /// Cannot work: see its problem.
    Failed,
}

/// How words are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// The likely ones.
    Precise,
    /// Between the two.
    #[default]
    Balanced,
    /// The surprising ones as well.
    Creative,
}

/// Who may talk to an AI.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Audience {
    /// The owner and all of the owner's contacts.
    #[default]
    Contacts,
    /// The owner alone; nobody else hears of it.
    Owner,
}

/// A new AI.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAgent {
    /// The name that people see.
    pub name: String,
    /// Its short name [default: made of the name].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// The model's name in the catalogue.
    pub model: String,
    /// What it is told about itself [default: to be a helpful assistant].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub personality: Option<String>,
    /// How its words are chosen.
    #[serde(default)]
    pub preset: Preset,
    /// Instead of the preset's, 0 to 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// The longest answer, in tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// Tokens of context; without, the daemon's setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<u32>,
    /// Who may talk to it.
    #[serde(default)]
    pub audience: Audience,
}

/// What is to be changed of an AI; what is not named stays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditAgent {
    /// The name that people see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The model's name in the catalogue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What it is told about itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub personality: Option<String>,
    /// How its words are chosen; a temperature of its own is given up, unless one is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<Preset>,
    /// Instead of the preset's, 0 to 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// The longest answer, in tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// Tokens of context; 0 is the daemon's setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<u32>,
    /// Who may talk to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<Audience>,
    /// Whether it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
}

/// What the engines have to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Queue {
    /// What runs, then what waits, in the order in which it will run as things are now.
    pub waiting: Vec<Waiting>,
}

/// An answer that is being written, or waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Waiting {
    /// The model.
    pub model: String,
    /// Whose answer to what, for a person.
    pub label: String,
    /// 1 to 10 (first).
    pub priority: u8,
    /// Whether it is being written.
    pub running: bool,
    /// Milliseconds since it was asked for.
    pub age: u64,
}
