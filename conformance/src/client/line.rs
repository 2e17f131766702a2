//! One connection of the scripted side.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::plugin::KEEPALIVE;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::cipher::Cipher;
use super::inbox::{Filler, Inbox};
use crate::end::End;

/// Something that came from the peer under test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Text(String),
    Binary(Bytes),
    /// What an encrypted message says.
    Encrypted(Payload),
    Pong,
    Closed(End),
    /// Bytes that are no WebSocket, or a message that does not decrypt.
    Broken(String),
}

impl Event {
    /// For people. Not escaped.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Binary(data) => format!("binary of {} bytes", data.len()),
            Self::Encrypted(Payload::Text(text)) => format!("encrypted: {text}"),
            Self::Encrypted(Payload::Binary(data)) => format!("encrypted binary of {} bytes", data.len()),
            Self::Pong => "a WebSocket pong".to_owned(),
            Self::Closed(end) => end.to_string(),
            Self::Broken(error) => format!("something unreadable: {error}"),
        }
    }

    fn is_pulse(&self) -> bool {
        matches!(self, Self::Encrypted(Payload::Text(text)) if text == KEEPALIVE.0)
    }

    fn is_opening(&self) -> bool {
        matches!(self, Self::Encrypted(Payload::Text(text)) if text == OPENING)
    }
}

/// Most bytes in a message: more than any of a script, and few enough for an inbox full of them.
const MAX_MESSAGE: usize = 1 << 20;

/// What is taken from a peer under test.
pub(super) fn limits() -> WebSocketConfig {
    WebSocketConfig::default().max_message_size(Some(MAX_MESSAGE)).max_frame_size(Some(MAX_MESSAGE))
}

pub(super) type Socket = WebSocketStream<TcpStream>;

/// What a peer that has to say something to connect says. It counts as little as a keepalive.
pub(super) const OPENING: &str = "conformance";

/// A message to send, whether it waits for the next one, and whom to tell when it was written.
type Order = (Message, bool, oneshot::Sender<()>);

pub(super) struct Line {
    orders: mpsc::Sender<Order>,
    inbox: Inbox<Event>,
    task: Owned,
    pub(super) cipher: Cipher,
    /// The challenge that was sent last.
    pub(super) challenge: Vec<u8>,
    /// The frame that was sent last.
    last: Option<Message>,
    /// The other end's key message.
    pub(super) key_message: Bytes,
    /// When something was sent or taken last.
    mark: Instant,
    /// When the next thing may come at the earliest.
    not_before: Option<Instant>,
}

/// A task that ends with its line.
struct Owned(JoinHandle<()>);

impl Drop for Owned {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Line {
    /// A WebSocket.
    pub(super) fn new(socket: Socket, cipher: Cipher) -> Self {
        let (filler, inbox) = Inbox::new();
        let (orders, orders_end) = mpsc::channel(1);
        Self::with(orders, inbox, tokio::spawn(converse(socket, filler, orders_end)), cipher)
    }

    /// A WebSocket on which something has been said already.
    pub(super) fn after(first: Message, socket: Socket, cipher: Cipher) -> Self {
        let (filler, inbox) = Inbox::new();
        if let Some(event) = event(Some(Ok(first)), false) {
            // The inbox is empty.
            let _ = filler.try_send((Instant::now(), event));
        }
        let (orders, orders_end) = mpsc::channel(1);
        Self::with(orders, inbox, tokio::spawn(converse(socket, filler, orders_end)), cipher)
    }

    /// A TCP connection on which nothing is said.
    pub(super) fn mute(mut stream: TcpStream, cipher: Cipher) -> Self {
        let (filler, inbox) = Inbox::new();
        let (orders, _) = mpsc::channel(1);
        let task = tokio::spawn(async move {
            let mut buffer = [0; 1024];
            while matches!(stream.read(&mut buffer).await, Ok(1..)) {}
            put(&filler, Some(Event::Closed(End::lost()))).await;
        });
        Self::with(orders, inbox, task, cipher)
    }

    fn with(orders: mpsc::Sender<Order>, inbox: Inbox<Event>, task: JoinHandle<()>, cipher: Cipher) -> Self {
        Self {
            orders,
            inbox,
            task: Owned(task),
            cipher,
            challenge: Vec::new(),
            last: None,
            key_message: Bytes::new(),
            mark: Instant::now(),
            not_before: None,
        }
    }

    /// Queues a message and, unless it is to wait for the next one, writes. A connection that has ended swallows it: what
    /// the other end did to it is in the inbox. A peer that does not read shows when something is due from it.
    pub(super) async fn send(&mut self, message: Message, hold: bool, deadline: Instant) {
        self.last = Some(message.clone());
        // Before the other end can have it: its timers begin later.
        self.mark = Instant::now();
        let (written, done) = oneshot::channel();
        let order = async {
            if self.orders.send((message, hold, written)).await.is_ok() {
                // The sender is dropped if the connection ends meanwhile.
                let _ = done.await;
            }
        };
        let _ = tokio::time::timeout_at(deadline.into(), order).await;
    }

    /// The frame that was sent last.
    pub(super) fn last(&self) -> Option<Message> {
        self.last.clone()
    }

    /// Drops the connection without a close frame.
    pub(super) async fn abort(&mut self) {
        self.task.0.abort();
        // Cancelled is how it should end.
        let _ = (&mut self.task.0).await;
    }

    /// Waits until something has come; says whether that was so by `deadline`. Keepalive pulses count only if asked for.
    pub(super) async fn wait(&mut self, deadline: Instant, pulses: bool) -> bool {
        while self.inbox.wait(deadline).await {
            let Some((_, event)) = self.inbox.first() else { return false };
            if let Event::Binary(frame) = event
                && let Some(opened) = self.cipher.open(frame)
            {
                *event = match opened {
                    Ok(payload) => Event::Encrypted(payload),
                    Err(error) => Event::Broken(error),
                };
            }
            if !event.is_opening() && (pulses || !event.is_pulse()) {
                return true;
            }
            self.inbox.take();
        }
        false
    }

    /// What came first, after [`Self::wait`].
    pub(super) fn first(&mut self) -> Option<Event> {
        self.inbox.first().map(|(_, event)| event.clone())
    }

    /// Takes what came first; whether it came too early.
    pub(super) fn take(&mut self) -> Option<(Event, bool)> {
        let (time, event) = self.inbox.take()?;
        self.mark = time;
        let early = self.not_before.take().is_some_and(|not_before| time < not_before);
        Some((event, early))
    }

    /// The next thing may only come so long after the one before.
    pub(super) fn not_before(&mut self, time: Duration) {
        self.not_before = Some(self.mark + time);
    }

    /// How much longer than its patience somebody has to wait who waits for what may not come before its time.
    pub(super) fn earliest(&self) -> Instant {
        self.not_before.unwrap_or_else(Instant::now).max(Instant::now())
    }
}

/// Carries messages both ways until the connection ends, and then lets go of it at once: the other end waits for that.
async fn converse(mut socket: Socket, filler: Filler<Event>, mut orders: mpsc::Receiver<Order>) {
    let mut closed = false;
    loop {
        tokio::select! {
            next = socket.next() => {
                let ended = matches!(next, None | Some(Err(_)));
                let event = event(next, closed);
                closed |= matches!(event, Some(Event::Closed(_)));
                if put(&filler, event).await.is_none() || ended {
                    return;
                }
            }
            Some((message, hold, written)) = orders.recv() => {
                let fed = socket.feed(message).await;
                if fed.is_ok() && !hold {
                    // If it cannot be written, reading tells why.
                    let _ = socket.flush().await;
                }
                let _ = written.send(());
            }
        }
    }
}

/// What a reading says, unless it says nothing.
fn event(next: Option<Result<Message, Error>>, closed: bool) -> Option<Event> {
    let lost = || (!closed).then(|| Event::Closed(End::lost()));
    match next {
        Some(Ok(Message::Text(text))) => Some(Event::Text(text.as_str().to_owned())),
        Some(Ok(Message::Binary(data))) => Some(Event::Binary(data)),
        Some(Ok(Message::Pong(_))) => Some(Event::Pong),
        Some(Ok(Message::Close(frame))) => Some(Event::Closed(End::of(frame))),
        Some(Ok(Message::Ping(_) | Message::Frame(_))) => None,
        Some(Err(Error::Capacity(error))) => Some(Event::Broken(error.to_string())),
        Some(Err(Error::Utf8(error))) => Some(Event::Broken(error)),
        Some(Err(_)) | None => lost(),
    }
}

/// Puts an event into an inbox; `None` if nobody looks into it any more.
async fn put(filler: &Filler<Event>, event: Option<Event>) -> Option<()> {
    match event {
        Some(event) => filler.send((Instant::now(), event)).await.ok(),
        None => Some(()),
    }
}
