//! Where a chat is written, and where what somebody types comes from.
//!
//! In a terminal there is a line at the bottom in which one types, above it what changes (`region`), and everything else
//! appears above that. Without one, lines come in and go out as they are, so that a chat can stand in a pipe.

use std::io::{BufRead, IsTerminal, Write, stdin, stdout};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rustyline::error::ReadlineError;
use rustyline::{Config, DefaultEditor, ExternalPrinter};
use tokio::sync::mpsc;

use super::region::{Region, Size};

/// Lines that wait for the chat.
const LINES: usize = 16;
/// The longest line that is taken, in bytes.
const MAX_LINE: u64 = 16 << 20;
/// Lines that can be called back.
const HISTORY: usize = 200;

/// Where a chat is written.
pub(super) struct Screen {
    /// Writes above the line in which one types.
    printer: Option<Printer>,
    region: Region,
    /// As large as the terminal was when the last line began.
    size: Arc<Mutex<Size>>,
    prompt: String,
    /// Allows the next line to be read. The terminal belongs to the editor only while it reads one, so that it is as it was
    /// when the chat ends.
    again: SyncSender<()>,
}

impl Screen {
    /// Takes the terminal, if there is one on both sides, and begins to read lines.
    pub(super) fn open(prompt: &str) -> (Self, mpsc::Receiver<String>) {
        let (sender, lines) = mpsc::channel(LINES);
        let (again, may_read) = sync_channel(1);
        let size = Arc::<Mutex<Size>>::default();
        let screen =
            |printer| Self { printer, region: Region::default(), size: size.clone(), prompt: prompt.to_owned(), again };
        if stdin().is_terminal()
            && stdout().is_terminal()
            && let Some((mut editor, printer)) = editor()
        {
            let (prompt, size) = (prompt.to_owned(), size.clone());
            thread::spawn(move || read_terminal(&mut editor, &prompt, &size, &sender, &may_read));
            return (screen(Some(printer)), lines);
        }
        // It reads until the end of the input or of the chat; nothing waits for it.
        thread::spawn(move || read_plain(&sender));
        (screen(None), lines)
    }

    /// Whether there is a terminal: what somebody types is on the screen already.
    pub(super) fn is_terminal(&self) -> bool {
        self.printer.is_some()
    }

    /// How large the terminal is.
    pub(super) fn size(&self) -> Size {
        *self.size.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A line was typed, and stands under what changes: it belongs above.
    pub(super) fn typed(&mut self, line: &str) {
        if self.printer.is_some() && !self.region.is_empty() {
            let line = format!("{}{line}", self.prompt);
            let below = self.size().rows_of(&line);
            let text = self.region.above(&[line], below);
            self.print(text);
        }
    }

    /// The line that came last is dealt with.
    pub(super) fn next(&self) {
        // Nobody waits for that where there is no terminal.
        let _ = self.again.try_send(());
    }

    /// Writes lines that stay. They are safe to be shown.
    pub(super) fn write(&mut self, lines: impl IntoIterator<Item = String>) {
        let lines: Vec<String> = lines.into_iter().collect();
        if !lines.is_empty() {
            let text = self.region.above(&lines, 0);
            self.print(text);
        }
    }

    /// Shows these rows at the bottom, in place of those that are there. Nothing where there is no terminal.
    pub(super) fn show(&mut self, rows: Vec<String>) {
        if self.printer.is_some()
            && let Some(text) = self.region.replace(rows)
        {
            self.print(text);
        }
    }

    fn print(&mut self, text: String) {
        let written = match &mut self.printer {
            Some(printer) => printer.print(text).map_err(std::io::Error::other),
            None => stdout().write_all(text.as_bytes()).and_then(|()| stdout().flush()),
        };
        if let Err(error) = written {
            tracing::debug!(%error, "nobody reads the chat");
        }
    }
}

type Printer = Box<dyn ExternalPrinter + Send>;

fn editor() -> Option<(DefaultEditor, Printer)> {
    let config = Config::builder().max_history_size(HISTORY).ok()?.build();
    let mut editor = DefaultEditor::with_config(config).ok()?;
    let printer = editor.create_external_printer().ok()?;
    Some((editor, Box::new(printer)))
}

fn read_terminal(
    editor: &mut DefaultEditor,
    prompt: &str,
    size: &Mutex<Size>,
    lines: &mpsc::Sender<String>,
    may_read: &Receiver<()>,
) {
    loop {
        if let Some((columns, rows)) = editor.dimensions() {
            *size.lock().unwrap_or_else(PoisonError::into_inner) = Size { columns: columns.into(), rows: rows.into() };
        }
        match editor.readline(prompt) {
            Ok(line) => {
                if !line.trim().is_empty() {
                    // A line that cannot be called back is no harm.
                    let _ = editor.add_history_entry(&line);
                }
                if lines.blocking_send(line).is_err() || may_read.recv().is_err() {
                    return;
                }
            }
            Err(ReadlineError::Signal(_)) => {}
            // Ctrl-C, Ctrl-D, or no terminal any more: the end of the lines ends the chat.
            Err(_) => return,
        }
    }
}

fn read_plain(lines: &mpsc::Sender<String>) {
    let mut stdin = stdin().lock();
    loop {
        let mut line = Vec::new();
        match std::io::Read::take(&mut stdin, MAX_LINE).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                let line = String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned();
                if lines.blocking_send(line).is_err() {
                    return;
                }
            }
        }
    }
}
