//! Events on standard output, one JSON object a line, in the order in which they were told.
//!
//! A reader that is slow, or has stopped, is waited for in the right place: a peer's message waits for room, so that the
//! peer is slowed down; a command is read when there is a seat for its answer, so that no answer is ever lost; what
//! merely happens is left out. Neither kind takes the others' room.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Bytes of peers' messages that may wait for our reader. A line that is longer waits until it is alone.
const MESSAGE_BYTES: u32 = 1024 * 1024;
/// Commands that are not answered yet, and answers that wait for our reader.
const SEATS: usize = 1024;
/// Other events that may wait for our reader.
const EVENTS: usize = 1024;
/// Bytes that are written at a time. The next ones show that our reader is still there.
const CHUNK: usize = 64 * 1024;
/// How long our reader may take nothing at the end.
const PATIENCE: Duration = Duration::from_secs(5);

/// Clones write to the same place.
#[derive(Clone)]
pub(super) struct Output {
    lines: mpsc::UnboundedSender<Line>,
    message_bytes: Arc<Semaphore>,
    seats: Arc<Semaphore>,
    events: Arc<Semaphore>,
    written: watch::Receiver<u64>,
}

/// A line's share of one of the limits. It is given back when the line is written.
pub(super) struct Room {
    _permit: Option<OwnedSemaphorePermit>,
}

enum Line {
    Text(String, Room),
    End(oneshot::Sender<()>),
}

impl Output {
    #[expect(clippy::disallowed_methods, reason = "every line has its share of a limit, but for one at the start")]
    pub(super) fn start() -> Self {
        let (lines, queue) = mpsc::unbounded_channel();
        let (count, written) = watch::channel(0);
        // It ends with the process; `finish` waits until everything is written.
        let _writer: JoinHandle<()> = tokio::spawn(write(queue, count));
        let limit = |permits| Arc::new(Semaphore::new(permits));
        let message_bytes = limit(MESSAGE_BYTES as usize);
        Self { lines, message_bytes, seats: limit(SEATS), events: limit(EVENTS), written }
    }

    /// Tells what has happened. If nobody reads and too much waits already, it is lost, and a log line says so.
    pub(super) fn event(&self, event: &Value) {
        match self.events.clone().try_acquire_owned() {
            Ok(permit) => self.tell(event.to_string(), Room { _permit: Some(permit) }),
            Err(_) => tracing::warn!("nobody reads the events; one was lost"),
        }
    }

    /// Says what went wrong where no command asked for anything.
    pub(super) fn problem(&self, place: &str, message: &str) {
        self.event(&error(place, None, message));
    }

    /// Waits for room for a message of so many bytes. Safe to cancel.
    pub(super) async fn room(&self, len: usize) -> Room {
        let share = u32::try_from(len).unwrap_or(u32::MAX).min(MESSAGE_BYTES);
        // The semaphore is never closed.
        Room { _permit: self.message_bytes.clone().acquire_many_owned(share).await.ok() }
    }

    /// Waits for room for an answer. Safe to cancel.
    pub(super) async fn seat(&self) -> Room {
        Room { _permit: self.seats.clone().acquire_owned().await.ok() }
    }

    /// Tells a line for which there is room.
    pub(super) fn tell(&self, line: String, room: Room) {
        // Without a writer standard output is closed, and nobody misses the line.
        let _ = self.lines.send(Line::Text(line, room));
    }

    /// Waits until everything is written, or our reader has stopped.
    pub(super) async fn finish(mut self) {
        let (end, mut done) = oneshot::channel();
        if self.lines.send(Line::End(end)).is_err() {
            return;
        }
        loop {
            tokio::select! {
                // An error means that the writer is gone, and with it what it had to write.
                _ = &mut done => return,
                progress = timeout(PATIENCE, self.written.changed()) => if progress.is_err() {
                    tracing::warn!("nobody reads the events; the last ones are lost");
                    return;
                },
            }
        }
    }
}

/// The line that says what went wrong.
pub(super) fn error(place: &str, id: Option<&Value>, message: &str) -> Value {
    json!({"event": "error", "where": place, "id": id, "error": {"message": message}})
}

async fn write(mut queue: mpsc::UnboundedReceiver<Line>, count: watch::Sender<u64>) {
    let mut stdout = tokio::io::stdout();
    while let Some(line) = queue.recv().await {
        match line {
            Line::Text(mut text, _room) => {
                text.push('\n');
                for chunk in text.as_bytes().chunks(CHUNK) {
                    if stdout.write_all(chunk).await.is_err() || stdout.flush().await.is_err() {
                        tracing::warn!("standard output is closed");
                        return;
                    }
                    count.send_modify(|count| *count += 1);
                }
            }
            Line::End(written) => drop(written.send(())),
        }
    }
}
