//! What can go wrong with a model, in words for the person who has to do something about it.

use serde::{Deserialize, Serialize};

/// Why there is no answer: what happened (its text), what it means and what to do.
///
/// Texts inside come from files and from the worker; they are cut by whoever makes them, and have to be escaped like all texts of
/// others before a terminal or a log shows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum EngineError {
    /// The file of the model is not there.
    #[error("the model file {path} does not exist")]
    FileMissing {
        /// Where it should be.
        path: String,
    },
    /// The operating system does not let us read the file.
    #[error("the model file {path} cannot be read: {reason}")]
    Unreadable {
        /// Where it is.
        path: String,
        /// What the operating system says.
        reason: String,
    },
    /// The file is something else.
    #[error("the file is not a GGUF model: {reason}")]
    NotGguf {
        /// What was found instead.
        reason: String,
    },
    /// The file ends before its last tensor does.
    #[error("the model file is truncated: it has {has} bytes of {needs}")]
    Truncated {
        /// Bytes that are there.
        has: u64,
        /// Bytes that its table of tensors asks for.
        needs: u64,
    },
    /// The file contradicts itself.
    #[error("the model file is damaged: {reason}")]
    Damaged {
        /// Where.
        reason: String,
    },
    /// llama.cpp has no code for this kind of model.
    #[error("models of the architecture {architecture} are not supported")]
    UnsupportedArchitecture {
        /// As the file names it.
        architecture: String,
    },
    /// The model does not say how a conversation looks to it.
    #[error("the model has no chat template")]
    NoTemplate,
    /// The model's chat template cannot be used.
    #[error("the model's chat template does not work: {reason}")]
    BadTemplate {
        /// What the template engine says.
        reason: String,
    },
    /// It would not fit.
    #[error("the model needs {} of memory, {} is free", size(*.needs), size(*.free))]
    NotEnoughMemory {
        /// Bytes, estimated.
        needs: u64,
        /// Bytes that are available now, by the machine or by the limit of our control group.
        free: u64,
    },
    /// Not even the newest message fits.
    #[error("the newest message has {tokens} tokens, the model takes {context} with its answer")]
    PromptTooLong {
        /// Tokens of the shortest prompt that still makes sense.
        tokens: u32,
        /// Tokens that there is room for.
        context: u32,
    },
    /// The request breaks a limit.
    #[error("the request cannot be taken: {reason}")]
    BadRequest {
        /// Which limit.
        reason: String,
    },
    /// This program was built without llama.cpp.
    #[error("this program was built without llama.cpp")]
    NoLlama,
    /// The worker process did not start.
    #[error("the process of the model could not be started: {reason}")]
    WorkerStart {
        /// What the operating system says.
        reason: String,
    },
    /// The worker process ended while it was needed.
    #[error("the process of the model died: {reason}")]
    WorkerDied {
        /// How it ended.
        reason: String,
    },
    /// The worker process died so often that it is left alone for a while.
    #[error("the process of the model died too often; it is tried again in {seconds} s")]
    Resting {
        /// Until the next try.
        seconds: u64,
    },
    /// The worker process said what it may not say.
    #[error("the process of the model does not keep to the protocol: {reason}")]
    Protocol {
        /// What it said.
        reason: String,
    },
    /// Something took too long.
    #[error("the model took too long: no {wait} within {seconds} s")]
    TimedOut {
        /// What did not come.
        wait: Wait,
        /// The deadline.
        seconds: u64,
    },
    /// Whoever asked did not take the answer.
    #[error("nobody took the answer for {seconds} s")]
    SlowReader {
        /// The deadline.
        seconds: u64,
    },
    /// llama.cpp failed in the middle.
    #[error("llama.cpp failed: {reason}")]
    Inference {
        /// What it says.
        reason: String,
    },
    /// The engine is being stopped.
    #[error("the engine is stopped")]
    Stopped,
}

/// What did not come in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wait {
    /// The model in memory.
    Load,
    /// The first piece of an answer.
    FirstToken,
    /// The next piece of an answer.
    NextToken,
    /// The end of an answer that was cancelled.
    Cancel,
}

impl std::fmt::Display for Wait {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Load => "loaded model",
            Self::FirstToken => "first word",
            Self::NextToken => "further word",
            Self::Cancel => "end after the stop",
        })
    }
}

impl EngineError {
    /// What it means for whoever waits for an answer.
    pub fn meaning(&self) -> &'static str {
        match self {
            Self::FileMissing { .. } | Self::Unreadable { .. } => "No agent that uses this model can answer.",
            Self::NotGguf { .. } | Self::Truncated { .. } | Self::Damaged { .. } => {
                "The download was probably cut off, or the file is of another kind. It is not used."
            }
            Self::UnsupportedArchitecture { .. } => "The model may be newer than this program.",
            Self::NoTemplate | Self::BadTemplate { .. } => "It cannot be told who said what, so it cannot chat.",
            Self::NotEnoughMemory { .. } => "It was not loaded, so that nothing else on this machine suffers.",
            Self::PromptTooLong { .. } | Self::BadRequest { .. } => "This message gets no answer; others do.",
            Self::NoLlama => "Models on this machine can be looked at, but not run.",
            Self::WorkerStart { .. } => "Nothing can be generated.",
            Self::WorkerDied { .. } => "The answer was tried twice and is not finished. The rest of the node goes on.",
            Self::Resting { .. } => "Answers wait for it or fail until then. The rest of the node goes on.",
            Self::Protocol { .. } => "The process was ended. Program and worker may be of different versions.",
            Self::TimedOut { .. } => "The process hung and was ended; the next answer starts a new one.",
            Self::SlowReader { .. } => "The answer was given up, so that others get theirs.",
            Self::Inference { .. } => "This answer is not finished; the next may be.",
            Self::Stopped => "The node is going down.",
        }
    }

    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::FileMissing { .. } => "Import the model again, or give the agent another one.",
            Self::Unreadable { .. } => "Look at the permissions of the file and at the disk.",
            Self::NotGguf { .. } | Self::Truncated { .. } | Self::Damaged { .. } => {
                "Fetch the file again, compare its size or checksum with its source, and import it again."
            }
            Self::UnsupportedArchitecture { .. } => "Take another model, or a newer version of this program.",
            Self::NoTemplate | Self::BadTemplate { .. } => {
                "Take a model made for chat (its name often ends in Instruct or Chat)."
            }
            Self::NotEnoughMemory { .. } => {
                "Take a smaller model or a stronger quantisation, lower the agent's context, or close other programs."
            }
            Self::PromptTooLong { .. } => "Say it shorter, or give the agent a larger context.",
            Self::BadRequest { .. } => "Say it shorter.",
            Self::NoLlama => "Build it with the feature `llama`.",
            Self::WorkerStart { .. } => "Look whether the program may be run and whether processes are limited.",
            Self::WorkerDied { .. } | Self::Inference { .. } => {
                "Ask again. If it stays so, look at the log, and try a smaller context or another model."
            }
            Self::Resting { .. } => "Wait, and look at the log for why it dies.",
            Self::Protocol { .. } => "Install program and worker from one build.",
            Self::TimedOut { .. } => "Ask again. If it stays so, the model is too large for this machine.",
            Self::SlowReader { .. } => "Ask again.",
            Self::Stopped => "Start it again.",
        }
    }
}

/// Bytes for people.
fn size(bytes: u64) -> String {
    const MEBIBYTE: u64 = 1 << 20;
    const GIBIBYTE: u64 = 1 << 30;
    if bytes >= GIBIBYTE {
        format!("{}.{} GiB", bytes / GIBIBYTE, bytes % GIBIBYTE * 10 / GIBIBYTE)
    } else {
        format!("{} MiB", bytes.div_ceil(MEBIBYTE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_said_in_units_of_people() {
        let error = EngineError::NotEnoughMemory { needs: (5 << 30) + (1 << 29), free: 300 << 20 };
        assert_eq!(error.to_string(), "the model needs 5.5 GiB of memory, 300 MiB is free");
    }

    #[test]
    fn an_error_comes_back_from_its_line() {
        let error = EngineError::TimedOut { wait: Wait::FirstToken, seconds: 3 };
        let line = serde_json::to_string(&error).unwrap();
        assert_eq!(line, r#"{"kind":"timed-out","wait":"first-token","seconds":3}"#);
        assert_eq!(serde_json::from_str::<EngineError>(&line).unwrap(), error);
    }
}
