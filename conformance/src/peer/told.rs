//! What a peer has told and nobody has looked at yet. A peer that tells too much is not listened to any more.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use ratatosk_protocol::key::PublicKey;
use ratatosk_protocol::message::Payload;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::sync::Notify;
use tokio::time::timeout_at;

use super::payload;

/// The longest line.
const MAX_LINE: usize = 64 << 20;
/// The longest line of which every field is read: what JSON says takes many times its length in memory.
const MAX_READ: usize = 1 << 20;
/// Most bytes of lines in one scenario.
const MAX_TOLD: usize = 256 << 20;
/// What an event takes beside its text.
const OVERHEAD: usize = 64;
/// What a peer with an identity tells by itself.
const OF_PERSONS: [&str; 4] = ["pairing", "protocolStart", "newTopic", "message"];

/// A message that a peer has got.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) from: PublicKey,
    pub(crate) payload: Payload,
}

/// The end of a connection that was established.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Whether the peer ended it itself.
    pub(crate) here: bool,
    pub(crate) reason: String,
}

/// The result, or the message of the error.
pub(crate) type Answer = Result<Value, String>;

/// What is read of a line that is too long for more: a message.
#[derive(Deserialize, Serialize)]
struct Long {
    event: String,
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hex: Option<String>,
}

/// What was told, by kind.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) key: Option<PublicKey>,
    /// Who the peer is, if it has an identity.
    pub(crate) person: Option<String>,
    /// Whether the peer can be reached, as it said last.
    pub(crate) online: bool,
    /// By the id of the command.
    pub(crate) answers: BTreeMap<u64, Answer>,
    pub(crate) messages: VecDeque<Received>,
    pub(crate) connected: VecDeque<PublicKey>,
    pub(crate) ended: VecDeque<Ended>,
    /// What a peer with an identity tells, as it came.
    pub(crate) events: Vec<Value>,
    /// Bytes of all lines so far.
    bytes: usize,
    /// Why nothing more comes.
    over: Option<String>,
}

/// The same, shared between the task that reads and whoever waits.
#[derive(Default)]
pub(crate) struct Told {
    state: Mutex<State>,
    changed: Notify,
}

impl Told {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn over(&self) -> Option<String> {
        self.state().over.clone()
    }

    pub(super) async fn find<T>(&self, deadline: Instant, mut look: impl FnMut(&mut State) -> Option<T>) -> Option<T> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // From here on nothing is missed.
            changed.as_mut().enable();
            {
                let mut state = self.state();
                let found = look(&mut state);
                if found.is_some() || state.over.is_some() {
                    return found;
                }
            }
            if timeout_at(deadline.into(), changed).await.is_err() {
                return look(&mut self.state());
            }
        }
    }

    /// Takes a line; `None` if no more are to be read.
    fn take(&self, line: &[u8]) -> Option<()> {
        let mut state = self.state();
        state.bytes += line.len() + OVERHEAD;
        if state.bytes > MAX_TOLD {
            state.over = Some(format!("it has told more than {} MiB", MAX_TOLD >> 20));
        } else if let Err(problem) = state.take(line) {
            state.over = Some(problem);
        }
        let goes_on = state.over.is_none().then_some(());
        drop(state);
        self.changed.notify_waiters();
        goes_on
    }

    fn end(&self, why: &str) {
        self.state().over.get_or_insert_with(|| why.to_owned());
        self.changed.notify_waiters();
    }
}

impl State {
    /// Sorts an event. What is not known is left alone.
    fn take(&mut self, line: &[u8]) -> Result<(), String> {
        let line = line.trim_ascii();
        if line.is_empty() {
            return Ok(());
        }
        let shown = || String::from_utf8_lossy(&line[..line.len().min(80)]).into_owned();
        let event: Value = if line.len() > MAX_READ {
            let long = serde_json::from_slice::<Long>(line).and_then(serde_json::to_value);
            long.map_err(|error| format!("its long line {} is no message: {error}", shown()))?
        } else {
            serde_json::from_slice(line).map_err(|error| format!("its line {} is no JSON: {error}", shown()))?
        };
        let text = |name: &str| event[name].as_str().unwrap_or_default();
        let key =
            |name: &str| PublicKey::from_hex(text(name)).map_err(|error| format!("its line {}: {error}", shown()));
        match text("event") {
            "ready" => {
                self.person = event["personId"].as_str().map(str::to_owned);
                if self.person.is_none() || event["publicKey"].is_string() {
                    self.key = Some(key("publicKey")?);
                }
            }
            "online" => self.online = event["state"] == true,
            "connected" => self.connected.push_back(key("key")?),
            "disconnected" => {
                self.ended.push_back(Ended { here: text("origin") == "local", reason: text("reason").to_owned() });
            }
            "raw" => {
                let payload =
                    payload::from_json(&event).ok_or_else(|| format!("its line {} has no message", shown()))?;
                self.messages.push_back(Received { from: key("key")?, payload });
            }
            "error" => {
                // One without an id is about nothing that was asked for.
                if let Some(id) = event["id"].as_u64() {
                    let message = event["error"]["message"].as_str().unwrap_or("?").to_owned();
                    self.answers.insert(id, Err(message));
                }
            }
            name if OF_PERSONS.contains(&name) => self.events.push(event),
            // Whatever it is called: a result, an invitation.
            _ => {
                if let Some(id) = event["id"].as_u64() {
                    self.answers.insert(id, Ok(event));
                }
            }
        }
        Ok(())
    }
}

/// Reads lines until there are no more.
pub(super) async fn read(stdout: impl AsyncRead + Unpin, told: std::sync::Arc<Told>) {
    let mut stdout = BufReader::with_capacity(1 << 16, stdout);
    let mut line = Vec::new();
    loop {
        let Ok(chunk) = stdout.fill_buf().await else { return told.end("its standard output cannot be read") };
        if chunk.is_empty() {
            return told.end("it has ended");
        }
        let end = chunk.iter().position(|&byte| byte == b'\n');
        let taken = end.map_or(chunk.len(), |end| end + 1);
        line.extend_from_slice(&chunk[..taken]);
        stdout.consume(taken);
        if line.len() > MAX_LINE {
            return told.end("it writes a line that is too long");
        }
        if end.is_some() && told.take(&std::mem::take(&mut line)).is_none() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;

    async fn told(text: &str) -> Arc<Told> {
        let told = Arc::new(Told::default());
        read(text.as_bytes(), told.clone()).await;
        told
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(5)
    }

    #[tokio::test]
    async fn events_are_sorted() {
        let key = "09".repeat(32);
        let told = told(&format!(
            "{{\"event\":\"ready\",\"publicKey\":\"{key}\"}}\n\n{{\"event\":\"online\",\"state\":true}}\n\
             {{\"event\":\"dance\"}}\n{{\"event\":\"raw\",\"key\":\"{key}\",\"text\":\"x\"}}\n\
             {{\"event\":\"error\",\"id\":7,\"error\":{{\"message\":\"no\"}}}}\n{{\"event\":\"result\",\"id\":8}}\n"
        ))
        .await;
        let state = told.state();
        assert!(state.online && state.key.is_some());
        assert_eq!(state.messages[0].payload, Payload::text("x"));
        assert_eq!(state.answers[&7], Err("no".to_owned()));
        assert!(state.answers[&8].is_ok());
        drop(state);
        assert_eq!(told.over().as_deref(), Some("it has ended"));
    }

    #[tokio::test]
    async fn what_is_no_event_ends_it() {
        let cases = ["hello\n", "{\"event\":\"ready\",\"publicKey\":\"abc\"}\n", "{\"event\":\"raw\",\"key\":\"\"}\n"];
        for line in cases {
            let told = told(line).await;
            assert!(told.over().unwrap().starts_with("its line"), "{line}");
            assert!(told.find(soon(), |state| state.key).await.is_none());
        }
    }

    #[tokio::test]
    async fn a_long_line_is_a_message_or_nothing() {
        let key = "09".repeat(32);
        let long = "x".repeat(MAX_READ);
        let message = format!("{{\"event\":\"raw\",\"more\":[0],\"key\":\"{key}\",\"text\":\"{long}\"}}\n");
        let peer = told(&message).await;
        assert_eq!(peer.state().messages[0].payload, Payload::text(long));
        let zeros = "0,".repeat(MAX_READ);
        let peer = told(&format!("{{\"event\":\"result\",\"id\":1,\"connections\":[{zeros}0]}}\n")).await;
        assert!(peer.over().unwrap().starts_with("its long line"));
        assert!(peer.state().answers.is_empty());
        let peer = told("{\"event\":\"result\",\"id\":1,\"connections\":[{},{}]}\n").await;
        assert_eq!(peer.state().answers[&1].as_ref().unwrap()["connections"].as_array().map(Vec::len), Some(2));
    }

    #[tokio::test]
    async fn whoever_waits_is_woken() {
        let told = Arc::new(Told::default());
        let waiting = {
            let told = told.clone();
            tokio::spawn(async move { told.find(soon(), |state| state.online.then_some(())).await })
        };
        tokio::task::yield_now().await;
        told.take(br#"{"event":"online","state":true}"#).unwrap();
        assert_eq!(waiting.await.unwrap(), Some(()));
    }
}
