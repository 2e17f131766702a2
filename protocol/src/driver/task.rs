//! The loop of one connection: carries what happens at the socket to the machine, and what the machine wants to the socket.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Instant;

use futures_util::{SinkExt, StreamExt};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout_at;
use tokio_tungstenite::tungstenite::{Error as WsError, Message, error::ProtocolError, protocol};

use super::limited::Budget;
use super::news::{News, Told};
use super::now;
use super::socket::{self, Socket, Stream};
use super::wait::{receive, reserve, until};
use crate::close::CloseRequest;
use crate::connection::{Cause, CloseFrame, Closed, Connection, ConnectionError};
use crate::key::PublicKey;
use crate::message::Payload;
use crate::phase::{Completed, Deadlines};
use crate::time::after;
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
    told: Told,
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
    /// The close frame is written; its answer is due.
    close_sent: bool,
    is_established: bool,
    delivery: VecDeque<Payload>,
    delivery_bytes: usize,
    /// The other end has closed, with this frame, while phase 6 was under way here.
    left: Option<Option<CloseFrame>>,
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
    pub(super) ended: oneshot::Sender<(Closed, Timeline)>,
}

/// The handle's ends of an established connection, as one turn uses them.
struct Doors<'a> {
    outbox: &'a mut mpsc::Receiver<Payload>,
    requests: &'a mut mpsc::Receiver<Request>,
    inbox: &'a mpsc::Sender<Payload>,
}

/// What a handle may ask for besides sending.
pub(super) enum Request {
    Close(CloseRequest),
    Complete(Completed, oneshot::Sender<()>),
    Timeline(oneshot::Sender<Timeline>),
}

/// Opens the socket of a machine, within the machine's deadline.
pub(super) async fn open<S: Stream>(
    machine: Connection,
    news: News,
    deadlines: Deadlines,
    budget: Budget,
    connect: impl Future<Output = Result<Socket<S>, String>>,
) -> Result<Task<S>, ConnectionError> {
    let mut told = Told::new(machine, news);
    told.drain();
    let deadline = told.machine.poll_timeout();
    let result = tokio::select! {
        result = connect => result,
        () = until(deadline) => {
            told.machine.handle_timeout(now());
            Err("the other end did not answer in time".to_owned())
        }
    };
    match result {
        Ok(socket) => {
            told.machine.handle_opened(now());
            budget.renew();
            Ok(Task {
                told,
                deadlines,
                socket,
                budget,
                read_first: false,
                next: None,
                unflushed: false,
                close_by: None,
                close_sent: false,
                is_established: false,
                delivery: VecDeque::new(),
                delivery_bytes: 0,
                left: None,
                ended: None,
            })
        }
        Err(what) => {
            told.machine.handle_io_error(now(), what.clone());
            let closed = told.drain().closed;
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
                self.budget.widen();
                return Ok(peers);
            }
            if let Some(closed) = &self.ended {
                return Err(closed.error.clone());
            }
            self.turn(None).await;
        }
    }

    /// Runs an established connection to its end, and then until everything that had come is read.
    pub(super) async fn run(mut self, handles: Handles) {
        let Handles { mut outbox, mut requests, inbox, ended } = handles;
        let mut inbox = Some(inbox);
        let closed = loop {
            self.drain();
            if let Some(closed) = self.ended.take() {
                break closed;
            }
            if let Some(frame) = self.left.take() {
                self.last_word(&mut outbox, &mut requests, inbox.take()).await;
                self.told.machine.handle_closed(now(), frame);
                continue;
            }
            let Some(inbox) = &inbox else { continue };
            self.turn(Some(Doors { outbox: &mut outbox, requests: &mut requests, inbox })).await;
        };
        // Whoever sends or asks from now on learns that it is over, also while messages are still unread.
        drop((outbox, requests));
        let Self { told, delivery, socket, .. } = self;
        drop(socket);
        // A handle that is gone wants to know nothing.
        let _ = ended.send((closed, told.machine.timeline().clone()));
        drop(told);
        let Some(inbox) = inbox else { return };
        for message in delivery {
            if inbox.send(message).await.is_err() {
                break;
            }
        }
    }

    /// The other end has closed in phase 6. Whoever runs that phase here may not have read everything yet, and what stands there
    /// may complete it: whoever is invited closes right behind its identity (`spec/one.md §3`).
    async fn last_word(
        &mut self,
        outbox: &mut mpsc::Receiver<Payload>,
        requests: &mut mpsc::Receiver<Request>,
        mut inbox: Option<mpsc::Sender<Payload>>,
    ) {
        // The other end need not wait for that.
        let by = after(now(), self.deadlines.close);
        let _ = timeout_at(by.into(), poll_fn(|cx| Pin::new(self.socket.get_mut()).poll_shutdown(cx))).await;
        let deadline = self.told.machine.poll_timeout();
        loop {
            if self.delivery.is_empty() {
                // The reader learns that nothing more comes.
                inbox = None;
            }
            tokio::select! {
                permit = reserve(inbox.as_ref()) => self.deliver(permit),
                request = requests.recv() => match request {
                    // If it failed, then by this close.
                    Some(Request::Complete(Completed::Failed(_), _) | Request::Close(_)) | None => return,
                    Some(Request::Complete(completed, _)) => return self.told.machine.complete(now(), completed),
                    Some(Request::Timeline(reply)) => drop(reply.send(self.told.machine.timeline().clone())),
                },
                // There is nobody any more to send it to.
                Some(_) = outbox.recv() => {}
                () = until(deadline) => return,
            }
        }
    }

    /// Closes before the connection is established.
    pub(super) async fn abandon(mut self, request: CloseRequest) {
        self.told.machine.close(now(), request);
        self.drain();
        while self.ended.is_none() {
            self.turn(None).await;
            self.drain();
        }
    }

    pub(super) fn machine(&self) -> &Connection {
        &self.told.machine
    }

    fn drain(&mut self) -> Option<Peers> {
        let drained = self.told.drain();
        for message in drained.messages {
            self.delivery_bytes += cost(&message);
            self.delivery.push_back(message);
        }
        self.ended = drained.closed.or(self.ended.take());
        if self.told.machine.is_proven() {
            self.budget.lift();
        }
        if self.told.machine.is_closing() && self.close_by.is_none() {
            // A stranger gets no time for what it does not take.
            let patience = if self.is_established { self.deadlines.drain } else { self.deadlines.close };
            self.close_by = Some(after(now(), patience));
        }
        self.is_established |= drained.peers.is_some();
        drained.peers
    }

    /// Does the next thing that can be done.
    async fn turn(&mut self, doors: Option<Doors<'_>>) {
        if self.next.is_none() {
            self.next = self.told.machine.poll_transmit().map(socket::to_frame);
        }
        let deadline = [self.told.machine.poll_timeout(), self.close_by].into_iter().flatten().min();
        // A stranger's messages may be answered, with pongs for instance; one that does not take the answers is not read.
        let may_answer = self.told.machine.is_established() || self.told.machine.transmit_bytes() < STRANGER_LIMIT;
        let may_read = self.delivery_bytes < RECEIVE_LIMIT && may_answer;
        let may_send = self.told.machine.transmit_bytes() < SEND_LIMIT && self.close_by.is_none();
        let write = match (&self.next, self.unflushed) {
            (Some(_), _) => Write::Frame,
            (None, true) => Write::Flush,
            (None, false) => Write::Nothing,
        };
        self.read_first = !self.read_first;
        let has_delivery = !self.delivery.is_empty();
        let (mut outbox, requests, inbox) = match doors {
            Some(Doors { outbox, requests, inbox }) => (Some(outbox), Some(requests), Some(inbox)),
            None => (None, None, None),
        };
        tokio::select! {
            happened = use_socket(&mut self.socket, write, may_read, self.read_first) => self.happened(happened).await,
            permit = reserve(inbox), if has_delivery => self.deliver(permit),
            request = receive(requests) => match request {
                Request::Close(request) => {
                    self.send_all(outbox);
                    self.told.machine.close(now(), request);
                }
                Request::Complete(completed, reply) => {
                    self.send_all(outbox);
                    self.told.machine.complete(now(), completed);
                    // A handle that is gone waits for nothing.
                    let _ = reply.send(());
                }
                Request::Timeline(reply) => drop(reply.send(self.told.machine.timeline().clone())),
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
                self.close_sent |= matches!(frame, Message::Close(_));
                let written = result.and_then(|()| self.socket.start_send_unpin(frame));
                self.unflushed = true;
                self.progress();
                self.wrote(written);
            }
            Happened::Flushed(result) => {
                self.unflushed = false;
                self.progress();
                self.wrote(result);
            }
        }
    }

    /// The other end takes what is sent: a close has its time from now.
    fn progress(&mut self) {
        if let (Some(close_by), true) = (&mut self.close_by, self.is_established) {
            let sent = self.close_sent && !self.unflushed;
            *close_by = after(now(), if sent { self.deadlines.close } else { self.deadlines.drain });
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
        match frame {
            Some(Ok(Message::Text(text))) => {
                self.understood();
                self.told.machine.handle_message(now(), Payload::Text(text.as_str().to_owned()));
            }
            Some(Ok(Message::Binary(data))) => {
                self.understood();
                self.told.machine.handle_message(now(), Payload::Binary(data));
            }
            // The library answers pings by itself.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => self.unflushed = true,
            Some(Ok(Message::Close(frame))) => {
                self.finish_close().await;
                self.closed(Some(socket::from_close(frame)));
            }
            None => self.closed(None),
            Some(Err(error)) => {
                self.refuse(&error).await;
                self.broken(&error);
            }
        }
    }

    /// A whole message is there. Control frames do not count: between fragments they could go on for ever.
    fn understood(&self) {
        if self.is_established { self.budget.widen() } else { self.budget.renew() }
    }

    /// The library has an answer to the other end's close frame; this sends it off and waits for the end of the socket.
    async fn finish_close(&mut self) {
        let by = self.close_by.unwrap_or_else(|| after(now(), self.deadlines.close));
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
        let by = after(now(), self.deadlines.close);
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
            self.closed(None);
        } else {
            self.told.machine.handle_io_error(now(), socket::explain(error));
        }
    }

    /// The other end has closed.
    fn closed(&mut self, frame: Option<CloseFrame>) {
        if self.told.machine.is_completing() {
            self.left = Some(frame);
        } else {
            self.told.machine.handle_closed(now(), frame);
        }
    }

    fn deliver(&mut self, permit: Option<mpsc::Permit<'_, Payload>>) {
        match (permit, self.delivery.pop_front()) {
            (Some(permit), Some(message)) => {
                self.delivery_bytes -= cost(&message);
                permit.send(message);
            }
            // The handle reads no more: it is closing.
            _ => {
                self.delivery.clear();
                self.delivery_bytes = 0;
            }
        }
    }

    /// What was handed in before a request goes out before it.
    fn send_all(&mut self, outbox: Option<&mut mpsc::Receiver<Payload>>) {
        let Some(outbox) = outbox else { return };
        while let Ok(message) = outbox.try_recv() {
            self.send(message);
        }
    }

    fn send(&mut self, message: Payload) {
        // A refusal closes the connection, which tells the application why.
        let _ = self.told.machine.send(now(), message);
    }

    fn timeout(&mut self) {
        if self.close_by.is_some_and(|by| by <= now()) {
            return self.told.machine.handle_closed(now(), None);
        }
        self.told.machine.handle_timeout(now());
    }
}

/// What a message costs while it waits: its content and its place in the queue, so that empty ones are not free.
fn cost(message: &Payload) -> usize {
    message.len() + size_of::<Payload>()
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
