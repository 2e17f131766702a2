//! A file that receives the decrypted messages, one JSON line each.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use ratatosk_protocol::message::Payload;
use serde_json::{Value, json};

use super::conversation::add_content;

/// Clones write to the same file. Without a file nothing is written.
#[derive(Clone)]
pub(super) struct Transcript {
    file: Option<Arc<Mutex<File>>>,
    start: Instant,
}

impl Transcript {
    pub(super) fn open(path: Option<&Path>) -> Result<Self, String> {
        let create = |path: &Path| {
            File::create(path).map_err(|error| format!("cannot write the transcript {}: {error}", path.display()))
        };
        let file = path.map(create).transpose()?.map(|file| Arc::new(Mutex::new(file)));
        Ok(Self { file, start: Instant::now() })
    }

    /// Writes a marker.
    pub(super) fn mark(&self, text: &str) -> Result<(), String> {
        self.write(json!({"mark": text})).map_err(|error| format!("cannot write the transcript: {error}"))
    }

    /// Writes a message.
    pub(super) fn message(&self, direction: &str, connection: u64, message: &Payload) {
        if self.file.is_none() {
            return;
        }
        let mut line = json!({"dir": direction, "connection": connection});
        add_content(&mut line, message);
        if let Err(error) = self.write(line) {
            tracing::warn!(%error, "the transcript cannot be written");
        }
    }

    fn write(&self, mut line: Value) -> std::io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        line["t"] = json!(self.start.elapsed().as_secs_f64() * 1000.0);
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(file, "{line}")
    }
}
