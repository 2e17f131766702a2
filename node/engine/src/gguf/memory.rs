//! How much memory a model takes when it runs: an estimate that is rather too high than too low.

use super::facts::Facts;
use super::tensor::Tensor;

/// How keys and values of the attention are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KvType {
    /// 4 bytes a number.
    F32,
    /// 2 bytes a number: llama.cpp's default.
    #[default]
    F16,
    /// 34 bytes for 32 numbers.
    Q8,
    /// 18 bytes for 32 numbers.
    Q4,
}

impl KvType {
    /// Bytes of 32 numbers.
    fn of_32(self) -> u64 {
        match self {
            Self::F32 => 128,
            Self::F16 => 64,
            Self::Q8 => 34,
            Self::Q4 => 18,
        }
    }
}

/// How a model shall run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    /// Tokens of prompt and answer.
    pub context: u32,
    /// Conversations that are held beside one another, each with its context.
    pub slots: u32,
    /// How keys and values are kept.
    pub kv: KvType,
    /// Tokens of a prompt that are computed together.
    pub batch: u32,
}

/// Bytes that a model takes, by what takes them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    /// The weights. Mapped from the file, but slow unless all of it stays in memory.
    pub weights: u64,
    /// Keys and values of all tokens of the context.
    pub kv: u64,
    /// What lies between, the vocabulary, and the process itself.
    pub compute: u64,
}

impl Estimate {
    /// All of it.
    pub fn total(&self) -> u64 {
        self.weights.saturating_add(self.kv).saturating_add(self.compute)
    }
}

/// A process with llama.cpp and nothing else.
const PROCESS: u64 = 24 << 20;
/// A token of the vocabulary: its text twice, its place in two tables, its share of the merges.
const TOKEN: u64 = 256;
/// llama.cpp rounds the context up to a multiple of this.
const PADDING: u64 = 256;

pub(super) fn estimate(facts: &Facts, tensors: &[Tensor], usage: Use) -> Estimate {
    let weights = tensors.iter().fold(0u64, |sum, tensor| sum.saturating_add(tensor.bytes));
    let tokens = u64::from(usage.context).next_multiple_of(PADDING).saturating_mul(u64::from(usage.slots.max(1)));
    // Layers that only look at the last few thousand tokens keep fewer; what they say about that differs by architecture.
    let (key, value) = facts.key_value_length;
    let numbers = u64::from(key) + u64::from(value);
    let heads: u64 = facts.kv_heads.iter().copied().map(u64::from).sum();
    let kv = (heads.saturating_mul(numbers)).saturating_mul(tokens).saturating_mul(usage.kv.of_32()) / 32;
    // For each token of a batch: its logits, the attention's scores over the whole context, and the widest layers, four of
    // which live at once. All are 32-bit floats.
    let widest = u64::from(facts.feed_forward.max(facts.embedding)).saturating_mul(4);
    let scores = u64::from(facts.heads).saturating_mul(tokens);
    let each = u64::from(facts.vocabulary).saturating_add(widest).saturating_add(scores).saturating_mul(4);
    let compute = each
        .saturating_mul(u64::from(usage.batch.max(1)))
        .saturating_add(u64::from(facts.vocabulary).saturating_mul(TOKEN))
        .saturating_add(PROCESS);
    Estimate { weights, kv, compute }
}
