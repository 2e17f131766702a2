//! The lines between an engine and its worker process: one JSON object each, on the worker's standard input and output.
//!
//! The worker is told to load a model once, then to generate, one request at a time. It ends when its standard input does. Both
//! sides read no line that is longer than the bound, and nothing in it that they do not know.

use std::io::{self, BufRead, Read};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Description, EngineError, Finish, Sampling, Turn, Usage};

/// Bytes of a line to the worker, its end included.
pub const MAX_COMMAND: usize = 16 << 20;
/// Bytes of a line from the worker, its end included.
pub const MAX_REPLY: usize = 64 << 10;
/// Bytes of text in one [`Reply::Text`]: JSON may write one byte as six.
pub const MAX_TEXT: usize = 8 << 10;
/// The version of these lines.
pub const VERSION: u32 = 1;

/// What the worker is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "lowercase", deny_unknown_fields)]
pub enum Command {
    /// Read a model into memory; once, before anything else.
    Load(Load),
    /// Begin an answer; one at a time.
    Generate(Generate),
    /// End that answer. One that is not running is left out of account.
    Cancel {
        /// Of the [`Generate`].
        id: u64,
    },
}

/// Which model, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// The GGUF file.
    pub path: String,
    /// Tokens of prompt and answer together.
    pub context: u32,
    /// Threads while generating.
    pub threads: u32,
    /// Threads for the prompt.
    pub batch_threads: u32,
    /// Layers to compute on a GPU.
    pub gpu_layers: u32,
}

/// What to answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Generate {
    /// Chosen by the engine, larger each time.
    pub id: u64,
    /// Names what may be used again of earlier requests.
    pub conversation: String,
    /// Oldest first.
    pub turns: Vec<Turn>,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// Length of the answer at most.
    pub max_tokens: u32,
    /// Texts that end the answer.
    pub stop: Vec<String>,
}

/// What the worker says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "lowercase", deny_unknown_fields)]
pub enum Reply {
    /// It has started: its first line.
    Ready {
        /// [`VERSION`] as the worker knows it.
        version: u32,
    },
    /// The model is being read.
    Loading {
        /// 0 to 100.
        percent: u8,
    },
    /// The model is in memory.
    Loaded {
        /// What was loaded.
        description: Description,
    },
    /// The prompt is known and being computed.
    Started {
        /// Of the [`Generate`].
        id: u64,
        /// Length of the prompt.
        prompt_tokens: u32,
        /// How much of it was there already.
        reused_tokens: u32,
        /// The oldest turns that did not fit.
        left_out: u32,
    },
    /// The answer goes on.
    Text {
        /// Of the [`Generate`].
        id: u64,
        /// At most [`MAX_TEXT`] bytes.
        text: String,
    },
    /// The answer is there.
    Finished {
        /// Of the [`Generate`].
        id: u64,
        /// Why it ends.
        reason: Finish,
        /// What it took.
        usage: Usage,
    },
    /// A request failed, or with no id, loading did.
    Failed {
        /// Of the [`Generate`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<u64>,
        /// Why.
        error: EngineError,
    },
}

/// A line with its end.
///
/// # Errors
///
/// `InvalidInput` if it is longer than `limit`.
pub fn encode<T: Serialize>(message: &T, limit: usize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    if line.len() > limit {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("a line of {} bytes is too long", line.len())));
    }
    Ok(line)
}

/// What a line says; its end may be there or not.
///
/// # Errors
///
/// `InvalidData` if it is not such a message.
pub fn decode<T: DeserializeOwned>(line: &[u8]) -> io::Result<T> {
    serde_json::from_slice(line).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Reads one line of at most `limit` bytes with its end; none at the end of the input.
///
/// # Errors
///
/// `InvalidData` for a longer line or one without an end, and what reading gives.
pub fn read_line(input: &mut impl BufRead, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let read = input.by_ref().take(limit as u64).read_until(b'\n', &mut line)?;
    if read == 0 {
        return Ok(None);
    }
    if line.last() != Some(&b'\n') {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a line is too long or has no end"));
    }
    Ok(Some(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_replies_look_as_said() {
        let line = encode(&Command::Cancel { id: 7 }, MAX_COMMAND).unwrap();
        assert_eq!(line, b"{\"command\":\"cancel\",\"id\":7}\n");
        let load = Load { path: "m.gguf".to_owned(), context: 2048, threads: 1, batch_threads: 2, gpu_layers: 0 };
        let line = encode(&Command::Load(load.clone()), MAX_COMMAND).unwrap();
        assert_eq!(decode::<Command>(&line).unwrap(), Command::Load(load));
        let reply = Reply::Failed { id: None, error: EngineError::NoLlama };
        let line = encode(&reply, MAX_REPLY).unwrap();
        assert_eq!(line, b"{\"reply\":\"failed\",\"error\":{\"kind\":\"no-llama\"}}\n");
        assert_eq!(decode::<Reply>(&line).unwrap(), reply);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for line in [
            r#"{"reply":"text","id":1,"text":"a","more":1}"#,
            r#"{"reply":"loading","percent":256}"#,
            r#"{"reply":"hello"}"#,
            r#"{"reply":"text","id":-1,"text":"a"}"#,
            "",
            "[]",
        ] {
            assert!(decode::<Reply>(line.as_bytes()).is_err(), "{line}");
        }
    }

    #[test]
    fn lines_are_bounded() {
        let mut input: &[u8] = b"abc\nabcd\n";
        assert_eq!(read_line(&mut input, 4).unwrap().unwrap(), b"abc\n");
        assert!(read_line(&mut input, 4).is_err());
        let mut cut: &[u8] = b"ab";
        assert!(read_line(&mut cut, 4).is_err());
        assert!(read_line(&mut &b""[..], 4).unwrap().is_none());
        assert!(encode(&"x".repeat(10), 10).is_err());
    }

    #[test]
    fn the_longest_text_fits_into_a_reply() {
        let text = "\u{1}".repeat(MAX_TEXT);
        assert!(encode(&Reply::Text { id: u64::MAX, text }, MAX_REPLY).is_ok());
    }
}
