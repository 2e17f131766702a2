//! A model that is small, whole, and says what it was made to say.
//!
//! Its weights are random but for one thing: the output row of each token of its text looks for the embedding of the token
//! before. What else the layers add is too little to change the next token at temperatures of about 1 and below, but enough
//! that every part of the computation takes place.

use super::random::Random;
use super::script::pieces;
use super::vocabulary::{END_OF_TURN, SPECIAL, Vocabulary};
use super::writer::{Value, Writer};

/// The ChatML template, as many models carry it.
pub const CHATML: &str = "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + \
                          '<|im_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' \
                          }}{% endif %}";

/// What a tiny model is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tiny {
    /// Other seeds make other weights and the same answers.
    pub seed: u64,
    /// What it says after every prompt that ends with a newline, as ChatML's do.
    pub says: String,
    /// Whether it begins again instead of ending its turn, so that only a limit or a cancellation stops it.
    pub endless: bool,
    /// Its name in the metadata.
    pub name: String,
    /// The context length that it states, in tokens.
    pub context: u32,
    /// Layers; more make it slower.
    pub layers: usize,
    /// Size of the embedding, a multiple of 32 from 64 on; more makes it slower.
    pub embedding: usize,
    /// The template that it carries.
    pub template: Option<String>,
}

impl Default for Tiny {
    fn default() -> Self {
        Self {
            seed: 1,
            says: "I am a tiny model, and that is 🌳 all I can say.".to_owned(),
            endless: false,
            name: "Tiny".to_owned(),
            context: 2048,
            layers: 2,
            embedding: 64,
            template: Some(CHATML.to_owned()),
        }
    }
}

impl Tiny {
    /// A model that says `text` and ends its turn.
    pub fn saying(text: &str) -> Self {
        Self { says: text.to_owned(), ..Self::default() }
    }

    /// A model that says `text` again and again.
    pub fn endless(text: &str) -> Self {
        Self { endless: true, ..Self::saying(text) }
    }
}

/// The file of a model of llama's architecture, a few hundred kB unless `tiny` asks for more. The same for the same `tiny`.
pub fn tiny_model(tiny: &Tiny) -> Vec<u8> {
    writer(tiny).bytes()
}

/// Heads of the attention, and half as many for keys and values.
const HEADS: usize = 4;

/// The file before it is written, so that it can be broken.
pub(super) fn writer(tiny: &Tiny) -> Writer {
    let pieces = pieces(&tiny.says);
    let vocabulary = Vocabulary::new(&pieces);
    let mut file = Writer::default();
    metadata(&mut file, tiny, &vocabulary);
    weights(&mut file, tiny, &vocabulary, &pieces);
    file
}

fn metadata(file: &mut Writer, tiny: &Tiny, vocabulary: &Vocabulary) {
    let number = |number: usize| Value::U32(u32::try_from(number).unwrap_or(u32::MAX));
    file.set("general.architecture", "llama");
    file.set("general.name", tiny.name.as_str());
    file.set("general.file_type", Value::U32(0));
    file.set("llama.context_length", Value::U32(tiny.context));
    file.set("llama.block_count", number(tiny.layers));
    file.set("llama.embedding_length", number(tiny.embedding));
    file.set("llama.feed_forward_length", number(2 * tiny.embedding));
    file.set("llama.attention.head_count", number(HEADS));
    file.set("llama.attention.head_count_kv", number(HEADS / 2));
    file.set("llama.attention.layer_norm_rms_epsilon", Value::F32(1e-5));
    file.set("llama.rope.dimension_count", number(tiny.embedding / HEADS));
    file.set("llama.vocab_size", number(vocabulary.tokens.len()));
    let texts = |texts: &[String]| Value::Array(texts.iter().cloned().map(Value::String).collect());
    file.set("tokenizer.ggml.model", "gpt2");
    // Splits words as Llama 3 does, and takes a word as a whole if there is a token for it.
    file.set("tokenizer.ggml.pre", "llama-bpe");
    file.set("tokenizer.ggml.tokens", texts(&vocabulary.tokens));
    file.set("tokenizer.ggml.token_type", Value::Array(vocabulary.kinds().map(Value::I32).collect()));
    file.set("tokenizer.ggml.merges", texts(&vocabulary.merges));
    file.set("tokenizer.ggml.bos_token_id", Value::U32(0));
    file.set("tokenizer.ggml.eos_token_id", Value::U32(END_OF_TURN));
    file.set("tokenizer.ggml.add_bos_token", Value::Bool(false));
    if let Some(template) = &tiny.template {
        file.set("tokenizer.chat_template", template.as_str());
    }
}

fn weights(file: &mut Writer, tiny: &Tiny, vocabulary: &Vocabulary, pieces: &[Vec<u8>]) {
    let (tokens, width) = (vocabulary.tokens.len(), tiny.embedding);
    let mut random = Random::new(tiny.seed);
    let embeddings = random.normals(tokens * width, 1.0);
    let mut output = vec![0.0; tokens * width];
    let mut follows = |token: usize, before: usize| {
        let (row, wanted) = (token * width, before * width);
        for at in 0..width {
            if let (Some(cell), Some(value)) = (output.get_mut(row + at), embeddings.get(wanted + at)) {
                *cell += *value;
            }
        }
    };
    // A prompt ends with a newline; what follows it is the first piece.
    let first = vocabulary.find(b"\n").unwrap_or(SPECIAL.len());
    let mut before = first;
    for token in pieces.iter().filter_map(|piece| vocabulary.find(piece)) {
        follows(token, before);
        before = token;
    }
    let after_the_last = match pieces.first().filter(|_| tiny.endless).and_then(|piece| vocabulary.find(piece)) {
        Some(first) => first,
        None => END_OF_TURN as usize,
    };
    follows(after_the_last, before);

    file.tensor("token_embd.weight", &[width, tokens], embeddings);
    file.tensor("output_norm.weight", &[width], vec![1.0; width]);
    file.tensor("output.weight", &[width, tokens], output);
    // What a matrix of `width` columns adds has about this size then.
    let deviation = |columns: f32| 0.25 / columns.sqrt();
    let columns = f32::from(u16::try_from(width).unwrap_or(u16::MAX));
    for layer in 0..tiny.layers {
        for norm in ["attn_norm", "ffn_norm"] {
            file.tensor(&format!("blk.{layer}.{norm}.weight"), &[width], vec![1.0; width]);
        }
        for (name, from, to) in [
            ("attn_q", width, width),
            ("attn_k", width, width / 2),
            ("attn_v", width, width / 2),
            ("attn_output", width, width),
            ("ffn_gate", width, 2 * width),
            ("ffn_up", width, 2 * width),
            ("ffn_down", 2 * width, width),
        ] {
            let data = random.normals(from * to, deviation(columns));
            file.tensor(&format!("blk.{layer}.{name}.weight"), &[from, to], data);
        }
    }
}
