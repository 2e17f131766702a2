//! The loop of one connection: carries what happens at the socket to the machine, and what the machine wants to the socket.

use std::collections::VecDeque;
use std::future::{pending, poll_fn};
use std::task::Poll;
use std::time::Instant;

use futures_util::{SinkExt, StreamExt};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep_until, timeout_at};
use tokio_tungstenite::tungstenite::{Error as WsError, Message, error::ProtocolError, protocol};

use super::limited::Budget;
use super::news::News;
use super::now;
use super::socket::{self, Socket, Stream};
use crate::close::CloseRequest;
use crate::connection::{Cause, Closed, Connection, ConnectionError};
use crate::key::PublicKey;
use crate::message::Payload;
use crate::phase::Deadlines;
use crate::trace::Timeline;

/// Bytes that may wait for the socket before the application has to wait.
const SEND_LIMIT: usize = 256 * 1024;
/// Bytes that may wait for the application before the socket is no longer read. An application that does not read for
/// longer than the keepalive's silence limit loses the connection.
const RECEIVE_LIMIT: usize = 1024 * 1024;
/// Bytes of answers that may wait for somebody who has not proven a key.
const STRANGER_LIMIT: usize = 16 * 1024;

/// A connection on its socket.
pub(super) struct Task<S> {
    machine: Connection,
    news: News,
    deadlines: Deadlines,
    socket: Socket<S>,
    budget: Budget,
    /// What the machine wants sent next.
    next: Option<Message>,
    unflushed: bool,
    /// Reading and writing take turns in being tried first, so that neither starves the other.
    read_first: bool,
    /// When a connection that is being closed is dropped.
    close_by: Option<Instant>,
    delivery: VecDeque<Payload>,
    delivery_bytes: usize,
    ended: Option<Closed>,
}

/// The keys of an established connection.
pub(super) struct Peers {
    pub(super) local: PublicKey,
    pub(super) remote: PublicKey,
}

/// What the loop of an established connection shares with its handle.
pub(super) struct Handles {
    pub(super) outbox: mpsc::Receiver<Payload>,
    pub(super) requests: mpsc::Receiver<Request>,
    pub(super) inbox: mpsc::Sender<Payload>,
}

/// What a handle may ask for besides sending.
pub(super) enum Request {
    Close(CloseRequest),
    Timeline(oneshot::Sender<Timeline>),
}

/// Opens the socket of a machine, within the machine's deadline.
pub(super) async fn open<S: Stream>(
    mut machine: Connection,
    mut news: News,
    deadlines: Deadlines,
    budget: Budget,
    connect: impl Future<Output = Result<Socket<S>, String>>,
) -> Result<Task<S>, ConnectionError> {
    news.drain(&mut machine);
    let deadline = machine.poll_timeout();
    let result = tokio::select! {
        result = connect => result,
        () = until(deadline) => {
            machine.handle_timeout(now());
            Err("the other end did not answer in time".to_owned())
        }
    };
    match result {
        Ok(socket) => {
            machine.handle_opened(now());
            budget.renew();
            Ok(Task {
                machine,
                news,
                deadlines,
                socket,
                budget,
                read_first: false,
                next: None,
                unflushed: false,
                close_by: None,
                delivery: VecDeque::new(),
                delivery_bytes: 0,
                ended: None,
            })
        }
        Err(what) => {
            machine.handle_io_error(now(), what.clone());
            let closed = news.drain(&mut machine).closed;
            let unknown = ConnectionError { phase: None, cause: Cause::Io(what) };
            Err(closed.map_or(unknown, |closed| closed.error))
        }
    }
}

impl<S: Stream> Task<S> {
    /// Runs until the connection is established. To be called once, and again only if it was cancelled.
    pub(super) async fn establish(&mut self) -> Result<Peers, ConnectionError> {
        loop {
            if let Some(peers) = self.drain() {
                self.budget.lift();
                return Ok(peers);
            }
            if let Some(closed) = &self.ended {
                return Err(closed.error.clone());
            }
            self.turn(None).await;
        }
    }

    /// Runs an established connection to its end.
    pub(super) async fn run(mut self, mut handles: Handles) -> (Closed, Timeline) {
        let closed = loop {
            self.drain();
            if let Some(closed) = self.ended.take() {
                break closed;
            }
            self.turn(Some(&mut handles)).await;
        };
        let Self { machine, delivery, socket, .. } = self;
        drop(socket);
        for message in delivery {
            if handles.inbox.send(message).await.is_err() {
                break;
            }
        }
        (closed, machine.timeline().clone())
    }

    /// Closes before the connection is established.
    pub(super) async fn abandon(mut self, request: CloseRequest) {
        self.machine.close(now(), request);
        self.drain();
        while self.ended.is_none() {
            self.turn(None).await;
            self.drain();
        }
    }

    pub(super) fn machine(&self) -> &Connection {
        &self.machine
    }

    fn drain(&mut self) -> Option<Peers> {
        let told = self.news.drain(&mut self.machine);
        for message in told.messages {
            self.delivery_bytes += message.len();
            self.delivery.push_back(message);
        }
        self.ended = told.closed.or(self.ended.take());
        if self.machine.is_closing() && self.close_by.is_none() {
            self.close_by = Some(now() + self.deadlines.close);
        }
        told.peers
    }

    /// Does the next thing that can be done.
    async fn turn(&mut self, handles: Option<&mut Handles>) {
        if self.next.is_none() {
            self.next = self.machine.poll_transmit().map(socket::to_frame);
        }
        let deadline = [self.machine.poll_timeout(), self.close_by].into_iter().flatten().min();
        // A stranger's messages may be answered, with pongs for instance; one that does not take the answers is not read.
        let may_answer = self.machine.is_established() || self.machine.transmit_bytes() < STRANGER_LIMIT;
        let may_read = self.delivery_bytes < RECEIVE_LIMIT && may_answer;
        let may_send = self.machine.transmit_bytes() < SEND_LIMIT && self.close_by.is_none();
        let write = match (&self.next, self.unflushed) {
            (Some(_), _) => Write::Frame,
            (None, true) => Write::Flush,
            (None, false) => Write::Nothing,
        };
        self.read_first = !self.read_first;
        let has_delivery = !self.delivery.is_empty();
        let (mut outbox, requests, inbox) = match handles {
            Some(Handles { outbox, requests, inbox }) => (Some(outbox), Some(requests), Some(inbox)),
            None => (None, None, None),
        };
        tokio::select! {
            happened = use_socket(&mut self.socket, write, may_read, self.read_first) => self.happened(happened).await,
            permit = reserve(inbox), if has_delivery => self.deliver(permit),
            request = receive(requests) => match request {
                Request::Close(request) => {
                    // What was handed in before the close goes out before it.
                    while let Some(message) = outbox.as_mut().and_then(|outbox| outbox.try_recv().ok()) {
                        self.send(message);
                    }
                    self.machine.close(now(), request);
                }
                Request::Timeline(reply) => drop(reply.send(self.machine.timeline().clone())),
            },
            message = receive(outbox.as_deref_mut()), if may_send => self.send(message),
            () = until(deadline) => self.timeout(),
        }
    }

    async fn happened(&mut self, happened: Happened) {
        match happened {
            Happened::Received(frame) => self.received(frame).await,
            Happened::MayWrite(result) => {
                let Some(frame) = self.next.take() else { return };
                let written = result.and_then(|()| self.socket.start_send_unpin(frame));
                self.unflushed = true;
                self.wrote(written);
            }
            Happened::Flushed(result) => {
                self.unflushed = false;
                self.wrote(result);
            }
        }
    }

    fn wrote(&mut self, result: Result<(), WsError>) {
        match result {
            // Reading tells how the other end closed.
            Ok(()) | Err(WsError::ConnectionClosed | WsError::AlreadyClosed) => {}
            Err(error) => self.broken(&error),
        }
    }

    async fn received(&mut self, frame: Option<Result<Message, WsError>>) {
        if !self.machine.is_established() {
            self.budget.renew();
        }
        match frame {
            Some(Ok(Message::Text(text))) => {
                self.machine.handle_message(now(), Payload::Text(text.as_str().to_owned()));
            }
            Some(Ok(Message::Binary(data))) => self.machine.handle_message(now(), Payload::Binary(data)),
            // The library answers pings by itself.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => self.unflushed = true,
            Some(Ok(Message::Close(frame))) => {
                self.finish_close().await;
                self.machine.handle_closed(now(), Some(socket::from_close(frame)));
            }
            None => self.machine.handle_closed(now(), None),
            Some(Err(error)) => {
                self.refuse(&error).await;
                self.broken(&error);
            }
        }
    }

    /// The library has an answer to the other end's close frame; this sends it off and waits for the end of the socket.
    async fn finish_close(&mut self) {
        let by = self.close_by.unwrap_or_else(|| now() + self.deadlines.close);
        let end =
            async { while self.socket.flush().await.is_ok() && matches!(self.socket.next().await, Some(Ok(_))) {} };
        // Past the deadline the socket is dropped, which ends it too.
        let _ = timeout_at(by.into(), end).await;
    }

    /// Tells the other end which rule of RFC 6455 it broke (§7.4.1).
    async fn refuse(&mut self, error: &WsError) {
        use protocol::frame::coding::CloseCode;
        let code = match error {
            WsError::Capacity(_) => CloseCode::Size,
            WsError::Utf8(_) => CloseCode::Invalid,
            WsError::Protocol(error) if !is_abrupt(error) => CloseCode::Protocol,
            _ => return,
        };
        let frame = protocol::CloseFrame { code, reason: "".into() };
        let by = now() + self.deadlines.close;
        // The connection ends whether or not the other end hears of it.
        let _ = timeout_at(by.into(), self.socket.send(Message::Close(Some(frame)))).await;
    }

    fn broken(&mut self, error: &WsError) {
        let vanished = match error {
            WsError::Io(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
            WsError::Protocol(error) => is_abrupt(error),
            WsError::ConnectionClosed | WsError::AlreadyClosed => true,
            _ => false,
        };
        if vanished {
            self.machine.handle_closed(now(), None);
        } else {
            self.machine.handle_io_error(now(), socket::explain(error));
        }
    }

    fn deliver(&mut self, permit: Option<mpsc::Permit<'_, Payload>>) {
        match (permit, self.delivery.pop_front()) {
            (Some(permit), Some(message)) => {
                self.delivery_bytes -= message.len();
                permit.send(message);
            }
            // The handle reads no more: it is closing.
            _ => {
                self.delivery.clear();
                self.delivery_bytes = 0;
            }
        }
    }

    fn send(&mut self, message: Payload) {
        // A refusal closes the connection, which tells the application why.
        let _ = self.machine.send(now(), message);
    }

    fn timeout(&mut self) {
        if self.close_by.is_some_and(|by| by <= now()) {
            return self.machine.handle_closed(now(), None);
        }
        self.machine.handle_timeout(now());
    }
}

/// What there is to write.
#[derive(Clone, Copy)]
enum Write {
    Frame,
    Flush,
    Nothing,
}

/// What became possible at the socket.
enum Happened {
    MayWrite(Result<(), WsError>),
    Flushed(Result<(), WsError>),
    Received(Option<Result<Message, WsError>>),
}

/// Waits for the next thing that the socket can do.
async fn use_socket<S: Stream>(socket: &mut Socket<S>, write: Write, may_read: bool, read_first: bool) -> Happened {
    poll_fn(|cx| {
        for read in [read_first, !read_first] {
            let happened = match (read, write) {
                (true, _) if may_read => socket.poll_next_unpin(cx).map(Happened::Received),
                (false, Write::Frame) => socket.poll_ready_unpin(cx).map(Happened::MayWrite),
                (false, Write::Flush) => socket.poll_flush_unpin(cx).map(Happened::Flushed),
                _ => Poll::Pending,
            };
            if happened.is_ready() {
                return happened;
            }
        }
        Poll::Pending
    })
    .await
}

fn is_abrupt(error: &ProtocolError) -> bool {
    matches!(error, ProtocolError::ResetWithoutClosingHandshake)
}

pub(super) async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline.into()).await,
        None => pending().await,
    }
}

/// The next value; waits for ever where none can come.
async fn receive<T>(channel: Option<&mut mpsc::Receiver<T>>) -> T {
    if let Some(channel) = channel
        && let Some(value) = channel.recv().await
    {
        return value;
    }
    pending().await
}

/// Room for one value, none if nobody reads any more; waits for ever where there is no channel.
async fn reserve<T>(channel: Option<&mut mpsc::Sender<T>>) -> Option<mpsc::Permit<'_, T>> {
    match channel {
        Some(channel) => channel.reserve().await.ok(),
        None => pending().await,
    }
}
