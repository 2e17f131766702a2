//! What an AI says when it has no answer. It is said to everybody in the topic: what the machine of its owner looks like is not in
//! it.

use ratatosk_engine::EngineError;

/// The owner has not given it a model, or the model is not there.
pub(super) const NO_MODEL: &str = "I cannot answer: my model is not there. My owner can see why.";
/// Too many others ask.
pub(super) const BUSY: &str = "I have too much to do just now. Please ask me again later.";
/// It took longer than anything may.
pub(super) const TOO_LONG: &str = "I did not finish in time. Please ask me again.";
/// The model ended without a word.
pub(super) const NOTHING: &str = "I have no words for that.";

/// Somebody asks too often.
pub(super) fn too_often(seconds: u64) -> String {
    format!("I have answered a lot lately. I go on in {} s, with what was asked until then.", seconds.max(1))
}

/// What is said for an error.
pub(super) fn of(error: &EngineError) -> &'static str {
    match error {
        EngineError::FileMissing { .. }
        | EngineError::Unreadable { .. }
        | EngineError::NotGguf { .. }
        | EngineError::Truncated { .. }
        | EngineError::Damaged { .. }
        | EngineError::UnsupportedArchitecture { .. }
        | EngineError::NoTemplate
        | EngineError::BadTemplate { .. }
        | EngineError::NoLlama
        | EngineError::WorkerStart { .. }
        | EngineError::Protocol { .. } => "I cannot answer: my model does not work. My owner can see why.",
        EngineError::NotEnoughMemory { .. } => {
            "I cannot answer: my model does not fit into the memory that is free now."
        }
        EngineError::PromptTooLong { .. } => "That is too long for me. Please say it shorter.",
        EngineError::BadRequest { .. } => "I cannot take that. Please say it in another way.",
        EngineError::WorkerDied { .. } | EngineError::Inference { .. } => {
            "My model broke down while I was answering. Please ask me again."
        }
        EngineError::Resting { .. } => "My model has broken down several times and rests. Please ask me again later.",
        EngineError::TimedOut { .. } | EngineError::SlowReader { .. } => TOO_LONG,
        EngineError::Stopped => "I am being stopped. Please ask me again later.",
    }
}
