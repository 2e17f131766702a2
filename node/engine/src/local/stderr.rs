//! What the worker says on standard error (llama.cpp's log) goes to ours: escaped, cut and not too often.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::Instant;

/// Characters of a line that are shown.
const MAX_SHOWN: usize = 300;
/// Bytes of a line that are kept before it is shown.
const MAX_LINE: usize = 1024;
/// Lines that are shown in a [`WINDOW`].
const MAX_LINES: u32 = 400;
/// In which lines are counted.
const WINDOW: Duration = Duration::from_secs(10);

/// The last line that said something: often the reason of a death.
#[derive(Debug, Clone, Default)]
pub(super) struct LastLine(Arc<Mutex<String>>);

impl LastLine {
    pub(super) fn get(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, line: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = line;
    }
}

/// A text of the worker, of a model or of its file in one line that does nothing to a terminal.
pub(super) fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_LINE)]);
    let mut shown: String = text.trim_end().escape_debug().take(MAX_SHOWN).collect();
    if text.trim_end().escape_debug().nth(MAX_SHOWN).is_some() || bytes.len() > MAX_LINE {
        shown.push('…');
    }
    shown
}

/// Reads to the end.
pub(super) async fn pass_on(mut input: impl AsyncRead + Unpin, last: LastLine) {
    let mut buffer = [0; 4096];
    let mut line = Vec::new();
    let mut budget = Budget { since: Instant::now(), lines: 0 };
    loop {
        let read = match input.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(read) => read,
        };
        for byte in &buffer[..read] {
            if *byte == b'\n' {
                budget.tell(&line, &last);
                line.clear();
            } else if line.len() <= MAX_LINE {
                line.push(*byte);
            }
        }
    }
    budget.tell(&line, &last);
}

/// How much may still be shown.
struct Budget {
    since: Instant,
    lines: u32,
}

impl Budget {
    fn tell(&mut self, line: &[u8], last: &LastLine) {
        let line = shown(line);
        if line.is_empty() {
            return;
        }
        if self.since.elapsed() >= WINDOW {
            if self.lines > MAX_LINES {
                tracing::debug!(lines = self.lines - MAX_LINES, "lines of the model's process are left out");
            }
            *self = Self { since: Instant::now(), lines: 0 };
        }
        self.lines = self.lines.saturating_add(1);
        if self.lines <= MAX_LINES {
            tracing::debug!(%line, "the model's process");
        }
        last.set(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_does_nothing_to_a_terminal() {
        assert_eq!(shown(b"\x1b[31mred\r\n"), "\\u{1b}[31mred");
        assert_eq!(shown(b"\xff\xfe"), "\u{fffd}\u{fffd}");
        assert_eq!(shown(&[b'x'; MAX_LINE + 1]).chars().count(), MAX_SHOWN + 1);
    }

    #[tokio::test]
    async fn the_last_line_is_kept_and_a_flood_is_not() {
        let last = LastLine::default();
        let mut flood = vec![b'y'; 1 << 20];
        flood.extend_from_slice(b"\nGGML_ASSERT failed\n\n");
        pass_on(&flood[..], last.clone()).await;
        assert_eq!(last.get(), "GGML_ASSERT failed");
    }
}
