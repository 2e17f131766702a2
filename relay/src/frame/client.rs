//! A client's bytes as whole messages, for as long as the client speaks to the relay itself: control messages are small.

use ratatosk_protocol::message::Payload;

use super::close::Closing;
use super::header::Opcode;
use super::inbound::{Inbound, Kind, Step};
use super::mask::Mask;
use super::{Fault, header};

/// Where a client is in what it sends.
#[derive(Debug)]
pub(crate) struct Client {
    pub(super) inbound: Inbound,
    /// The beginning of a message.
    pub(super) partial: Vec<u8>,
    /// The other side of the pair has the beginning of a message.
    pub(super) begun: bool,
}

/// What was found in a client's bytes.
#[derive(Debug)]
pub(crate) struct Next {
    /// So many bytes are done with.
    pub(crate) used: usize,
    /// `None` if more has to arrive.
    pub(crate) event: Option<Event>,
}

/// What a client says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A message.
    Message(Payload),
    /// That it will say no more.
    Closed(Closing),
}

impl Client {
    /// A client that may send messages of up to `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self { inbound: Inbound::new(limit), partial: Vec::new(), begun: false }
    }

    /// The largest message from now on.
    pub(crate) fn set_limit(&mut self, limit: usize) {
        self.inbound.set_limit(limit);
    }

    /// The next message in `input`, which begins behind what is done with and is unmasked on the way. A ping leaves the
    /// frame that answers it in `pong`; only the newest is answered (RFC 6455 §5.5.3).
    pub(crate) fn next(&mut self, input: &mut [u8], pong: &mut Vec<u8>) -> Result<Next, Fault> {
        let mut used = 0;
        loop {
            let here = &mut input[used..];
            let event = match self.inbound.next(here, 1)? {
                Step::More { used: more } => return Ok(Next { used: used + more, event: None }),
                Step::Piece { kind, payload, mask, last } => {
                    used += payload.end;
                    let piece = &mut here[payload];
                    mask.remove(piece);
                    self.inbound.check(kind, piece, last)?;
                    self.partial.extend_from_slice(piece);
                    if last { Some(Event::Message(self.message(kind)?)) } else { None }
                }
                Step::Control { opcode, payload, mask } => {
                    used += payload.end;
                    control(opcode, mask, &mut here[payload], pong)?.map(Event::Closed)
                }
            };
            if event.is_some() {
                return Ok(Next { used, event });
            }
        }
    }

    fn message(&mut self, kind: Kind) -> Result<Payload, Fault> {
        let content = std::mem::take(&mut self.partial);
        match kind {
            Kind::Text => String::from_utf8(content).map(Payload::Text).map_err(|_| Fault::NotUtf8),
            Kind::Binary => Ok(Payload::binary(content)),
        }
    }
}

/// Answers a ping, and reads a close.
pub(super) fn control(
    opcode: Opcode,
    mask: Mask,
    payload: &mut [u8],
    pong: &mut Vec<u8>,
) -> Result<Option<Closing>, Fault> {
    mask.remove(payload);
    match opcode {
        Opcode::Close => return Closing::read(payload).map(Some),
        Opcode::Ping => {
            pong.clear();
            header::append(pong, Opcode::Pong, payload);
        }
        _ => {}
    }
    Ok(None)
}
