//! What a client says in frames, as the relay passes it on and as tungstenite reads it. `relay/src/frame/tests.rs` includes
//! this file.

use std::io::{self, ErrorKind, Read, Write};

use ratatosk_protocol::message::Payload;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::protocol::{Message, Role, WebSocketConfig, WebSocketContext};

use super::{Fault, Relayed};

/// The largest message, in bytes.
pub(super) const LIMIT: usize = 40_000;

/// A close without anything in it.
const CLOSE: [u8; 2] = [0x88, 0];

/// What a client says, as it should arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Text(String),
    Binary(Vec<u8>),
    Closed(Option<u16>, String),
    Fault(Fault),
}

/// What the relay has read, what a receiver reads after that, and the end.
pub(super) fn in_order(relayed: &Relayed) -> Vec<Said> {
    let mut said: Vec<_> = relayed
        .own
        .iter()
        .map(|message| match message {
            Payload::Text(text) => Said::Text(text.clone()),
            Payload::Binary(data) => Said::Binary(data.to_vec()),
        })
        .collect();
    // Whatever has happened, a receiver can be told something now.
    let mut read = tungstenite(Role::Client, &[&relayed.frames[..], &CLOSE].concat());
    assert_eq!(read.pop(), Some(Said::Closed(None, String::new())), "the frames are whole");
    said.extend(read);
    said.extend(relayed.end.clone().map(|end| match end {
        Ok((code, reason)) => Said::Closed(code, reason),
        Err(fault) => Said::Fault(fault),
    }));
    said
}

/// What tungstenite reads, in either role.
pub(super) fn tungstenite(role: Role, bytes: &[u8]) -> Vec<Said> {
    let config = WebSocketConfig::default().max_message_size(Some(LIMIT)).max_frame_size(Some(LIMIT));
    let mut context = WebSocketContext::new(role, Some(config));
    let mut said = Vec::new();
    let mut wire = Wire(bytes);
    loop {
        said.push(match context.read(&mut wire) {
            Ok(Message::Text(text)) => Said::Text(text.as_str().to_owned()),
            Ok(Message::Binary(data)) => Said::Binary(data.to_vec()),
            Ok(Message::Close(None)) => Said::Closed(None, String::new()),
            // Its way to say that a client's code is none.
            Ok(Message::Close(Some(frame))) if frame.reason.as_str() == "Protocol violation" => {
                Said::Fault(Fault::Violation)
            }
            Ok(Message::Close(Some(frame))) => Said::Closed(Some(frame.code.into()), frame.reason.as_str().to_owned()),
            Ok(_) => continue,
            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => return said,
            Err(Error::Capacity(_)) => Said::Fault(Fault::TooLarge),
            Err(Error::Utf8(_)) => Said::Fault(Fault::NotUtf8),
            Err(_) => Said::Fault(Fault::Violation),
        });
        if matches!(said.last(), Some(Said::Fault(_) | Said::Closed(..))) {
            return said;
        }
    }
}

/// Bytes of a stream, and no more for now.
struct Wire<'a>(&'a [u8]);

impl Read for Wire<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() { Err(ErrorKind::WouldBlock.into()) } else { self.0.read(buffer) }
    }
}

impl Write for Wire<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
