//! Cut-through: what has come from one client becomes frames for the other, in the same buffer.
//!
//! A frame that is there as a whole stays a frame. Of a frame that is not, what is there is passed on as a fragment
//! (RFC 6455 §5.4 lets an intermediary split), so what the receiver gets always ends at the end of a frame: a close or a
//! pong can follow at any time, and a message that its sender does not finish or that turns out to be no text is never
//! taken for a whole one.

use std::ops::Range;

use super::Fault;
use super::client::{Client, control};
use super::close::Closing;
use super::header::{MAX_SERVER_HEADER, Opcode, ServerHeader, append_part};
use super::inbound::{Kind, Step};
use super::mask::Mask;

/// Bytes that have to be free in front of the input of [`Client::forward`]. The other headers are written where the
/// client's own, which are longer, have been.
pub(crate) const HEADROOM: usize = MAX_SERVER_HEADER;

/// A fragment that is not the end of a frame has at least so many bytes. A message that comes in drops would become too
/// many fragments: libraries refuse more than 16,384, and 100 MiB in parts of this size are 12,800.
pub(crate) const LEAST_PIECE: usize = 8 * 1024;

/// What came of a piece of input. Places are those in the buffer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Forwarded {
    /// What the receiver gets. The rest of the buffer means nothing any more.
    pub(crate) frames: Range<usize>,
    /// What cannot be passed on before more has arrived: less than [`LEAST_PIECE`].
    pub(crate) rest: Range<usize>,
    /// Payload in `frames`, in bytes.
    pub(crate) payload: usize,
    /// Number of `frames`.
    pub(crate) count: usize,
    /// There will be no more.
    pub(crate) end: Option<End>,
}

/// Why there will be no more.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The client has closed.
    Closed(Closing),
    /// The client broke the rules.
    Fault(Fault),
}

impl Client {
    /// Puts into `out`, as a frame, the beginning of a message that the relay had read for itself when the client was
    /// paired. It comes before everything that [`Self::forward`] gives. Returns what is in it, in bytes; 0 is no frame.
    pub(crate) fn hand_on(&mut self, out: &mut Vec<u8>) -> usize {
        let beginning = std::mem::take(&mut self.partial);
        if let Some(kind) = self.inbound.open()
            && !beginning.is_empty()
        {
            append_part(out, false, kind.opcode(), &beginning);
            self.begun = true;
        }
        beginning.len()
    }

    /// Makes frames for the other side of the pair out of `input`, which is a place in `buffer` behind [`HEADROOM`]
    /// bytes, and which begins with the `rest` of the last time. Pings are answered as by [`Self::next`].
    pub(crate) fn forward(&mut self, buffer: &mut [u8], input: Range<usize>, pong: &mut Vec<u8>) -> Forwarded {
        let mut out = Forwarded { frames: 0..0, rest: input, payload: 0, count: 0, end: None };
        loop {
            let at = out.rest.start;
            let step = match self.inbound.next(&buffer[out.rest.clone()], LEAST_PIECE) {
                Ok(Step::More { used }) => {
                    out.rest.start += used;
                    return out;
                }
                Ok(Step::Piece { kind, payload, mask, last }) => {
                    out.rest.start += payload.end;
                    let piece = Piece { kind, payload: at + payload.start..at + payload.end, mask, last };
                    self.pass(buffer, piece, &mut out)
                }
                Ok(Step::Control { opcode, payload, mask }) => {
                    out.rest.start += payload.end;
                    control(opcode, mask, &mut buffer[at + payload.start..at + payload.end], pong)
                }
                Err(fault) => Err(fault),
            };
            out.end = match step {
                Ok(None) => continue,
                Ok(Some(closing)) => Some(End::Closed(closing)),
                Err(fault) => Some(End::Fault(fault)),
            };
            return out;
        }
    }

    /// Puts a frame behind those that are there.
    fn pass(&mut self, buffer: &mut [u8], piece: Piece, out: &mut Forwarded) -> Result<Option<Closing>, Fault> {
        let Piece { kind, payload, mask, last } = piece;
        let opcode = if self.begun { Opcode::Continuation } else { kind.opcode() };
        let header = ServerHeader::new(last, opcode, payload.len());
        if out.count == 0 {
            // The first payload, often the only one, stays where it is.
            let start = payload.start - header.len();
            out.frames = start..start;
        }
        let content = out.frames.end + header.len()..out.frames.end + header.len() + payload.len();
        header.write(&mut buffer[out.frames.end..content.start]);
        mask.remove_and_move(buffer, payload.start, content.start, payload.len());
        self.inbound.check(kind, &buffer[content.clone()], last)?;
        self.begun = !last;
        out.frames.end = content.end;
        out.payload += payload.len();
        out.count += 1;
        Ok(None)
    }
}

/// A piece of a message, and its place in the buffer.
struct Piece {
    kind: Kind,
    payload: Range<usize>,
    mask: Mask,
    last: bool,
}
