//! One encrypted connection: messages both ways at the same time, until it ends or is to be closed.
//!
//! Receiving and sending wait for nothing of each other: two peers that send a lot to each other have to read as well, or
//! both wait for ever.

use std::sync::Arc;
use std::time::Duration;

use ratatosk_protocol::close::CloseRequest;
use ratatosk_protocol::connection::Closed;
use ratatosk_protocol::driver::{Session, SessionSender};
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::phase::Role;
use ratatosk_protocol::plugin::{Counters, Note, Origin};
use ratatosk_protocol::trace::{Entry, Timeline};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};

use super::mailbox::Mail;
use super::output::Output;
use super::transcript::Transcript;

/// Where a connection tells what happens.
#[derive(Clone)]
pub(super) struct Ears {
    pub(super) output: Output,
    pub(super) transcript: Transcript,
}

/// What a connection is asked for. Dropping the other ends closes it.
pub(super) struct Requests {
    pub(super) mailbox: mpsc::Receiver<Mail>,
    pub(super) questions: mpsc::Receiver<Question>,
}

/// Somebody wants to know what happened so far.
pub(super) type Question = oneshot::Sender<Value>;

/// How a conversation ended.
pub(super) struct Outcome {
    /// What is to be told of it.
    pub(super) event: Value,
    /// If the connection came to a proper end.
    pub(super) timeline: Option<Value>,
}

pub(super) struct Conversation {
    ears: Ears,
    number: u64,
    role: Role,
    key: String,
    session: Session,
    counters: Arc<Counters>,
}

impl Conversation {
    /// Begins, and says so.
    pub(super) fn new(ears: Ears, number: u64, role: Role, session: Session) -> Self {
        let (key, counters) = (session.remote().to_hex(), session.counters().clone());
        ears.output.event(&json!({"event": "connected", "connection": number, "key": key, "role": role.name()}));
        Self { ears, number, role, key, session, counters }
    }

    /// Runs until the connection ends or nobody holds the other ends of `requests`; then what waits to be sent gets
    /// `patience`, and the close twice that.
    pub(super) async fn run(mut self, requests: Requests, patience: Duration) -> Outcome {
        let Requests { mailbox, mut questions } = requests;
        let sending = send(self.ears.transcript.clone(), self.number, self.session.sender(), mailbox);
        tokio::pin!(sending);
        let mut is_sending = true;
        let mut close_by = None;
        // A message of the peer for which our reader has no room yet.
        let mut unread: Option<String> = None;
        let is_over = loop {
            if close_by.is_some() && !is_sending {
                break false;
            }
            tokio::select! {
                message = self.session.recv(), if unread.is_none() => match message {
                    Some(message) => unread = Some(self.received(&message)),
                    None => break true,
                },
                room = self.ears.output.room(unread.as_ref().map_or(0, String::len)), if unread.is_some() => {
                    if let Some(line) = unread.take() {
                        self.ears.output.tell(line, room);
                    }
                }
                () = &mut sending, if is_sending => is_sending = false,
                question = questions.recv(), if close_by.is_none() => match question {
                    Some(reply) => {
                        let timeline = self.session.timeline().await;
                        // Whoever asked may have given up.
                        let _ = reply.send(show(self.number, &timeline, &self.counters));
                    }
                    None => close_by = Some(Instant::now() + patience),
                },
                () = until(close_by) => break false,
            }
        };
        let end = if is_over {
            Some((self.session.closed().await, self.session.timeline().await))
        } else {
            // What was handed in goes out before the close, unless the peer takes it too slowly.
            timeout(2 * patience, self.session.close(CloseRequest::Close(None))).await.ok()
        };
        Outcome {
            event: disconnected(self.number, self.role, end.as_ref().map(|(closed, _)| closed)),
            timeline: end.map(|(_, timeline)| show(self.number, &timeline, &self.counters)),
        }
    }

    fn received(&self, message: &Payload) -> String {
        self.ears.transcript.message("received", self.number, message);
        let mut event = json!({"event": "raw", "connection": self.number, "key": self.key});
        add_content(&mut event, message);
        event.to_string()
    }
}

/// Sends until nobody can hand in anything any more.
async fn send(transcript: Transcript, number: u64, sender: SessionSender, mut mailbox: mpsc::Receiver<Mail>) {
    while let Some(Mail { payload, answer, _room }) = mailbox.recv().await {
        transcript.message("sent", number, &payload);
        match sender.send(payload).await {
            Ok(()) => answer.result(json!({"connection": number})),
            Err(error) => answer.error(&error.to_string()),
        }
    }
}

fn disconnected(number: u64, role: Role, closed: Option<&Closed>) -> Value {
    let is_local = closed.is_none_or(|closed| closed.origin == Origin::Local);
    json!({
        "event": "disconnected",
        "connection": number,
        "role": role.name(),
        "origin": if is_local { "local" } else { "remote" },
        "reason": closed.map_or("the peer did not take what was to be sent; the connection is dropped", |closed| &closed.reason),
        "error": closed.map(|closed| closed.error.to_string()),
    })
}

/// Puts a message's content into an event.
pub(super) fn add_content(event: &mut Value, message: &Payload) {
    match message {
        Payload::Text(text) => event["text"] = json!(text),
        Payload::Binary(data) => event["hex"] = json!(hex::encode(data)),
    }
}

fn show(number: u64, timeline: &Timeline, counters: &Counters) -> Value {
    let (mut plugins, mut notes) = (Vec::new(), Vec::new());
    for (at, entry) in timeline.entries() {
        match entry {
            Entry::Attached { plugin, form } => plugins.push(json!({"name": plugin, "form": form.name()})),
            Entry::Noted(Note { plugin, text }) => {
                notes.push(json!({"atMs": millis(*at), "plugin": plugin, "text": text}));
            }
            _ => {}
        }
    }
    json!({
        "connection": number,
        "role": timeline.role().name(),
        "lines": timeline.to_string().lines().collect::<Vec<_>>(),
        "plugins": plugins,
        "notes": notes,
        "bytesSent": counters.bytes_sent(),
        "bytesReceived": counters.bytes_received(),
        "messagesSent": counters.messages_sent(),
        "messagesReceived": counters.messages_received(),
    })
}

/// With fractions.
pub(super) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

async fn until(end: Option<Instant>) {
    match end {
        Some(end) => sleep_until(end).await,
        None => std::future::pending().await,
    }
}
