//! One WebSocket connection to the server, read only when it is polled.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{Sink, Stream};
use ratatosk_protocol::message::{PING, PONG};
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::Address;
use crate::end::End;

/// Most bytes that wait to be looked at; beyond it the connection is not read.
const MAX_INBOX: usize = 16 << 20;
/// What an event takes beside its content: a server may send empty ones without end.
const OVERHEAD: usize = 64;
/// Most bytes in a message: what the reference allows, and room to notice that a server allows more.
const MAX_MESSAGE: usize = 128 << 20;

/// Something that came from the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Text(String),
    Binary(Bytes),
    Pong(Bytes),
    Closed(End),
    /// Bytes that are not the WebSocket protocol.
    Broken(String),
}

impl Event {
    /// For people. Not escaped.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Binary(data) if data.len() <= 32 => format!("binary {}", hex::encode(data)),
            Self::Binary(data) => format!("binary of {} bytes", data.len()),
            Self::Pong(data) => format!("pong of {} bytes", data.len()),
            Self::Closed(end) => end.to_string(),
            Self::Broken(error) => format!("a protocol error: {error}"),
        }
    }

    /// Bytes that it takes in an inbox.
    fn cost(&self) -> usize {
        let content = match self {
            Self::Text(text) => text.len(),
            Self::Binary(data) | Self::Pong(data) => data.len(),
            Self::Closed(_) | Self::Broken(_) => 0,
        };
        OVERHEAD + content
    }
}

pub(super) struct Connection {
    /// Dropped when it has ended: the server waits for the end of TCP before it counts the connection as gone.
    socket: Option<WebSocketStream<MaybeTlsStream<TcpStream>>>,
    inbox: VecDeque<(Instant, Event)>,
    inbox_bytes: usize,
    /// The end has been put into the inbox.
    closed: bool,
    /// Leave everything that comes in the socket.
    pub(super) paused: bool,
    /// Answer pings of the protocol, and do not show them.
    pub(super) answers_pings: bool,
    /// Pongs that are due.
    pongs: usize,
}

impl Connection {
    /// Connects within `patience`; the error is for people.
    pub(super) async fn open(address: &Address, patience: Duration) -> Result<Self, String> {
        match tokio::time::timeout(patience, Self::connect(address)).await {
            Ok(result) => result.map_err(|error| error.to_string()),
            Err(_) => Err("the connection does not open".to_owned()),
        }
    }

    async fn connect(address: &Address) -> Result<Self, Error> {
        let tcp = TcpStream::connect((address.host.as_str(), address.port)).await?;
        tcp.set_nodelay(true)?;
        let request = address.uri.clone().into_client_request()?;
        let config = WebSocketConfig::default().max_message_size(Some(MAX_MESSAGE)).max_frame_size(Some(MAX_MESSAGE));
        #[cfg(feature = "tls")]
        let (socket, _) = tokio_tungstenite::client_async_tls_with_config(request, tcp, Some(config), None).await?;
        #[cfg(not(feature = "tls"))]
        let (socket, _) =
            tokio_tungstenite::client_async_with_config(request, MaybeTlsStream::Plain(tcp), Some(config)).await?;
        Ok(Self {
            socket: Some(socket),
            inbox: VecDeque::new(),
            inbox_bytes: 0,
            closed: false,
            paused: false,
            answers_pings: false,
            pongs: 0,
        })
    }

    /// Reads all there is; ready if something new is in the inbox.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let before = self.inbox.len();
        while !self.paused && self.inbox_bytes < MAX_INBOX {
            let Some(socket) = &mut self.socket else { break };
            match Pin::new(socket).poll_next(cx) {
                Poll::Pending => break,
                Poll::Ready(Some(Ok(message))) => self.take_message(message),
                Poll::Ready(Some(Err(error))) => self.take_error(&error),
                Poll::Ready(None) => self.take_end(),
            }
        }
        if self.pongs > 0 && self.poll_pong(cx).is_ready() {
            self.pongs -= 1;
        }
        if self.inbox.len() > before { Poll::Ready(()) } else { Poll::Pending }
    }

    fn poll_pong(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut pong = Some(Message::text(PONG));
        std::task::ready!(self.poll_feed(cx, &mut pong));
        // What is not written now goes out with the next thing.
        let _: Poll<()> = self.poll_flush(cx);
        Poll::Ready(())
    }

    fn take_message(&mut self, message: Message) {
        let event = match message {
            Message::Text(text) if self.answers_pings && text.as_str() == PING => {
                self.pongs += 1;
                return;
            }
            Message::Text(text) => Event::Text(text.as_str().to_owned()),
            Message::Binary(data) => Event::Binary(data),
            Message::Pong(data) => Event::Pong(data),
            Message::Close(frame) => {
                self.closed = true;
                Event::Closed(End::of(frame))
            }
            // A ping is answered by the library, and no part of the protocol.
            Message::Ping(_) | Message::Frame(_) => return,
        };
        self.push(event);
    }

    fn take_error(&mut self, error: &Error) {
        match error {
            Error::Protocol(tokio_tungstenite::tungstenite::error::ProtocolError::ResetWithoutClosingHandshake)
            | Error::Io(_)
            | Error::ConnectionClosed
            | Error::AlreadyClosed => self.take_end(),
            other => {
                self.push(Event::Broken(other.to_string()));
                self.closed = true;
                self.socket = None;
            }
        }
    }

    fn take_end(&mut self) {
        self.socket = None;
        if !self.closed {
            self.closed = true;
            self.push(Event::Closed(End::lost()));
        }
    }

    fn push(&mut self, event: Event) {
        self.inbox_bytes += event.cost();
        self.inbox.push_back((Instant::now(), event));
    }

    /// What came first and was not taken yet.
    pub(super) fn front(&self) -> Option<&(Instant, Event)> {
        self.inbox.front()
    }

    /// Takes what came first.
    pub(super) fn pop(&mut self) -> Option<(Instant, Event)> {
        let (time, event) = self.inbox.pop_front()?;
        self.inbox_bytes -= event.cost();
        Some((time, event))
    }

    /// Queues a message. A connection that has ended swallows it: what the server did to it is in the inbox.
    pub(super) fn poll_feed(&mut self, cx: &mut Context<'_>, message: &mut Option<Message>) -> Poll<()> {
        let Some(socket) = &mut self.socket else { return Poll::Ready(()) };
        match Pin::new(&mut *socket).poll_ready(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Err(_)) => return Poll::Ready(()),
            Poll::Ready(Ok(())) => {}
        }
        if let Some(message) = message.take() {
            // An error here is that of a closed connection; reading tells.
            Pin::new(socket).start_send(message).unwrap_or_default();
        }
        Poll::Ready(())
    }

    /// Writes bytes behind the library's back. Nothing may be queued.
    pub(super) fn poll_wire(&mut self, cx: &mut Context<'_>, bytes: &mut Bytes) -> Poll<()> {
        while !bytes.is_empty() {
            let Some(socket) = &mut self.socket else { return Poll::Ready(()) };
            match std::task::ready!(Pin::new(socket.get_mut()).poll_write(cx, bytes)) {
                Ok(written) => drop(bytes.split_to(written)),
                // The error of a connection that is lost; reading tells.
                Err(_) => return Poll::Ready(()),
            }
        }
        Poll::Ready(())
    }

    /// Writes what is queued.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(socket) = &mut self.socket else { return Poll::Ready(()) };
        Pin::new(socket).poll_flush(cx).map(Result::unwrap_or_default)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn a_server_cannot_fill_an_inbox_with_nothing() {
        const MOST: usize = MAX_INBOX / OVERHEAD;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (tcp, _) = listener.accept().await.unwrap();
            let mut socket = tokio_tungstenite::accept_async(tcp).await.unwrap();
            let empty = [0x81, 0].repeat(2 * MOST);
            socket.get_mut().write_all(&empty).await.unwrap_or_default();
            socket.get_mut().read_u8().await.unwrap_or_default();
        });
        let mut connection = Connection::open(&Address::parse(&url).unwrap(), PATIENCE).await.unwrap();
        while connection.inbox_bytes < MAX_INBOX {
            let reading = std::future::poll_fn(|cx| connection.poll_read(cx));
            tokio::time::timeout(PATIENCE, reading).await.unwrap();
        }
        assert_eq!(connection.inbox.len(), MOST);
        connection.pop().unwrap();
        assert_eq!(connection.inbox_bytes, MAX_INBOX - OVERHEAD);
    }
}
