//! Events of the stack as plugins written with the SDK have them, and back (`plugins/README.md`).

use bytes::Bytes;
use ratatosk_plugin::abi;

use super::{Context, Incoming, Layer, Origin, Outgoing};
use crate::close::CloseRequest;
use crate::message::Payload;

/// An event and the way it travels, or a note, which travels nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// From the socket to the application.
    Rising(Incoming),
    /// From the application to the socket.
    Sinking(Outgoing),
    /// A line for the timeline and the log.
    Note(String),
}

/// An event as a plugin gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoded<'a> {
    /// The direction's number.
    pub direction: u32,
    /// The kind's number.
    pub kind: u32,
    /// The data in two parts, one after the other.
    data: [&'a [u8]; 2],
}

/// What a plugin may not emit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmitError {
    /// An event that a plugin cannot emit, or not at this time, or not in its layer.
    #[error("emitted an event that it may not: direction {direction}, kind {kind}")]
    Event {
        /// The direction.
        direction: u32,
        /// The kind.
        kind: u32,
    },
    /// A text that is not UTF-8.
    #[error("emitted a text that is not UTF-8")]
    NotText,
}

impl Encoded<'_> {
    /// Bytes of the data.
    #[must_use]
    pub fn len(&self) -> usize {
        self.data[0].len() + self.data[1].len()
    }

    /// Whether there is no data.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts the data into a place of [`Self::len`] bytes.
    ///
    /// # Panics
    ///
    /// If the place has another size.
    pub fn write(&self, place: &mut [u8]) {
        let (head, tail) = place.split_at_mut(self.data[0].len());
        head.copy_from_slice(self.data[0]);
        tail.copy_from_slice(self.data[1]);
    }

    /// Its bit in a mask of subscriptions.
    #[must_use]
    pub fn bit(&self) -> u32 {
        abi::bit(self.direction, self.kind)
    }
}

impl Event {
    /// What a plugin gets. Of a note, which no plugin gets, its text.
    #[must_use]
    pub fn encode(&self) -> Encoded<'_> {
        let (direction, kind, data): (_, _, [&[u8]; 2]) = match self {
            Self::Rising(Incoming::Message(message)) => (abi::INCOMING, kind(message), [content(message), &[]]),
            Self::Rising(Incoming::Opened) => (abi::INCOMING, abi::OPENED, [&[], &[]]),
            Self::Rising(Incoming::Closed { reason, origin }) => {
                let origin = match origin {
                    Origin::Local => &[abi::ORIGIN_LOCAL],
                    Origin::Remote => &[abi::ORIGIN_REMOTE],
                };
                (abi::INCOMING, abi::CLOSED, [origin, reason.as_bytes()])
            }
            Self::Sinking(Outgoing::Message(message)) => (abi::OUTGOING, kind(message), [content(message), &[]]),
            Self::Sinking(Outgoing::Close(request)) => {
                let (how, text): (&[u8], _) = match request {
                    CloseRequest::Close(None) => (&[abi::CLOSE_PLAIN], ""),
                    CloseRequest::Close(Some(text)) => (&[abi::CLOSE_BECAUSE], text.as_str()),
                    CloseRequest::Terminate(text) => (&[abi::CLOSE_TERMINATE], text.as_str()),
                };
                (abi::OUTGOING, abi::CLOSE, [how, text.as_bytes()])
            }
            Self::Note(text) => (abi::OUTGOING, abi::NOTE, [text.as_bytes(), &[]]),
        };
        Encoded { direction, kind, data }
    }

    /// What a plugin of that layer emits: a message in either direction, a close, or a note. Observers only note.
    ///
    /// # Errors
    ///
    /// [`EmitError`] for everything else.
    pub fn emitted(layer: Layer, direction: u32, kind: u32, data: &[u8]) -> Result<Self, EmitError> {
        if layer == Layer::Observer && (direction, kind) != (abi::OUTGOING, abi::NOTE) {
            return Err(EmitError::Event { direction, kind });
        }
        Ok(match (direction, kind) {
            (abi::INCOMING, abi::TEXT) => Self::Rising(Incoming::Message(Payload::Text(text(data)?))),
            (abi::OUTGOING, abi::TEXT) => Self::Sinking(Outgoing::Message(Payload::Text(text(data)?))),
            (abi::INCOMING, abi::BINARY) => Self::Rising(Incoming::Message(binary(data))),
            (abi::OUTGOING, abi::BINARY) => Self::Sinking(Outgoing::Message(binary(data))),
            (abi::OUTGOING, abi::CLOSE) => Self::Sinking(Outgoing::Close(match data {
                [abi::CLOSE_PLAIN] => CloseRequest::Close(None),
                [abi::CLOSE_BECAUSE, rest @ ..] => CloseRequest::Close(Some(text(rest)?)),
                [abi::CLOSE_TERMINATE, rest @ ..] => CloseRequest::Terminate(text(rest)?),
                _ => return Err(EmitError::Event { direction, kind }),
            })),
            (abi::OUTGOING, abi::NOTE) => Self::Note(readable(data, abi::MAX_NOTE_LEN)),
            _ => return Err(EmitError::Event { direction, kind }),
        })
    }

    /// Whether the event reaches the other end of the stack whatever a plugin says: no plugin can hold a connection open, or
    /// keep it from the application that it is open or closed.
    #[must_use]
    pub fn always_passes(&self) -> bool {
        !matches!(self, Self::Rising(Incoming::Message(_)) | Self::Sinking(Outgoing::Message(_)))
    }

    /// Sends the event on.
    pub fn forward(self, cx: &mut Context<'_>) {
        match self {
            Self::Rising(event) => cx.rise(event),
            Self::Sinking(event) => cx.sink(event),
            Self::Note(text) => cx.note(text),
        }
    }

    /// Sends on what a plugin of that layer has emitted for this event, and then the event itself if that is to pass. For an
    /// observer it always does.
    pub fn settle(self, cx: &mut Context<'_>, layer: Layer, emitted: impl IntoIterator<Item = Self>, passes: bool) {
        let is_close = |event: &Self| matches!(event, Self::Sinking(Outgoing::Close(_)));
        // Whoever changes a close consumes it and emits another one.
        let mut closes = false;
        for event in emitted {
            closes |= is_close(&event);
            event.forward(cx);
        }
        let replaced = is_close(&self) && closes;
        if passes || layer == Layer::Observer || self.always_passes() && !replaced {
            self.forward(cx);
        }
    }
}

fn kind(message: &Payload) -> u32 {
    match message {
        Payload::Text(_) => abi::TEXT,
        Payload::Binary(_) => abi::BINARY,
    }
}

fn content(message: &Payload) -> &[u8] {
    match message {
        Payload::Text(text) => text.as_bytes(),
        Payload::Binary(data) => data,
    }
}

/// What a plugin says about itself, fit for a log and a close reason: at most `max` bytes, in one line.
#[must_use]
pub fn readable(bytes: &[u8], max: usize) -> String {
    let mut text = String::new();
    for c in String::from_utf8_lossy(&bytes[..bytes.len().min(max)]).chars() {
        // What is not UTF-8 takes more room as text.
        if text.len() + c.len_utf8() > max {
            break;
        }
        text.push(if c.is_control() { ' ' } else { c });
    }
    text
}

fn text(data: &[u8]) -> Result<String, EmitError> {
    str::from_utf8(data).map(str::to_owned).map_err(|_| EmitError::NotText)
}

fn binary(data: &[u8]) -> Payload {
    Payload::Binary(Bytes::copy_from_slice(data))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(event: &Event) -> Result<Event, EmitError> {
        let encoded = event.encode();
        Event::emitted(Layer::Transform, encoded.direction, encoded.kind, &encoded.data.concat())
    }

    #[test]
    fn what_can_be_emitted_comes_back_as_it_was() {
        for message in [Payload::text("€"), Payload::text(""), Payload::binary(vec![0, 255])] {
            for event in [Event::Rising(Incoming::Message(message.clone())), Event::Sinking(Outgoing::Message(message))]
            {
                assert_eq!(again(&event), Ok(event));
            }
        }
        let closes = [CloseRequest::Close(None), CloseRequest::because(""), CloseRequest::Terminate("t".to_owned())];
        for event in closes.map(|request| Event::Sinking(Outgoing::Close(request))) {
            assert_eq!(again(&event), Ok(event));
        }
    }

    #[test]
    fn nobody_pretends_that_a_connection_opened_or_closed() {
        let closed = Incoming::Closed { reason: "r".to_owned(), origin: Origin::Remote };
        for event in [Incoming::Opened, closed].map(Event::Rising) {
            assert!(matches!(again(&event), Err(EmitError::Event { .. })));
        }
        for (direction, kind, data) in [(0, 5, &b"\0"[..]), (1, 5, b""), (1, 5, b"\x03"), (1, 5, b"\0x"), (2, 1, b"")] {
            assert_eq!(
                Event::emitted(Layer::Transform, direction, kind, data),
                Err(EmitError::Event { direction, kind })
            );
        }
        assert_eq!(Event::emitted(Layer::Transform, 0, 1, b"\xff"), Err(EmitError::NotText));
    }

    #[test]
    fn an_observer_only_notes() {
        let note = |layer| Event::emitted(layer, abi::OUTGOING, abi::NOTE, b"a\nb\x1b[31m\xff");
        assert_eq!(note(Layer::Observer), Ok(Event::Note("a b [31m\u{FFFD}".to_owned())));
        assert_eq!(note(Layer::Encryption), note(Layer::Observer));
        for (direction, kind) in [(abi::INCOMING, abi::TEXT), (abi::OUTGOING, abi::BINARY), (abi::OUTGOING, abi::CLOSE)]
        {
            let event = Event::emitted(Layer::Observer, direction, kind, b"\0");
            assert_eq!(event, Err(EmitError::Event { direction, kind }));
        }
    }

    #[test]
    fn what_a_plugin_says_has_an_end() {
        assert_eq!(readable(&[b'x'; 5000], abi::MAX_NOTE_LEN).len(), abi::MAX_NOTE_LEN);
        assert_eq!(readable(&[0xff; 10], 10).len(), 9);
    }
}
