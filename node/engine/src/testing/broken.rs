//! Files that are no models, each in its own way.

use super::tiny::{Tiny, writer};
use super::writer::Value;

/// What is wrong with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Broken {
    /// No bytes at all.
    Empty,
    /// Not a GGUF: a web page, as a failed download leaves it.
    NotAModel,
    /// Ends in the middle of the metadata.
    TruncatedMetadata,
    /// Ends in the middle of the weights, as an interrupted download does.
    TruncatedWeights,
    /// A version that does not exist.
    Version,
    /// A tensor that lies behind the end of the file.
    TensorBeyondEnd,
    /// Claims more tensors and metadata than there are atoms in a litre of air.
    HugeCounts,
    /// A context length of four thousand million tokens; else whole.
    AbsurdContext,
    /// An architecture that nobody has heard of; else whole.
    Architecture,
    /// No chat template; else whole.
    NoTemplate,
    /// A chat template that never ends; else whole.
    EndlessTemplate,
}

impl Broken {
    /// Every way.
    pub const ALL: [Self; 11] = [
        Self::Empty,
        Self::NotAModel,
        Self::TruncatedMetadata,
        Self::TruncatedWeights,
        Self::Version,
        Self::TensorBeyondEnd,
        Self::HugeCounts,
        Self::AbsurdContext,
        Self::Architecture,
        Self::NoTemplate,
        Self::EndlessTemplate,
    ];
}

/// A tiny model, broken.
pub fn broken_model(broken: Broken) -> Vec<u8> {
    let mut file = writer(&Tiny::default());
    match broken {
        Broken::Empty => return Vec::new(),
        Broken::NotAModel => return b"<!doctype html><title>404 Not Found</title>".repeat(20),
        Broken::TruncatedMetadata => {
            let mut bytes = file.bytes();
            bytes.truncate(600);
            return bytes;
        }
        Broken::TruncatedWeights => {
            let mut bytes = file.bytes();
            bytes.truncate(bytes.len() * 2 / 3);
            return bytes;
        }
        Broken::Version => file.version(77),
        Broken::TensorBeyondEnd => file.lead_astray(1 << 40),
        Broken::HugeCounts => file.claim(u64::MAX, u64::MAX / 3),
        Broken::AbsurdContext => file.set("llama.context_length", Value::U32(u32::MAX)),
        Broken::Architecture => file.set("general.architecture", "yggdrasil"),
        Broken::NoTemplate => file.unset("tokenizer.chat_template"),
        Broken::EndlessTemplate => {
            let endless =
                "{% for a in range(99999) %}{% for b in range(99999) %}{{ messages }}{% endfor %}{% endfor %}";
            file.set("tokenizer.chat_template", endless);
        }
    }
    file.bytes()
}
