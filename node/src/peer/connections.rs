//! The encrypted connections of the peer, one task each.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, OnceLock};

use ratatosk_protocol::close::CloseRequest;
use ratatosk_protocol::connection::Connector;
use ratatosk_protocol::driver::{ConnectorConfig, Environment, Session, connect};
use ratatosk_protocol::key::{KeyPair, PublicKey};
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::phase::Role;
use ratatosk_protocol::plugin::{Counters, Origin};
use ratatosk_protocol::trace::Timeline;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, JoinSet};

use super::output::Output;
use super::transcript::Transcript;

/// Messages that wait for one connection at most.
const MAILBOX: usize = 64;
/// Timelines of ended connections that are kept.
const KEPT_TIMELINES: usize = 16;

/// All connections, live and recently ended.
pub(super) struct Connections {
    shared: Arc<Shared>,
    live: BTreeMap<u64, Live>,
    next: u64,
    tasks: JoinSet<Option<Ended>>,
    ended: VecDeque<Value>,
}

struct Shared {
    environment: Environment,
    url: String,
    key: KeyPair,
    output: Output,
    transcript: Transcript,
}

/// A connection that is being dialled or is open.
struct Live {
    key: PublicKey,
    role: Role,
    mailbox: mpsc::Sender<Mail>,
    open: Arc<OnceLock<Arc<Counters>>>,
    task: AbortHandle,
}

enum Mail {
    Send { payload: Payload, id: Option<Value> },
    Timeline(oneshot::Sender<Timeline>),
    Close,
}

/// What stays of an ended connection.
struct Ended {
    number: u64,
    timeline: Option<Value>,
}

impl Connections {
    pub(super) fn new(
        environment: Environment,
        url: String,
        key: KeyPair,
        output: Output,
        transcript: Transcript,
    ) -> Self {
        let shared = Arc::new(Shared { environment, url, key, output, transcript });
        Self { shared, live: BTreeMap::new(), next: 1, tasks: JoinSet::new(), ended: VecDeque::new() }
    }

    /// Takes a connection that a peer has opened to us.
    pub(super) fn add(&mut self, session: Session) {
        let (key, open) = (*session.remote(), Arc::new(OnceLock::from(session.counters().clone())));
        let shared = self.shared.clone();
        self.spawn(key, Role::Listener, open, |number, mailbox| async move {
            shared.opened(number, &session, Role::Listener);
            shared.serve(number, session, Role::Listener, mailbox).await
        });
    }

    /// Sends over the newest connection to a key, or over a new one. The answer comes as an event.
    pub(super) fn send(&mut self, key: PublicKey, payload: Payload, id: Option<Value>) {
        if !self.live.values().any(|live| live.key == key) {
            self.dial(key);
        }
        let Some(live) = self.live.values().rev().find(|live| live.key == key) else { return };
        if let Err(mail) = live.mailbox.try_send(Mail::Send { payload, id })
            && let Mail::Send { id, .. } = mail.into_inner()
        {
            let problem = format!("{MAILBOX} messages to this key are waiting already, or its connection is ending");
            self.shared.output.error("raw", id.as_ref(), &problem);
        }
    }

    fn dial(&mut self, key: PublicKey) {
        let shared = self.shared.clone();
        let open = Arc::new(OnceLock::new());
        let opened = open.clone();
        self.spawn(key, Role::Initiator, open, |number, mut mailbox| async move {
            let connector = Connector { local: shared.key.clone(), remote: key };
            let config = ConnectorConfig { url: shared.url.clone(), connector };
            match connect(&shared.environment, &config).await {
                Ok(session) => {
                    // Only this task sets it.
                    let _ = opened.set(session.counters().clone());
                    shared.opened(number, &session, Role::Initiator);
                    shared.serve(number, session, Role::Initiator, mailbox).await
                }
                Err(error) => {
                    mailbox.close();
                    while let Some(mail) = mailbox.recv().await {
                        if let Mail::Send { id, .. } = mail {
                            shared.output.error("raw", id.as_ref(), &error.to_string());
                        }
                    }
                    Ended { number, timeline: None }
                }
            }
        });
    }

    fn spawn<F>(
        &mut self,
        key: PublicKey,
        role: Role,
        open: Arc<OnceLock<Arc<Counters>>>,
        work: impl FnOnce(u64, mpsc::Receiver<Mail>) -> F,
    ) where
        F: Future<Output = Ended> + Send + 'static,
    {
        let number = self.next;
        self.next += 1;
        let (mailbox, mails) = mpsc::channel(MAILBOX);
        let work = work(number, mails);
        let task = self.tasks.spawn(async move { Some(work.await) });
        self.live.insert(number, Live { key, role, mailbox, open, task });
    }

    /// What is there, for the `connections` command.
    pub(super) fn list(&self) -> Vec<Value> {
        let describe = |(number, live): (&u64, &Live)| {
            let counters = live.open.get();
            json!({
                "connection": number,
                "key": live.key.to_hex(),
                "role": live.role.name(),
                "state": if counters.is_some() { "open" } else { "connecting" },
                "bytesSent": counters.map(|counters| counters.bytes_sent()),
                "bytesReceived": counters.map(|counters| counters.bytes_received()),
            })
        };
        self.live.iter().map(describe).collect()
    }

    /// The timelines of the open connections and of the ones that ended last.
    pub(super) async fn timelines(&self) -> Vec<Value> {
        let mut timelines: Vec<Value> = self.ended.iter().cloned().collect();
        for (number, live) in &self.live {
            let Some(counters) = live.open.get() else { continue };
            let (reply, answer) = oneshot::channel();
            if live.mailbox.send(Mail::Timeline(reply)).await.is_ok()
                && let Ok(timeline) = answer.await
            {
                timelines.push(show(*number, &timeline, counters));
            }
        }
        timelines
    }

    /// Waits for a connection to end, and forgets it.
    pub(super) async fn progress(&mut self) {
        match self.tasks.join_next().await {
            Some(Ok(Some(ended))) => {
                self.live.remove(&ended.number);
                self.ended.extend(ended.timeline);
                if self.ended.len() > KEPT_TIMELINES {
                    self.ended.pop_front();
                }
            }
            Some(_) => {}
            None => std::future::pending().await,
        }
    }

    /// Closes the open connections and gives up on the others.
    pub(super) async fn close_all(&mut self) {
        for live in self.live.values() {
            if live.open.get().is_none() || live.mailbox.send(Mail::Close).await.is_err() {
                live.task.abort();
            }
        }
        while !self.tasks.is_empty() {
            self.progress().await;
        }
        self.live.clear();
    }
}

impl Shared {
    fn opened(&self, number: u64, session: &Session, role: Role) {
        let key = session.remote().to_hex();
        self.output.emit(json!({"event": "connected", "connection": number, "key": key, "role": role.name()}));
    }

    /// Carries messages both ways until the connection ends.
    async fn serve(&self, number: u64, mut session: Session, role: Role, mut mailbox: mpsc::Receiver<Mail>) -> Ended {
        let counters = session.counters().clone();
        let key = session.remote().to_hex();
        loop {
            tokio::select! {
                message = session.recv() => match message {
                    Some(message) => {
                        let mut event = json!({"event": "raw", "connection": number, "key": key});
                        add_content(&mut event, &message);
                        self.transcript.message("received", number, &message);
                        self.output.emit_data(event).await;
                    }
                    None => break,
                },
                mail = mailbox.recv() => match mail {
                    Some(Mail::Send { payload, id }) => {
                        self.transcript.message("sent", number, &payload);
                        match session.send(payload).await {
                            Ok(()) => self.output.result("raw", id.as_ref(), json!({"connection": number})),
                            Err(error) => self.output.error("raw", id.as_ref(), &error.to_string()),
                        }
                    }
                    Some(Mail::Timeline(reply)) => drop(reply.send(session.timeline().await)),
                    Some(Mail::Close) | None => {
                        let (closed, timeline) = session.close(CloseRequest::Close(None)).await;
                        return self.ended(number, &closed, &timeline, &counters, role);
                    }
                },
            }
        }
        let closed = session.closed().await;
        let timeline = session.timeline().await;
        self.ended(number, &closed, &timeline, &counters, role)
    }

    fn ended(
        &self,
        number: u64,
        closed: &ratatosk_protocol::connection::Closed,
        timeline: &Timeline,
        counters: &Counters,
        role: Role,
    ) -> Ended {
        self.output.emit(json!({
            "event": "disconnected",
            "connection": number,
            "role": role.name(),
            "origin": if closed.origin == Origin::Local { "local" } else { "remote" },
            "reason": closed.reason,
        }));
        Ended { number, timeline: Some(show(number, timeline, counters)) }
    }
}

/// Puts a message's content into an event.
pub(super) fn add_content(event: &mut Value, message: &Payload) {
    match message {
        Payload::Text(text) => event["text"] = json!(text),
        Payload::Binary(data) => event["hex"] = json!(hex::encode(data)),
    }
}

fn show(number: u64, timeline: &Timeline, counters: &Counters) -> Value {
    json!({
        "connection": number,
        "role": timeline.role().name(),
        "lines": timeline.to_string().lines().collect::<Vec<_>>(),
        "bytesSent": counters.bytes_sent(),
        "bytesReceived": counters.bytes_received(),
        "messagesSent": counters.messages_sent(),
        "messagesReceived": counters.messages_received(),
    })
}
