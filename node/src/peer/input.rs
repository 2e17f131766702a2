//! Lines of standard input, bounded, and safe to be interrupted while one is half read.

use tokio::io::{AsyncBufReadExt, BufReader, Stdin};

/// The longest line: a message of 100 MiB would be one of 200 MiB of hex; 16 MiB is enough for every scenario.
const MAX_LINE: usize = 16 * 1024 * 1024;

pub(super) struct Input {
    stdin: BufReader<Stdin>,
    line: Vec<u8>,
    /// The rest of a line that was too long is skipped.
    skipping: bool,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum InputError {
    #[error("the line is longer than {MAX_LINE} bytes; it was skipped")]
    TooLong,
    #[error("standard input cannot be read: {0}")]
    Io(#[from] std::io::Error),
}

impl Input {
    pub(super) fn new() -> Self {
        Self { stdin: BufReader::new(tokio::io::stdin()), line: Vec::new(), skipping: false }
    }

    /// The next line that is not blank; none at the end. Safe to cancel.
    pub(super) async fn next(&mut self) -> Result<Option<String>, InputError> {
        loop {
            let chunk = self.stdin.fill_buf().await?;
            let at_end = chunk.is_empty();
            let (taken, ends) = match chunk.iter().position(|&byte| byte == b'\n') {
                Some(end) => (end, true),
                None => (chunk.len(), at_end),
            };
            if !self.skipping {
                self.line.extend_from_slice(&chunk[..taken]);
            }
            self.stdin.consume(taken + usize::from(ends && !at_end));
            if self.line.len() > MAX_LINE {
                self.line = Vec::new();
                self.skipping = !ends;
                return Err(InputError::TooLong);
            }
            if ends {
                self.skipping = false;
                let line = std::mem::take(&mut self.line);
                // What is not UTF-8 is not JSON either, and the parser says so.
                let line = String::from_utf8_lossy(&line).trim().to_owned();
                if !line.is_empty() {
                    return Ok(Some(line));
                }
            }
            if at_end {
                return Ok(None);
            }
        }
    }
}
