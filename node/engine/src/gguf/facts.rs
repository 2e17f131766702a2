//! What there is to know about a model before it is loaded.

use std::io::{Read, Seek};

use super::architectures::is_supported;
use super::error::{Error, damaged, quoted};
use super::metadata::{Metadata, Value};
use super::source::Source;
use super::tensor::Tensor;
use super::types::file_type;
use crate::EngineError;

/// Layers at most: llama.cpp's bound.
const LAYERS: u64 = 512;
/// Numbers that are multiplied later are at most this: embeddings, heads, widths.
const WIDTH: u64 = 1 << 24;
/// Tokens of a context at most: six times more than any model states.
const CONTEXT: u64 = 1 << 26;
/// Longest token that is read, in bytes.
const TOKEN: u64 = 1024;
/// Longest name, in characters.
const NAME: usize = 120;

/// A special token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its number.
    pub id: u32,
    /// How it is written in templates.
    pub text: String,
}

/// What a file says about its model. All texts are the file's: escape them before they are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// As llama.cpp calls it.
    pub architecture: String,
    /// What the makers call the model, at most 120 characters.
    pub name: Option<String>,
    /// Parameters: the elements of all tensors.
    pub parameters: u64,
    /// How most of them are stored, for example Q4_K_M.
    pub quantisation: String,
    /// Tokens of the context that it was trained for.
    pub context_length: u32,
    /// Layers.
    pub layers: u32,
    /// Size of the embedding.
    pub embedding: u32,
    /// Heads of the attention; the largest number, if layers differ. 0 for models without attention.
    pub heads: u32,
    /// Heads for keys and values, for each layer.
    pub kv_heads: Vec<u32>,
    /// Numbers of a key and of a value of one head.
    pub key_value_length: (u32, u32),
    /// Width of the feed-forward part; the largest, if layers differ.
    pub feed_forward: u32,
    /// Tokens of the vocabulary.
    pub vocabulary: u32,
    /// The template of its conversations, in Jinja.
    pub chat_template: Option<String>,
    /// The token before everything else.
    pub bos: Option<Token>,
    /// The token that ends an answer.
    pub eos: Option<Token>,
    /// Whether the first token stands before every prompt, if the file says so.
    pub add_bos: Option<bool>,
}

impl Facts {
    /// Whether llama.cpp has code for it.
    ///
    /// # Errors
    ///
    /// [`EngineError::UnsupportedArchitecture`].
    pub fn check_supported(&self) -> Result<(), EngineError> {
        if is_supported(&self.architecture) {
            return Ok(());
        }
        Err(EngineError::UnsupportedArchitecture { architecture: self.architecture.chars().take(NAME).collect() })
    }

    pub(super) fn collect<R: Read + Seek>(
        from: &mut Source<R>,
        metadata: &Metadata,
        tensors: &[Tensor],
    ) -> Result<Self, Error> {
        refuse_what_is_no_model(metadata)?;
        let Some(architecture) = metadata.text("general.architecture") else {
            return damaged("it does not name its architecture");
        };
        let keys = Keys { metadata, architecture };
        let layers = keys.required("block_count", LAYERS)?;
        let embedding = keys.required("embedding_length", WIDTH)?;
        let context_length = keys.required("context_length", CONTEXT)?;
        let heads = keys.each("attention.head_count")?;
        let most = heads.iter().copied().max().unwrap_or(0);
        let kv_heads = keys.each("attention.head_count_kv")?;
        let kv_heads = per_layer(if kv_heads.is_empty() { heads } else { kv_heads }, layers)?;
        let of_one_head = embedding.checked_div(most).unwrap_or(0);
        let key = keys.optional("attention.key_length")?.unwrap_or(of_one_head);
        let value = keys.optional("attention.value_length")?.unwrap_or(of_one_head);
        let parameters = tensors.iter().try_fold(0u64, |sum, tensor| sum.checked_add(tensor.elements));
        let Some(parameters) = parameters else {
            return damaged("it has more parameters than can be counted");
        };
        let (vocabulary, tokens) = match metadata.get("tokenizer.ggml.tokens") {
            Some(Value::Texts { count, at }) if *count > 0 => (number(*count)?, *at),
            _ => return damaged("it has no vocabulary"),
        };
        let mut token = |key: &str| {
            let Some(id) = metadata.number(key).and_then(|id| u32::try_from(id).ok()).filter(|id| *id < vocabulary)
            else {
                return Ok(None);
            };
            token(from, tokens, id)
        };
        let (bos, eos) = (token("tokenizer.ggml.bos_token_id")?, token("tokenizer.ggml.eos_token_id")?);
        Ok(Self {
            architecture: architecture.to_owned(),
            name: metadata.text("general.name").map(|name| name.chars().take(NAME).collect()),
            parameters,
            quantisation: quantisation(metadata, tensors),
            context_length,
            layers,
            embedding,
            heads: most,
            kv_heads,
            key_value_length: (key, value),
            feed_forward: keys.each("feed_forward_length")?.into_iter().max().unwrap_or(0),
            vocabulary,
            chat_template: metadata.text("tokenizer.chat_template").map(ToOwned::to_owned),
            bos,
            eos,
            add_bos: metadata.number("tokenizer.ggml.add_bos_token").map(|value| value != 0),
        })
    }
}

fn refuse_what_is_no_model(metadata: &Metadata) -> Result<(), Error> {
    let not = |reason: String| Err(Error::NotAModel(reason));
    match metadata.text("general.type") {
        None | Some("model") => {}
        Some("adapter") => return not("it is an adapter for another model".to_owned()),
        Some("mmproj") => return not("it is the part of a model that sees pictures".to_owned()),
        Some(other) => return not(format!("it is of the kind {}", quoted(other))),
    }
    match metadata.number("split.count") {
        Some(parts) if parts > 1 => not(format!("it is one of {parts} parts; put them together with llama-gguf-split")),
        _ => Ok(()),
    }
}

/// The keys that begin with the architecture.
struct Keys<'a> {
    metadata: &'a Metadata,
    architecture: &'a str,
}

impl Keys<'_> {
    fn required(&self, key: &str, most: u64) -> Result<u32, Error> {
        let key = format!("{}.{key}", self.architecture);
        match self.metadata.number(&key) {
            Some(value) if (1..=most).contains(&value) => number(value),
            Some(value) => damaged(format!("its {} is {value}", quoted(&key))),
            None => damaged(format!("it does not say its {}", quoted(&key))),
        }
    }

    fn optional(&self, key: &str) -> Result<Option<u32>, Error> {
        Ok(self.each(key)?.into_iter().max())
    }

    /// A number, or one for each layer; none if it is not said.
    fn each(&self, key: &str) -> Result<Vec<u32>, Error> {
        let key = format!("{}.{key}", self.architecture);
        let values = self.metadata.numbers(&key).unwrap_or_default();
        match values.iter().find(|value| **value > WIDTH) {
            Some(value) => damaged(format!("its {} is {value}", quoted(&key))),
            None => values.into_iter().map(number).collect(),
        }
    }
}

fn per_layer(values: Vec<u32>, layers: u32) -> Result<Vec<u32>, Error> {
    let count = usize::try_from(layers).unwrap_or(usize::MAX);
    match values.as_slice() {
        [] => Ok(Vec::new()),
        [one] => Ok(vec![*one; count]),
        many if many.len() == count => Ok(values),
        many => damaged(format!("it has {layers} layers and numbers of heads for {}", many.len())),
    }
}

fn number(value: u64) -> Result<u32, Error> {
    u32::try_from(value).or_else(|_| damaged(format!("it has a number as large as {value}")))
}

/// Reads a token out of the vocabulary, which begins at `at`.
fn token<R: Read + Seek>(from: &mut Source<R>, at: u64, id: u32) -> Result<Option<Token>, Error> {
    from.return_to(at)?;
    for _ in 0..id {
        let length = from.u64()?;
        from.skip(length, "a token")?;
    }
    Ok(from.text(TOKEN, "a token")?.map(|text| Token { id, text }))
}

/// What the file calls its quantisation, or how most of its bytes are stored.
fn quantisation(metadata: &Metadata, tensors: &[Tensor]) -> String {
    if let Some(name) = metadata.number("general.file_type").and_then(file_type) {
        return name.to_owned();
    }
    let bytes = |name: &str| -> u64 {
        tensors.iter().filter(|tensor| tensor.kind.name == name).fold(0, |sum, tensor| sum.saturating_add(tensor.bytes))
    };
    let mut names: Vec<_> = tensors.iter().map(|tensor| tensor.kind.name).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().max_by_key(|name| bytes(name)).unwrap_or_default().to_owned()
}
