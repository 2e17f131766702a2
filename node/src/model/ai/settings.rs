//! What a person chooses about an AI of theirs, and what is known of one.

use ratatosk_objects::PersonId;
use serde::{Deserialize, Serialize};

use super::super::ModelError;
use super::super::home::MAX_NAME;
use super::email::{AgentEmail, is_slug};

/// The longest personality, in bytes.
pub const MAX_PERSONALITY: usize = 16 << 10;
/// The longest name of a model, in bytes.
pub const MAX_MODEL_NAME: usize = 256;
/// The longest answer that can be asked for, in tokens.
pub const MAX_ANSWER: u32 = 1 << 20;
/// The largest context that can be asked for, in tokens.
pub const MAX_CONTEXT: u32 = 1 << 24;

/// Who gets to know an AI.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Audience {
    /// All contacts of its owner: it is introduced to them.
    #[default]
    Contacts,
    /// Its owner alone.
    Owner,
}

/// How an AI chooses its words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// Near to what is most likely.
    Precise,
    /// In between.
    #[default]
    Balanced,
    /// More freely.
    Creative,
}

/// What a person chooses about an AI.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentSettings {
    /// Which model answers, by its name in the catalogue; empty: none yet.
    pub model: String,
    /// Who it is and how it behaves, in words.
    pub personality: String,
    /// How it chooses its words.
    pub preset: Preset,
    /// The temperature, if not that of the preset: 0 to 2.
    pub temperature: Option<f64>,
    /// The longest answer, in tokens.
    pub max_tokens: u32,
    /// How much of a conversation it sees, in tokens.
    pub context: u32,
    /// Who gets to know it.
    pub audience: Audience,
    /// Whether it answers.
    pub active: bool,
}

impl Default for AgentSettings {
    fn default() -> Self {
        Self {
            model: String::new(),
            personality: String::new(),
            preset: Preset::default(),
            temperature: None,
            max_tokens: 512,
            context: 2048,
            audience: Audience::default(),
            active: true,
        }
    }
}

/// An AI that is to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct NewAgent {
    /// Its short name: lower-case letters, digits, and single hyphens between them, at most
    /// [`MAX_SLUG`](super::email::MAX_SLUG) bytes.
    pub slug: String,
    /// The name that contacts see.
    pub name: String,
    /// The rest.
    pub settings: AgentSettings,
}

/// What is to be another way about an AI.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AgentEdit {
    /// Another name.
    pub name: Option<String>,
    /// Other settings, all of them.
    pub settings: Option<AgentSettings>,
}

/// An AI of ours.
#[derive(Clone, Debug, PartialEq)]
pub struct Agent {
    /// Its short name.
    pub slug: String,
    /// Who it is.
    pub person: PersonId,
    /// Its e-mail.
    pub email: AgentEmail,
    /// The name that contacts see.
    pub name: String,
    /// What was chosen about it.
    pub settings: AgentSettings,
    /// Whether it can be used.
    pub state: AgentState,
    /// When it last answered, in milliseconds since 1970.
    pub last_used: Option<u64>,
    /// How often it has answered.
    pub usage_count: u64,
}

/// Whether an AI can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentState {
    /// It can.
    Ready,
    /// Its folder is gone, and with it its keys: it can be removed and nothing else.
    KeysLost,
    /// Its removal has begun and did not end.
    Removing,
}

impl AgentSettings {
    pub(super) fn check(&self) -> Result<(), ModelError> {
        let unusable = |what| Err(ModelError::Unusable { what });
        let is_shown = |text: &str| !text.chars().any(char::is_control);
        if self.model.len() > MAX_MODEL_NAME {
            return Err(ModelError::TooMuch { what: "bytes in the name of a model", limit: MAX_MODEL_NAME });
        }
        if self.personality.len() > MAX_PERSONALITY {
            return Err(ModelError::TooMuch { what: "bytes in a personality", limit: MAX_PERSONALITY });
        }
        if !is_shown(&self.model) {
            return unusable("the name of the model");
        }
        if self.personality.chars().any(|letter| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t')) {
            return unusable("the personality");
        }
        if self.temperature.is_some_and(|temperature| !(0.0..=2.0).contains(&temperature)) {
            return Err(ModelError::OutOfRange { what: "the temperature", least: 0, most: 2 });
        }
        if !(1..=MAX_ANSWER).contains(&self.max_tokens) {
            return Err(ModelError::OutOfRange { what: "the tokens of an answer", least: 1, most: MAX_ANSWER.into() });
        }
        if !(64..=MAX_CONTEXT).contains(&self.context) {
            return Err(ModelError::OutOfRange {
                what: "the tokens of the context",
                least: 64,
                most: MAX_CONTEXT.into(),
            });
        }
        Ok(())
    }
}

impl NewAgent {
    pub(super) fn check(&self) -> Result<(), ModelError> {
        if !is_slug(&self.slug) {
            return Err(ModelError::BadSlug);
        }
        check_name(&self.name)?;
        self.settings.check()
    }
}

/// Refuses what nobody can be called.
pub(super) fn check_name(name: &str) -> Result<(), ModelError> {
    if name.len() > MAX_NAME {
        return Err(ModelError::TooMuch { what: "bytes in a name", limit: MAX_NAME });
    }
    if name.trim().is_empty() || name.chars().any(char::is_control) {
        return Err(ModelError::Unusable { what: "the name" });
    }
    Ok(())
}
