//! Events on standard output, one JSON object a line, in the order in which they were told.

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Lines that wait for a slow reader of ours at most.
const QUEUE: usize = 256;

/// Clones write to the same place.
#[derive(Clone)]
pub(super) struct Output {
    lines: mpsc::Sender<Line>,
}

enum Line {
    Event(Value),
    End(tokio::sync::oneshot::Sender<()>),
}

impl Output {
    pub(super) fn start() -> Self {
        let (lines, queue) = mpsc::channel(QUEUE);
        // It ends with the process; `finish` waits until everything is written.
        let _writer: JoinHandle<()> = tokio::spawn(write(queue));
        Self { lines }
    }

    /// Tells something small. If nobody reads and the queue is full, it is lost, and a log line says so.
    pub(super) fn emit(&self, event: Value) {
        if self.lines.try_send(Line::Event(event)).is_err() {
            tracing::warn!("nobody reads the events; one was lost");
        }
    }

    /// Tells a message of the peer; waits for room, so that none is lost and the peer is slowed down instead.
    pub(super) async fn emit_data(&self, event: Value) {
        // The writer lives as long as the process.
        let _ = self.lines.send(Line::Event(event)).await;
    }

    /// Answers a command.
    pub(super) fn result(&self, command: &str, id: Option<&Value>, mut fields: Value) {
        fields["event"] = json!("result");
        fields["cmd"] = json!(command);
        if let Some(id) = id {
            fields["id"] = id.clone();
        }
        self.emit(fields);
    }

    /// Says what went wrong, and where.
    pub(super) fn error(&self, place: &str, id: Option<&Value>, message: &str) {
        self.emit(json!({"event": "error", "where": place, "id": id, "error": {"message": message}}));
    }

    /// Waits until everything is written.
    pub(super) async fn finish(self) {
        let (written, done) = tokio::sync::oneshot::channel();
        if self.lines.send(Line::End(written)).await.is_ok() {
            // An error means that the writer is gone, and with it what it had to write.
            let _ = done.await;
        }
    }
}

async fn write(mut queue: mpsc::Receiver<Line>) {
    let mut stdout = tokio::io::stdout();
    while let Some(line) = queue.recv().await {
        match line {
            Line::Event(event) => {
                let mut text = event.to_string();
                text.push('\n');
                if stdout.write_all(text.as_bytes()).await.is_err() || stdout.flush().await.is_err() {
                    return;
                }
            }
            Line::End(written) => drop(written.send(())),
        }
    }
}
