//! Events of the stack as the ABI has them, and back.

use bytes::Bytes;
use ratatosk_plugin::abi;
use ratatosk_protocol::close::CloseRequest;
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::plugin::{Context, Incoming, Origin, Outgoing};

use crate::stopped::Misuse;

/// An event and the way it travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Rising(Incoming),
    Sinking(Outgoing),
}

/// An event as a plugin gets it. The data comes in two parts, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Encoded<'a> {
    pub(crate) direction: u32,
    pub(crate) kind: u32,
    pub(crate) data: [&'a [u8]; 2],
}

impl Encoded<'_> {
    pub(crate) fn len(&self) -> usize {
        self.data[0].len() + self.data[1].len()
    }

    /// Puts the data into a place of [`Self::len`] bytes.
    pub(crate) fn write(&self, place: &mut [u8]) {
        let (head, tail) = place.split_at_mut(self.data[0].len());
        head.copy_from_slice(self.data[0]);
        tail.copy_from_slice(self.data[1]);
    }

    /// Its bit in a mask of subscriptions.
    pub(crate) fn bit(&self) -> u32 {
        abi::bit(self.direction, self.kind)
    }
}

impl Event {
    pub(crate) fn encode(&self) -> Encoded<'_> {
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
        };
        Encoded { direction, kind, data }
    }

    /// An event that a plugin emits: a message in either direction, or a close.
    pub(crate) fn emitted(direction: u32, kind: u32, data: &[u8]) -> Result<Self, Misuse> {
        Ok(match (direction, kind) {
            (abi::INCOMING, abi::TEXT) => Self::Rising(Incoming::Message(Payload::Text(text(data)?))),
            (abi::OUTGOING, abi::TEXT) => Self::Sinking(Outgoing::Message(Payload::Text(text(data)?))),
            (abi::INCOMING, abi::BINARY) => Self::Rising(Incoming::Message(binary(data))),
            (abi::OUTGOING, abi::BINARY) => Self::Sinking(Outgoing::Message(binary(data))),
            (abi::OUTGOING, abi::CLOSE) => Self::Sinking(Outgoing::Close(match data {
                [abi::CLOSE_PLAIN] => CloseRequest::Close(None),
                [abi::CLOSE_BECAUSE, rest @ ..] => CloseRequest::Close(Some(text(rest)?)),
                [abi::CLOSE_TERMINATE, rest @ ..] => CloseRequest::Terminate(text(rest)?),
                _ => return Err(Misuse::Event { direction, kind }),
            })),
            _ => return Err(Misuse::Event { direction, kind }),
        })
    }

    /// Whether the event reaches the other end of the stack whatever a plugin says: no plugin can hold a connection open, or
    /// keep it from the application that it is open or closed.
    pub(crate) fn always_passes(&self) -> bool {
        !matches!(self, Self::Rising(Incoming::Message(_)) | Self::Sinking(Outgoing::Message(_)))
    }

    /// Sends the event on.
    pub(crate) fn forward(self, cx: &mut Context<'_>) {
        match self {
            Self::Rising(event) => cx.rise(event),
            Self::Sinking(event) => cx.sink(event),
        }
    }

    /// Sends on what a plugin has emitted for this event, and then the event itself if that is to pass.
    pub(crate) fn settle(self, cx: &mut Context<'_>, emitted: Vec<Self>, passes: bool) {
        let is_close = |event: &Self| matches!(event, Self::Sinking(Outgoing::Close(_)));
        // Whoever changes a close consumes it and emits another one.
        let replaced = is_close(&self) && emitted.iter().any(is_close);
        for event in emitted {
            event.forward(cx);
        }
        if passes || self.always_passes() && !replaced {
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

fn text(data: &[u8]) -> Result<String, Misuse> {
    str::from_utf8(data).map(str::to_owned).map_err(|_| Misuse::NotText)
}

fn binary(data: &[u8]) -> Payload {
    Payload::Binary(Bytes::copy_from_slice(data))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(event: &Event) -> Result<Event, Misuse> {
        let encoded = event.encode();
        Event::emitted(encoded.direction, encoded.kind, &encoded.data.concat())
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
            assert!(matches!(again(&event), Err(Misuse::Event { .. })));
        }
        for (direction, kind, data) in [(0, 5, &b"\0"[..]), (1, 5, b""), (1, 5, b"\x03"), (1, 5, b"\0x"), (2, 1, b"")] {
            assert_eq!(Event::emitted(direction, kind, data), Err(Misuse::Event { direction, kind }));
        }
        assert_eq!(Event::emitted(0, 1, b"\xff"), Err(Misuse::NotText));
    }
}
