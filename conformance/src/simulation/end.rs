//! One peer's end of a connection: the protocol's own machine and WebSocket library, driven without tasks or waiting. What
//! the protocol's tokio driver does in its loop is done here in turns.

use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use ratatosk_protocol::close::CloseRequest;
use ratatosk_protocol::connection::{CloseFrame, Connection, Event};
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::phase::Deadlines;
use ratatosk_protocol::plugin::Outgoing;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{self, Role};
use tokio_tungstenite::tungstenite::{Error as WsError, Message, WebSocket, error::ProtocolError};

use super::meddler::Meddler;
use super::stream::PeerStream;

const UPGRADE: &[u8] = b"GET / HTTP/1.1\r\nHost: relay\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// How far the socket is.
enum Socket {
    Dialling,
    Upgrading { stream: PeerStream, head: Vec<u8> },
    Open(Box<WebSocket<PeerStream>>),
    Gone,
}

/// A machine on its socket.
pub(super) struct End {
    pub(super) machine: Connection,
    socket: Socket,
    deadlines: Deadlines,
    /// When the machine last got something.
    pub(super) heard: Instant,
    next: Option<Message>,
    unflushed: bool,
    close_by: Option<Instant>,
    close_sent: bool,
    /// The other end has closed; the answer goes out until then.
    finishing: Option<(CloseFrame, Instant)>,
    /// What no end that keeps to the rules brings about.
    pub(super) broken: Option<String>,
}

impl End {
    pub(super) fn new(now: Instant, machine: Connection, deadlines: Deadlines) -> Self {
        Self {
            machine,
            socket: Socket::Dialling,
            deadlines,
            heard: now,
            next: None,
            unflushed: false,
            close_by: None,
            close_sent: false,
            finishing: None,
            broken: None,
        }
    }

    pub(super) fn is_dialling(&self) -> bool {
        matches!(self.socket, Socket::Dialling)
    }

    /// Nothing is left to be done.
    pub(super) fn is_gone(&self) -> bool {
        matches!(self.socket, Socket::Gone)
    }

    /// TCP is connected.
    pub(super) fn connected(&mut self, mut stream: PeerStream) {
        // A fresh window has room for the request.
        let _ = stream.write(UPGRADE);
        self.socket = Socket::Upgrading { stream, head: Vec::new() };
    }

    /// TCP cannot be connected.
    pub(super) fn refused(&mut self, now: Instant, what: &str) {
        self.machine.handle_io_error(now, what.to_owned());
        self.socket = Socket::Gone;
    }

    /// The stream, while there is one.
    pub(super) fn stream(&mut self) -> Option<&mut PeerStream> {
        match &mut self.socket {
            Socket::Upgrading { stream, .. } => Some(stream),
            Socket::Open(socket) => Some(socket.get_mut()),
            Socket::Dialling | Socket::Gone => None,
        }
    }

    /// Does everything that can be done at the moment, and gives what the machine tells.
    pub(super) fn turn(&mut self, now: Instant, meddler: &mut dyn Meddler) -> Vec<Event> {
        self.time(now, meddler);
        self.upgrade(now);
        self.receive(now);
        self.transmit(now, meddler);
        self.finish(now);
        std::iter::from_fn(|| self.machine.poll_event()).collect()
    }

    /// When [`Self::turn`] is due, whatever happens.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        if self.is_gone() {
            return None;
        }
        let finishing = self.finishing.as_ref().map(|(_, by)| *by);
        [self.machine.poll_timeout(), self.close_by, finishing].into_iter().flatten().min()
    }

    /// Closes as the tokio driver does for a spare that is not wanted any more.
    pub(super) fn close(&mut self, now: Instant, request: CloseRequest) {
        if matches!(self.socket, Socket::Open(_)) {
            self.machine.close(now, request);
        } else {
            // There is nobody to tell yet.
            self.machine.close(now, request);
            self.end(now, None);
        }
    }

    fn time(&mut self, now: Instant, meddler: &mut dyn Meddler) {
        if self.close_by.is_some_and(|by| by <= now) {
            self.end(now, None);
        } else if self.machine.poll_timeout().is_some_and(|at| at <= now) && meddler.times_out() {
            let was_opening = !matches!(self.socket, Socket::Open(_));
            self.machine.handle_timeout(now);
            if was_opening {
                self.refused(now, "the other end did not answer in time");
            }
        }
    }

    fn upgrade(&mut self, now: Instant) {
        let Socket::Upgrading { stream, head } = &mut self.socket else { return };
        let mut buffer = [0; 1024];
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => return self.refused(now, "the connection ended before it was open"),
                Ok(len) => head.extend_from_slice(&buffer[..len]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return self.refused(now, &error.to_string()),
            }
        }
        let Some(end) = head.windows(4).position(|window| window == b"\r\n\r\n") else { return };
        if !head.starts_with(b"HTTP/1.1 101 ") {
            return self.refused(now, "the server answered without a WebSocket");
        }
        let rest = head.split_off(end + 4);
        let config = protocol::WebSocketConfig::default().read_buffer_size(4096).write_buffer_size(64 * 1024);
        if let Socket::Upgrading { stream, .. } = std::mem::replace(&mut self.socket, Socket::Gone) {
            let socket = WebSocket::from_partially_read(stream, rest, Role::Client, Some(config));
            self.socket = Socket::Open(Box::new(socket));
            self.machine.handle_opened(now);
        }
    }

    fn receive(&mut self, now: Instant) {
        while let Socket::Open(socket) = &mut self.socket {
            let message = match socket.read() {
                Ok(message) => message,
                Err(WsError::Io(error)) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => return self.ended(now, &error),
            };
            if self.finishing.is_some() {
                continue;
            }
            self.heard = now;
            match message {
                Message::Text(text) => self.machine.handle_message(now, Payload::text(text.as_str())),
                Message::Binary(data) => self.machine.handle_message(now, Payload::Binary(data)),
                Message::Close(frame) => {
                    let frame = match frame {
                        Some(frame) => CloseFrame { code: frame.code.into(), reason: frame.reason.as_str().to_owned() },
                        None => CloseFrame { code: CloseCode::Status.into(), reason: String::new() },
                    };
                    let by = self.close_by.unwrap_or(now + self.deadlines.close);
                    self.finishing = Some((frame, by));
                    self.unflushed = true;
                }
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => self.unflushed = true,
            }
        }
    }

    fn ended(&mut self, now: Instant, error: &WsError) {
        let expected = match error {
            WsError::ConnectionClosed | WsError::AlreadyClosed | WsError::Io(_) => true,
            WsError::Protocol(error) => matches!(error, ProtocolError::ResetWithoutClosingHandshake),
            _ => false,
        };
        if !expected {
            self.broken = Some(format!("a WebSocket that breaks the rules: {error}"));
        }
        let frame = self.finishing.take().map(|(frame, _)| frame);
        self.end(now, frame);
    }

    fn transmit(&mut self, now: Instant, meddler: &mut dyn Meddler) {
        while let Socket::Open(socket) = &mut self.socket {
            if self.machine.is_closing() && self.close_by.is_none() {
                let patience = self.patience();
                self.close_by = Some(now + patience);
                continue;
            }
            if self.unflushed {
                match socket.flush() {
                    Ok(()) => {
                        self.unflushed = false;
                        self.progress(now);
                    }
                    Err(WsError::Io(error)) if error.kind() == ErrorKind::WouldBlock => return,
                    // Reading tells how the other end closed.
                    Err(WsError::ConnectionClosed | WsError::AlreadyClosed) => self.unflushed = false,
                    Err(error) => return self.ended(now, &error),
                }
                continue;
            }
            if self.next.is_none() {
                self.next = self.machine.poll_transmit().and_then(|out| to_frame(out, meddler));
            }
            let Some(frame) = self.next.take() else { return };
            self.close_sent |= matches!(frame, Message::Close(_));
            match socket.write(frame) {
                Ok(()) => self.unflushed = true,
                Err(WsError::Io(error)) if error.kind() == ErrorKind::WouldBlock => self.unflushed = true,
                Err(WsError::ConnectionClosed | WsError::AlreadyClosed) => {}
                // What comes behind a close has no business on the wire.
                Err(WsError::Protocol(ProtocolError::SendAfterClosing)) => {}
                Err(error) => return self.ended(now, &error),
            }
        }
    }

    /// Whoever was established may take time to take what is sent.
    fn patience(&self) -> Duration {
        if self.was_established() { self.deadlines.drain } else { self.deadlines.close }
    }

    fn was_established(&self) -> bool {
        self.machine.counters().messages_received() > 0 && self.machine.is_proven()
    }

    fn progress(&mut self, now: Instant) {
        if self.close_by.is_some() && self.close_sent {
            self.close_by = Some(now + self.deadlines.close);
        }
    }

    fn finish(&mut self, now: Instant) {
        if self.finishing.as_ref().is_some_and(|(_, by)| *by <= now) {
            let frame = self.finishing.take().map(|(frame, _)| frame);
            self.end(now, frame);
        }
    }

    /// The socket is over, for whatever reason.
    fn end(&mut self, now: Instant, frame: Option<CloseFrame>) {
        self.socket = Socket::Gone;
        self.machine.handle_closed(now, frame);
    }
}

fn to_frame(out: Outgoing, meddler: &mut dyn Meddler) -> Option<Message> {
    Some(match out {
        Outgoing::Message(Payload::Text(text)) => Message::text(meddler.says(text)),
        Outgoing::Message(Payload::Binary(data)) => Message::Binary(data),
        Outgoing::Close(_) if !meddler.closes() => return None,
        Outgoing::Close(request) => {
            Message::Close(Some(protocol::CloseFrame { code: CloseCode::Normal, reason: request.reason().into() }))
        }
    })
}
