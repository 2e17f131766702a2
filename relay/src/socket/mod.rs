//! One WebSocket with bounded buffers. Nothing outside this folder knows the library that speaks the frames.
//!
//! WebSocket pings are answered in here and never seen outside. Memory: 4 KiB to read into, plus the message that is
//! being read and the messages that wait to be written.

mod adapter;
mod closing;
mod ended;
mod metered;
mod stall;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::ErrorKind;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use ratatosk_protocol::message::{MAX_CONTROL_LEN, Payload};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::protocol::{Message, Role, WebSocketConfig, WebSocketContext};

use adapter::Adapter;
pub(crate) use ended::Ended;
use metered::Metered;
pub(crate) use stall::{NotWritten, Stall};

/// What is read from the network at once, and all that an idle socket keeps.
const READ_BUFFER: usize = 4096;

/// Bytes that may be queued before they are written to the network. Small messages that were read together are written
/// together.
pub(crate) const WRITE_BATCH: usize = 16 * 1024;

/// What answers to pings may take of the write buffer while the client does not read. Beyond it only the newest waits.
const PONG_BUFFER: usize = 4096;

/// Room for frame headers and a close frame.
const FRAME_SLACK: usize = 256;

/// A message on its way through. Text is known to be UTF-8; the content is shared, not copied.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Data(Message);

impl Data {
    /// Bytes of content.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The content as the protocol reads it.
    pub(crate) fn payload(&self) -> Payload {
        match &self.0 {
            Message::Text(text) => Payload::text(text.as_str()),
            other => Payload::binary(other.clone().into_data()),
        }
    }
}

impl From<Payload> for Data {
    fn from(payload: Payload) -> Self {
        Self(match payload {
            Payload::Text(text) => Message::Text(text.into()),
            Payload::Binary(data) => Message::Binary(data),
        })
    }
}

/// What comes out of a socket.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// A text or binary message.
    Message(Data),
    /// There will be no more.
    Ended(Ended),
}

/// A WebSocket in the server's role.
///
/// All of it is used by one task, so that one waker serves reading and writing.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: Metered<TcpStream>,
    frames: WebSocketContext,
    /// What was read ahead.
    unread: VecDeque<Incoming>,
    /// Something was queued and not flushed.
    dirty: bool,
}

impl Socket {
    /// Takes a stream on which the upgrade has succeeded; `part` is what came behind the request.
    pub(crate) fn new(stream: TcpStream, part: Vec<u8>) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(WRITE_BATCH)
            .max_write_buffer_size(WRITE_BATCH + PONG_BUFFER)
            .max_message_size(Some(MAX_CONTROL_LEN))
            .max_frame_size(Some(MAX_CONTROL_LEN));
        Self {
            stream: Metered::new(stream),
            frames: WebSocketContext::from_partially_read(part, Role::Server, Some(config)),
            unread: VecDeque::new(),
            dirty: false,
        }
    }

    /// Lets the client send messages of up to so many bytes. At first it may send control messages only.
    pub(crate) fn set_max_message(&mut self, bytes: usize) {
        self.frames.set_config(|config| {
            config.max_message_size = Some(bytes);
            config.max_frame_size = Some(bytes);
        });
    }

    /// Reads at most so many more bytes from the network; `None` lifts the limit. While a budget is used up
    /// [`Self::recv`] wakes nobody.
    pub(crate) fn set_read_budget(&mut self, bytes: Option<usize>) {
        self.stream.set_read_budget(bytes);
    }

    /// Whether the read budget is used up.
    pub(crate) fn read_budget_is_spent(&self) -> bool {
        self.stream.budget_is_spent()
    }

    /// Gives `incoming` once more, as the next thing.
    pub(crate) fn put_back(&mut self, incoming: Incoming) {
        self.unread.push_front(incoming);
    }

    /// Whether everything that was queued is written.
    pub(crate) fn is_flushed(&self) -> bool {
        !self.dirty
    }

    /// The next message. Also writes what is queued, as far as that goes without waiting.
    pub(crate) fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Incoming> {
        if let Some(incoming) = self.unread.pop_front() {
            return Poll::Ready(incoming);
        }
        if self.dirty {
            // Whether that worked does not matter here: reading tells if the connection is gone.
            let _ = self.poll_flush(cx);
        }
        loop {
            return match self.poll_frame(cx) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => {
                    Poll::Ready(Incoming::Message(Data(message)))
                }
                Poll::Ready(Ok(Message::Close(frame))) => {
                    let ended = Ended::closed(frame.as_ref());
                    if ended == Ended::Violation && self.is_flushed() {
                        // Forgets the library's answer, which has words that the reference does not have.
                        self.frames = WebSocketContext::new(Role::Server, Some(*self.frames.get_config()));
                    }
                    Poll::Ready(Incoming::Ended(ended))
                }
                Poll::Ready(Ok(_)) => continue,
                Poll::Ready(Err(error)) => Poll::Ready(Incoming::Ended(Ended::failed(&error))),
            };
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
        self.unread = ahead;
        self.unread.iter().filter(|incoming| matches!(incoming, Incoming::Message(_))).count()
    }

    /// Queues a message; [`Self::poll_recv`] and [`Self::poll_flush`] write it. Whoever queues more than
    /// [`WRITE_BATCH`] has to flush first.
    pub(crate) fn queue(&mut self, data: impl Into<Data>) -> Result<(), NotWritten> {
        let Data(message) = data.into();
        self.make_room(WRITE_BATCH + message.len() + FRAME_SLACK);
        self.dirty = true;
        let Self { stream, frames, .. } = self;
        // Without a task to wake, as little is lost as with one: the flush that has to follow brings its own.
        let mut cx = Context::from_waker(std::task::Waker::noop());
        match frames.write(&mut Adapter::new(stream, &mut cx), message) {
            Ok(()) => Ok(()),
            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            Err(_) => Err(NotWritten::Broken),
        }
    }

    /// Writes what is queued.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), NotWritten>> {
        let Self { stream, frames, .. } = self;
        match frames.flush(&mut Adapter::new(stream, cx)) {
            Ok(()) | Err(Error::ConnectionClosed) => {}
            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => return Poll::Pending,
            Err(_) => return Poll::Ready(Err(NotWritten::Broken)),
        }
        self.dirty = false;
        self.make_room(0);
        Poll::Ready(Ok(()))
    }

    /// Writes what is queued.
    pub(crate) async fn flush(&mut self) -> Result<(), NotWritten> {
        poll_fn(|cx| self.poll_flush(cx)).await
    }

    /// Bytes that the operating system has taken so far.
    pub(crate) fn written(&self) -> u64 {
        self.stream.written()
    }

    /// Anything that the library reads, control frames as well.
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, Error>> {
        let Self { stream, frames, .. } = self;
        match frames.read(&mut Adapter::new(stream, cx)) {
            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => Poll::Pending,
            result => Poll::Ready(result),
        }
    }

    /// Lets the write buffer hold so much beside the pongs.
    fn make_room(&mut self, bytes: usize) {
        self.frames.set_config(|config| config.max_write_buffer_size = WRITE_BATCH + PONG_BUFFER + bytes);
    }
}
