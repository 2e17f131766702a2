//! The clients of one scenario and their connections, driven by one task.
//!
//! Whenever the task waits, for time, for a message or for a write, all connections are read, so that no client holds up
//! another and the time of everything that comes is known.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio_tungstenite::tungstenite::Message;

use super::Address;
use super::connection::{Connection, Event};
use super::http::Response;
use super::keys::{ClientValues, Keys};
use crate::scenario::template::Slot;

/// One client: its connection and what it has learned and counted.
#[derive(Default)]
pub(super) struct Client {
    connection: Option<Connection>,
    /// What the server has said.
    pub(super) learned: BTreeMap<Slot, String>,
    /// Numbered messages sent.
    pub(super) sent: usize,
    /// Numbered messages got, by sender.
    pub(super) got: BTreeMap<String, usize>,
    /// The last success or pong, from which ping intervals count.
    pub(super) sign_of_life: Option<Instant>,
    /// When the client began to connect.
    pub(super) began: Option<Instant>,
    /// When the next thing may come at the earliest.
    pub(super) not_before: Option<Instant>,
    /// And at the latest.
    pub(super) not_after: Option<Instant>,
    /// The answer to a plain HTTP request.
    pub(super) response: Option<Response>,
}

pub(super) struct Session<'a> {
    address: &'a Address,
    keys: Keys,
    clients: BTreeMap<String, Client>,
}

impl<'a> Session<'a> {
    pub(super) fn new(address: &'a Address) -> Self {
        Self { address, keys: Keys::generate(), clients: BTreeMap::new() }
    }

    pub(super) fn address(&self) -> &'a Address {
        self.address
    }

    /// The client of this name; a new one if there was none.
    pub(super) fn client(&mut self, name: &str) -> &mut Client {
        self.clients.entry(name.to_owned()).or_default()
    }

    /// What a client's placeholders stand for.
    pub(super) fn values(&self, name: &str) -> ClientValues<'_> {
        static NOTHING: BTreeMap<Slot, String> = BTreeMap::new();
        let learned = self.clients.get(name).map_or(&NOTHING, |client| &client.learned);
        let host = format!("{}:{}", self.address.host, self.address.port);
        ClientValues { keys: &self.keys, learned, host }
    }

    /// Opens a client's connection while the others go on.
    pub(super) async fn open(&mut self, name: &str, patience: Duration) -> Result<(), String> {
        let address = self.address;
        // Before the server can know of it: its timers begin later.
        self.client(name).began = Some(Instant::now());
        let mut opening = Box::pin(Connection::open(address, patience));
        let connection = self.while_reading(|_, cx| opening.as_mut().poll(cx)).await?;
        self.client(name).connection = Some(connection);
        Ok(())
    }

    /// Drops a client's connection without a close frame.
    pub(super) fn abort(&mut self, name: &str) {
        self.client(name).connection = None;
    }

    /// Stops or resumes reading a client's connection.
    pub(super) fn pause(&mut self, name: &str, paused: bool) {
        if let Some(connection) = &mut self.client(name).connection {
            connection.paused = paused;
        }
    }

    /// Lets a client answer pings by itself.
    pub(super) fn answer_pings(&mut self, name: &str) {
        if let Some(connection) = &mut self.client(name).connection {
            connection.answers_pings = true;
        }
    }

    /// Writes bytes behind what is queued. Says whether that was done by `deadline`.
    pub(super) async fn wire(&mut self, name: &str, mut bytes: Bytes, deadline: Instant) -> bool {
        let writing = async {
            self.on_connection(name, Connection::poll_flush).await;
            self.on_connection(name, |connection, cx| connection.poll_wire(cx, &mut bytes)).await;
        };
        tokio::time::timeout_at(deadline.into(), writing).await.is_ok()
    }

    /// Queues messages and, unless they are to wait for more, writes them. Says whether that was done by `deadline`;
    /// a connection that is closed takes everything.
    pub(super) async fn send(&mut self, name: &str, messages: Vec<Message>, hold: bool, deadline: Instant) -> bool {
        let writing = async {
            for message in messages {
                let mut message = Some(message);
                self.on_connection(name, |connection, cx| connection.poll_feed(cx, &mut message)).await;
            }
            if !hold {
                self.on_connection(name, Connection::poll_flush).await;
            }
        };
        tokio::time::timeout_at(deadline.into(), writing).await.is_ok()
    }

    /// Lets time pass.
    pub(super) async fn wait_until(&mut self, deadline: Instant) {
        let forever = self.while_reading(|_, _| Poll::<()>::Pending);
        // It ends by the deadline and in no other way.
        let _: Result<(), _> = tokio::time::timeout_at(deadline.into(), forever).await;
    }

    /// Waits until one of the clients has got something; says whether that was so by `deadline`.
    pub(super) async fn wait_for(&mut self, names: &[&str], deadline: Instant) -> bool {
        let arrival = self.while_reading(|session, _| {
            if names.iter().any(|name| session.front(name).is_some()) { Poll::Ready(()) } else { Poll::Pending }
        });
        tokio::time::timeout_at(deadline.into(), arrival).await.is_ok()
    }

    /// What came first to a client and was not taken yet.
    pub(super) fn front(&self, name: &str) -> Option<&(Instant, Event)> {
        self.clients.get(name)?.connection.as_ref()?.front()
    }

    /// Takes what came first to a client.
    pub(super) fn pop(&mut self, name: &str) -> Option<(Instant, Event)> {
        self.client(name).connection.as_mut()?.pop()
    }

    async fn on_connection(&mut self, name: &str, mut poll: impl FnMut(&mut Connection, &mut Context<'_>) -> Poll<()>) {
        self.while_reading(|session, cx| match &mut session.client(name).connection {
            Some(connection) => poll(connection, cx),
            None => Poll::Ready(()),
        })
        .await;
    }

    async fn while_reading<T>(&mut self, mut poll: impl FnMut(&mut Self, &mut Context<'_>) -> Poll<T>) -> T {
        poll_fn(|cx| {
            for connection in self.clients.values_mut().filter_map(|client| client.connection.as_mut()) {
                // Whether something came is seen in the inbox.
                let _: Poll<()> = connection.poll_read(cx);
            }
            poll(self, cx)
        })
        .await
    }
}
