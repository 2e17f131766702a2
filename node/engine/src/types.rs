//! What the rest of the node knows of an engine: the trait, what is asked, what comes back.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::{EngineError, Generation};

/// Something that generates text.
pub trait Engine: Send + Sync {
    /// What it is.
    fn describe(&self) -> Description;

    /// Takes a request into the queue, or refuses it at once. Never blocks.
    ///
    /// # Errors
    ///
    /// [`Busy`] says which limit stands in the way.
    fn generate(&self, request: Request) -> Result<Generation, Busy>;

    /// Who is running and who waits, in the order in which they will run.
    fn queue(&self) -> watch::Receiver<Vec<Waiting>>;
}

/// What an engine is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// Name of the model.
    pub name: String,
    /// Tokens that prompt and answer have together.
    pub context: u32,
    /// Where it computes.
    pub place: Place,
}

/// Where an engine computes: whether a conversation leaves this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// On this machine.
    Local,
    /// At a provider.
    Remote,
}

/// Who speaks in a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Instructions of the agent's owner.
    System,
    /// Anybody else.
    User,
    /// The model itself.
    Assistant,
}

/// One contribution to the conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    /// Whose it is.
    pub role: Role,
    /// Its text, of which nothing can become a role or a control token.
    pub content: String,
}

/// What is asked of an engine.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// For whom, as the queue shows it; few may wait with the same label.
    pub label: String,
    /// Requests of one conversation begin alike, so that what was computed for the last can be used again.
    pub conversation: String,
    /// 1 to 10; 10 runs first.
    pub priority: u8,
    /// The conversation, oldest first.
    pub turns: Vec<Turn>,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// The answer's length at most.
    pub max_tokens: u32,
    /// Texts that end the answer.
    pub stop: Vec<String>,
}

impl Request {
    /// Bytes of all turns together, at most.
    pub const MAX_BYTES: usize = 2 << 20;
    /// Turns at most.
    pub const MAX_TURNS: usize = 4096;
    /// Bytes of the label and of the conversation's name at most.
    pub const MAX_NAME: usize = 256;
    /// Stop texts at most.
    pub const MAX_STOPS: usize = 16;
    /// Bytes of a stop text at most.
    pub const MAX_STOP: usize = 256;

    /// Whether it keeps to the limits.
    ///
    /// # Errors
    ///
    /// [`EngineError::BadRequest`] with the first limit that is broken.
    pub fn check(&self) -> Result<(), EngineError> {
        let sum: usize = self.turns.iter().map(|turn| turn.content.len()).sum();
        let sampling = &self.sampling;
        let floats = [sampling.temperature, sampling.top_p, sampling.min_p, sampling.repeat_penalty];
        let broken = if self.turns.is_empty() {
            "it has no turns"
        } else if self.turns.len() > Self::MAX_TURNS {
            "it has more than 4096 turns"
        } else if sum > Self::MAX_BYTES {
            "its turns are longer than 2 MiB"
        } else if self.label.len() > Self::MAX_NAME || self.conversation.len() > Self::MAX_NAME {
            "its label or conversation is longer than 256 bytes"
        } else if self.stop.len() > Self::MAX_STOPS || self.stop.iter().any(|stop| stop.len() > Self::MAX_STOP) {
            "it has more than 16 stop texts, or one longer than 256 bytes"
        } else if self.stop.iter().any(String::is_empty) {
            "a stop text is empty"
        } else if self.max_tokens == 0 {
            "it asks for no tokens"
        } else if floats.iter().any(|value| !value.is_finite() || *value < 0.0) {
            "a sampling value is negative or not a number"
        } else {
            return Ok(());
        };
        Err(EngineError::BadRequest { reason: broken.to_owned() })
    }
}

/// How the next token is chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sampling {
    /// 0 takes the likeliest token always.
    pub temperature: f32,
    /// Among how many of the likeliest; 0 for all.
    pub top_k: u32,
    /// Among those that have this probability together; 1 for all.
    pub top_p: f32,
    /// Among those that have this part of the likeliest's probability; 0 for all.
    pub min_p: f32,
    /// What was said lately becomes less likely by this factor; 1 for not at all.
    pub repeat_penalty: f32,
    /// The same seed gives the same text; none for a new one each time.
    pub seed: Option<u32>,
}

/// Samplings by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// Facts and code.
    Precise,
    /// Conversation.
    #[default]
    Balanced,
    /// Stories and ideas.
    Creative,
}

impl From<Preset> for Sampling {
    fn from(preset: Preset) -> Self {
        let (temperature, top_k, top_p, min_p, repeat_penalty) = match preset {
            Preset::Precise => (0.2, 20, 0.9, 0.1, 1.05),
            Preset::Balanced => (0.7, 40, 0.95, 0.05, 1.1),
            Preset::Creative => (1.0, 80, 0.98, 0.03, 1.1),
        };
        Self { temperature, top_k, top_p, min_p, repeat_penalty, seed: None }
    }
}

impl Sampling {
    /// The likeliest token always: the same text each time.
    pub fn greedy() -> Self {
        Self { temperature: 0.0, top_k: 1, top_p: 1.0, min_p: 0.0, repeat_penalty: 1.0, seed: Some(0) }
    }
}

impl Default for Sampling {
    fn default() -> Self {
        Preset::default().into()
    }
}

/// What happens to a request, in this order: `Queued`*, `Loading`*, `Started`, `Text`*, and `Finished` or `Failed`, after which
/// nothing comes. `Restarted` may come once after `Started`, which then comes again.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// So many go first.
    Queued {
        /// 0: it is the next.
        position: usize,
    },
    /// The model is being read into memory.
    Loading {
        /// 0 to 100.
        percent: u8,
    },
    /// The prompt is being computed.
    Started {
        /// Its length.
        prompt_tokens: u32,
        /// How much of it was there already.
        reused_tokens: u32,
        /// The oldest turns that did not fit.
        left_out: u32,
    },
    /// The answer goes on.
    Text(String),
    /// The worker died and the answer begins anew: the text so far is void.
    Restarted,
    /// The answer is there.
    Finished {
        /// Why it ends.
        reason: Finish,
        /// What it took.
        usage: Usage,
    },
    /// There is no answer, or no whole one.
    Failed(EngineError),
}

impl Event {
    /// Whether nothing comes after it.
    pub fn is_last(&self) -> bool {
        matches!(self, Self::Finished { .. } | Self::Failed(_))
    }
}

/// Why an answer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Finish {
    /// The model has said it all, or a stop text came.
    Stop,
    /// It is as long as it may be.
    Length,
    /// Somebody cancelled it.
    Cancelled,
}

/// What an answer took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// Length of the prompt.
    pub prompt_tokens: u32,
    /// How much of it was there already.
    pub reused_tokens: u32,
    /// Length of the answer.
    pub generated_tokens: u32,
    /// From the start of the computation to the first token.
    pub first_token: Duration,
    /// From the start of the computation to the end.
    pub duration: Duration,
}

/// One entry of the visible queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// For whom.
    pub label: String,
    /// 1 to 10.
    pub priority: u8,
    /// Whether it runs now.
    pub running: bool,
    /// When it was asked for.
    pub since: SystemTime,
}

/// Why a request is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Busy {
    /// The queue is full.
    #[error("{waiting} answers wait already: try again later")]
    Full {
        /// How many wait.
        waiting: usize,
    },
    /// Too many with this label wait.
    #[error("{waiting} answers for this conversation wait already: try again later")]
    Label {
        /// How many wait.
        waiting: usize,
    },
    /// It can never be taken, or not any more.
    #[error(transparent)]
    Refused(#[from] EngineError),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        Request {
            label: "topic".to_owned(),
            conversation: "topic".to_owned(),
            priority: 5,
            turns: vec![Turn { role: Role::User, content: "hello".to_owned() }],
            sampling: Sampling::default(),
            max_tokens: 16,
            stop: Vec::new(),
        }
    }

    #[test]
    fn limits_of_a_request_hold() {
        assert_eq!(request().check(), Ok(()));
        let broken: [fn(&mut Request); 7] = [
            |request| request.turns.clear(),
            |request| request.turns[0].content = "x".repeat(Request::MAX_BYTES + 1),
            |request| request.label = "x".repeat(Request::MAX_NAME + 1),
            |request| request.stop = vec!["x".to_owned(); Request::MAX_STOPS + 1],
            |request| request.stop = vec![String::new()],
            |request| request.max_tokens = 0,
            |request| request.sampling.temperature = f32::NAN,
        ];
        for spoil in broken {
            let mut request = request();
            spoil(&mut request);
            assert!(matches!(request.check(), Err(EngineError::BadRequest { .. })), "{request:?}");
        }
    }
}
