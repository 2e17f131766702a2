//! The encrypted connections of the peer, one task each.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ratatosk_protocol::connection::Connector;
use ratatosk_protocol::driver::{ConnectorConfig, Environment, Session, connect};
use ratatosk_protocol::key::{KeyPair, PublicKey};
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::phase::Role;
use ratatosk_protocol::plugin::Counters;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, timeout, timeout_at};

use super::answer::Answer;
use super::conversation::{Conversation, Ears, Outcome, Question, Requests};
use super::mailbox::{Mail, Mailbox};
use super::news::News;

/// Questions that wait for one connection at most.
const QUESTIONS: usize = 8;
/// Timelines of ended connections that are kept.
const KEPT_TIMELINES: usize = 16;
/// Conversations that have begun and are not numbered yet; the next ones wait.
const BEGINNINGS: usize = 16;

/// All connections, live and recently ended.
pub(super) struct Connections {
    shared: Arc<Shared>,
    live: BTreeMap<u64, Live>,
    next: u64,
    tasks: JoinSet<Option<Ended>>,
    ended: VecDeque<Value>,
    news: News,
    begun: mpsc::Receiver<Begun>,
}

struct Shared {
    environment: Environment,
    url: String,
    key: KeyPair,
    ears: Ears,
    begun: mpsc::Sender<Begun>,
}

/// A connection is open, and that was told.
struct Begun {
    session: u64,
    number: u64,
}

/// A connection that is being dialled or is open. Dropping this closes it.
struct Live {
    key: PublicKey,
    role: Role,
    mailbox: Mailbox,
    questions: mpsc::Sender<Question>,
    open: Arc<OnceLock<Arc<Counters>>>,
    task: AbortHandle,
}

/// What stays of an ended connection.
struct Ended {
    number: u64,
    /// If it was open.
    conversation: Option<(u64, Outcome)>,
}

impl Connections {
    pub(super) fn new(environment: Environment, url: String, key: KeyPair, ears: Ears) -> Self {
        let news = News::new(environment.events.subscribe(), ears.output.clone());
        let (beginnings, begun) = mpsc::channel(BEGINNINGS);
        let shared = Arc::new(Shared { environment, url, key, ears, begun: beginnings });
        Self { shared, live: BTreeMap::new(), next: 1, tasks: JoinSet::new(), ended: VecDeque::new(), news, begun }
    }

    /// Takes a connection that a peer has opened to us.
    pub(super) fn add(&mut self, session: Session) {
        let (key, open) = (*session.remote(), Arc::new(OnceLock::from(session.counters().clone())));
        let shared = self.shared.clone();
        self.spawn(key, Role::Listener, open, Mailbox::new(), |number, requests| async move {
            shared.serve(number, Role::Listener, session, requests).await
        });
    }

    /// Sends over the newest connection to a key, or over a new one. The answer comes when the message is on its way.
    pub(super) fn send(&mut self, key: PublicKey, payload: Payload, answer: Answer) {
        let fits = |live: &&Live| live.key == key && !live.mailbox.is_closed();
        match self.live.values().rev().find(fits) {
            Some(live) => live.mailbox.put(payload, answer),
            None => self.dial(key, payload, answer),
        }
    }

    /// Opens a connection for a message. That is in the mailbox before the connection can fail, so it is told why.
    fn dial(&mut self, key: PublicKey, payload: Payload, answer: Answer) {
        let shared = self.shared.clone();
        let open = Arc::new(OnceLock::new());
        let opened = open.clone();
        let (mailbox, mail) = Mailbox::new();
        mailbox.put(payload, answer);
        self.spawn(key, Role::Initiator, open, (mailbox, mail), |number, mut requests| async move {
            let connector = Connector { local: shared.key.clone(), remote: key };
            let config = ConnectorConfig { url: shared.url.clone(), connector };
            let result = tokio::select! {
                result = connect(&shared.environment, &config) => result,
                // What waits in the mailbox is answered when it is dropped.
                () = given_up(&mut requests) => return Ended { number, conversation: None },
            };
            match result {
                Ok(session) => {
                    // Only this task sets it.
                    let _ = opened.set(session.counters().clone());
                    shared.serve(number, Role::Initiator, session, requests).await
                }
                Err(error) => {
                    requests.mailbox.close();
                    while let Some(mail) = requests.mailbox.recv().await {
                        mail.answer.error(&error.to_string());
                    }
                    Ended { number, conversation: None }
                }
            }
        });
    }

    fn spawn<F>(
        &mut self,
        key: PublicKey,
        role: Role,
        open: Arc<OnceLock<Arc<Counters>>>,
        (mailbox, mail): (Mailbox, mpsc::Receiver<Mail>),
        work: impl FnOnce(u64, Requests) -> F,
    ) where
        F: Future<Output = Ended> + Send + 'static,
    {
        let number = self.next;
        self.next += 1;
        let (questions, questions_end) = mpsc::channel(QUESTIONS);
        let work = work(number, Requests { mailbox: mail, questions: questions_end });
        let task = self.tasks.spawn(async move { Some(work.await) });
        self.live.insert(number, Live { key, role, mailbox, questions, open, task });
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

    /// Answers with the timelines of the open connections and of the ones that ended last. Later commands do not wait
    /// for it.
    pub(super) fn timelines(&mut self, answer: Answer) {
        let mut timelines: Vec<Value> = self.ended.iter().cloned().collect();
        let ask = |live: &Live| {
            let (reply, timeline) = oneshot::channel();
            // A connection that is asked too often, or has just ended, says nothing.
            live.questions.try_send(reply).is_ok().then_some(timeline)
        };
        let asked: Vec<_> = self.live.values().filter(|live| live.open.get().is_some()).filter_map(ask).collect();
        let by = Instant::now() + self.patience();
        self.tasks.spawn(async move {
            for timeline in asked {
                if let Ok(Ok(timeline)) = timeout_at(by, timeline).await {
                    timelines.push(timeline);
                }
            }
            answer.result(json!({"timelines": timelines}));
            None
        });
    }

    /// Waits for something to happen, and tells it. Safe to cancel.
    pub(super) async fn progress(&mut self) {
        tokio::select! {
            () = self.news.next() => {}
            Some(Begun { session, number }) = self.begun.recv() => self.news.began(session, number),
            Some(task) = self.tasks.join_next() => match task {
                Ok(Some(ended)) => self.forget(ended),
                Ok(None) => {}
                Err(error) => self.live.retain(|_, live| live.task.id() != error.id()),
            },
        }
    }

    /// Tells the end of a connection after everything else that there is to tell of it.
    fn forget(&mut self, ended: Ended) {
        self.live.remove(&ended.number);
        let Some((session, outcome)) = ended.conversation else { return };
        while let Ok(Begun { session, number }) = self.begun.try_recv() {
            self.news.began(session, number);
        }
        self.news.ended(session);
        self.shared.ears.output.event(&outcome.event);
        self.ended.extend(outcome.timeline);
        if self.ended.len() > KEPT_TIMELINES {
            self.ended.pop_front();
        }
    }

    /// Closes the open connections, gives up on the others, and waits for their ends, but not for ever.
    pub(super) async fn close_all(&mut self) {
        self.live.clear();
        // A conversation ends after three.
        let patience = self.patience() * 4;
        let end = async {
            while !self.tasks.is_empty() {
                self.progress().await;
            }
        };
        if timeout(patience, end).await.is_err() {
            tracing::warn!("a connection did not close in time");
            self.tasks.shutdown().await;
        }
    }

    fn patience(&self) -> Duration {
        self.shared.environment.config.deadlines.close
    }
}

impl Shared {
    async fn serve(&self, number: u64, role: Role, session: Session, requests: Requests) -> Ended {
        let id = session.id();
        let conversation = Conversation::new(self.ears.clone(), number, role, session);
        // The other end lives as long as this task.
        let _ = self.begun.send(Begun { session: id, number }).await;
        let outcome = conversation.run(requests, self.environment.config.deadlines.close).await;
        Ended { number, conversation: Some((id, outcome)) }
    }
}

/// Waits until nobody wants the connection any more.
async fn given_up(requests: &mut Requests) {
    // Nothing can be told about a connection that is not open.
    while requests.questions.recv().await.is_some() {}
}
