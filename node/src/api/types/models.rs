//! Models that this node has.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The catalogue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Models {
    /// By name.
    pub models: Vec<Model>,
}

/// A model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Model {
    /// What it is called here.
    pub name: String,
    /// Where its file lies.
    pub path: String,
    /// Bytes of the file.
    pub size: u64,
    /// Hash of the file.
    pub sha256: String,
    /// The family of its architecture, like `llama`.
    pub architecture: String,
    /// How many parameters, if that can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<u64>,
    /// How its weights are stored, like `Q4_1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantisation: Option<String>,
    /// Tokens of context that it was trained for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<u32>,
    /// Whether it comes with a chat template.
    pub chat: bool,
    /// What it calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Bytes of memory that it is expected to need with the context of the settings, when one model is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// Slugs of the AIs that use it.
    #[serde(default)]
    pub agents: Vec<String>,
    /// What is wrong with it now, if anything: the file is gone or has changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// A GGUF file that is to become a model of this node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportModel {
    /// Where it lies on the machine of the daemon; absolute.
    pub path: String,
    /// What it shall be called [default: the file's name].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Use the file where it lies, and do not copy it.
    #[serde(default)]
    pub link: bool,
}
