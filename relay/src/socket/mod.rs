//! One WebSocket in the server's role: the frames of `frame` on TCP, with TLS or without.
//!
//! WebSocket pings are answered in here and never seen outside. Memory: what was read and not understood yet, and what
//! waits to be written; an idle socket keeps neither.

mod closing;
mod ended;
mod pass;
mod scratch;
mod stall;
mod stream;
mod wire;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::FutureExt;
use ratatosk_protocol::message::{MAX_CONTROL_LEN, Payload};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::frame::{self, Client, Event, Next, Opcode};
pub(crate) use ended::Ended;
pub(crate) use stall::{NotWritten, Stall};
pub use stream::Duplex;
pub(crate) use stream::Stream;
pub(crate) use wire::Wire;

/// What is read at once of a client that speaks to the relay itself.
const CONTROL_READ: usize = 4096;

/// What comes out of a socket.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// A text or binary message.
    Message(Payload),
    /// There will be no more.
    Ended(Ended),
}

/// A WebSocket in the server's role.
///
/// All of it is used by one task, so that one waker serves reading and writing.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: Stream,
    /// What the client's frames mean.
    client: Client,
    /// What was read and not understood yet.
    unread: Vec<u8>,
    /// Messages that were read ahead.
    ahead: VecDeque<Incoming>,
    /// Frames that wait to be written, the first of them from `out_at` on.
    out: Vec<u8>,
    out_at: usize,
    /// The answer to the newest ping, as a frame: it goes out when nothing else waits.
    pong: Vec<u8>,
    /// Something was queued and not flushed.
    dirty: bool,
    /// A close frame was queued: nothing may follow it (RFC 6455 §5.5.1).
    closed: bool,
    /// The client speaks to the other side of a pair.
    relaying: bool,
}

impl Socket {
    /// Takes a stream on which the upgrade has succeeded; `part` is what came behind the request. At first the client may
    /// send control messages only.
    pub(crate) fn new(stream: impl Into<Stream>, part: Vec<u8>) -> Self {
        Self {
            stream: stream.into(),
            client: Client::new(MAX_CONTROL_LEN),
            unread: part,
            ahead: VecDeque::new(),
            out: Vec::new(),
            out_at: 0,
            pong: Vec::new(),
            dirty: false,
            closed: false,
            relaying: false,
        }
    }

    /// Lets the client send messages of up to so many bytes.
    pub(crate) fn set_max_message(&mut self, bytes: usize) {
        self.client.set_limit(bytes);
    }

    /// The next message. Also writes what is queued, as far as that goes without waiting.
    pub(crate) fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Incoming> {
        if let Some(incoming) = self.ahead.pop_front() {
            return Poll::Ready(incoming);
        }
        loop {
            let incoming = self.parse();
            if self.has_output() {
                // Whether that works does not matter here: reading tells if the connection is gone.
                let _ = self.poll_flush(cx);
            }
            if let Some(incoming) = incoming {
                return Poll::Ready(incoming);
            }
            let read = self.poll_read_more(cx);
            if read.is_pending() {
                self.relax();
            }
            if !ready!(read) {
                return Poll::Ready(Incoming::Ended(Ended::Aborted));
            }
        }
    }

    /// The next message. Nothing is lost when the future is dropped.
    pub(crate) async fn recv(&mut self) -> Incoming {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// Reads ahead what is here already, `most` messages at most, and gives their number. [`Self::recv`] gives them again.
    pub(crate) fn read_ahead(&mut self, most: usize) -> usize {
        let mut ahead = VecDeque::new();
        while ahead.len() < most
            && let Some(incoming) = self.recv().now_or_never()
        {
            let ended = matches!(incoming, Incoming::Ended(_));
            ahead.push_back(incoming);
            if ended {
                break;
            }
        }
        self.ahead = ahead;
        self.ahead.iter().filter(|incoming| matches!(incoming, Incoming::Message(_))).count()
    }

    /// Queues a message; [`Self::recv`] and [`Self::flush`] write it.
    pub(crate) fn queue(&mut self, payload: &Payload) {
        match payload {
            Payload::Text(text) => self.queue_frame(Opcode::Text, text.as_bytes()),
            Payload::Binary(data) => self.queue_frame(Opcode::Binary, data),
        }
    }

    /// Writes what is queued.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), NotWritten>> {
        loop {
            while self.out_at < self.out.len() {
                match ready!(Pin::new(&mut self.stream).poll_write(cx, &self.out[self.out_at..])) {
                    Ok(length @ 1..) => self.out_at += length,
                    Ok(0) | Err(_) => return Poll::Ready(Err(NotWritten::Broken)),
                }
            }
            self.out.clear();
            self.out_at = 0;
            if self.pong.is_empty() {
                break;
            }
            self.out.append(&mut self.pong);
        }
        if ready!(Pin::new(&mut self.stream).poll_flush(cx)).is_err() {
            return Poll::Ready(Err(NotWritten::Broken));
        }
        self.dirty = false;
        Poll::Ready(Ok(()))
    }

    /// Writes what is queued.
    pub(crate) async fn flush(&mut self) -> Result<(), NotWritten> {
        poll_fn(|cx| self.poll_flush(cx)).await
    }

    /// Whether something waits to be written.
    pub(crate) fn has_output(&self) -> bool {
        self.dirty || !self.pong.is_empty()
    }

    /// Bytes that were read and cannot be passed on yet.
    pub(crate) fn unread(&self) -> usize {
        self.unread.len()
    }

    /// Bytes that wait to be written.
    pub(crate) fn waiting(&self) -> usize {
        self.out.len() - self.out_at
    }

    /// Bytes that the operating system has taken so far. It stands still while the client does not read.
    pub(crate) fn written(&self) -> u64 {
        self.stream.written()
    }

    /// Gives back the memory that traffic has needed.
    pub(crate) fn relax(&mut self) {
        for buffer in [&mut self.unread, &mut self.out, &mut self.pong] {
            if buffer.is_empty() {
                *buffer = Vec::new();
            }
        }
    }

    fn queue_frame(&mut self, opcode: Opcode, payload: &[u8]) {
        if self.closed {
            return;
        }
        self.closed = opcode == Opcode::Close;
        if self.closed {
            self.pong.clear();
        }
        frame::append(&mut self.out, opcode, payload);
        self.dirty = true;
    }

    /// The next message of what was read.
    fn parse(&mut self) -> Option<Incoming> {
        if self.unread.is_empty() {
            return None;
        }
        match self.client.next(&mut self.unread, &mut self.pong) {
            Ok(Next { used, event }) => {
                self.unread.drain(..used);
                event.map(|event| match event {
                    Event::Message(payload) => Incoming::Message(payload),
                    Event::Closed(closing) => Incoming::Ended(self.echo(closing)),
                })
            }
            Err(fault) => Some(Incoming::Ended(fault.into())),
        }
    }

    /// Reads more of what a client says to the relay itself. `false` if there will be no more.
    fn poll_read_more(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        scratch::with(|buffer| {
            let mut buffer = ReadBuf::new(&mut buffer[..CONTROL_READ]);
            let read = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer));
            self.unread.extend_from_slice(buffer.filled());
            Poll::Ready(read.is_ok() && !buffer.filled().is_empty())
        })
    }
}
