//! Which frame may follow which (RFC 6455 §5.4), and how large a message may be. Knows nothing of what is in them, but
//! whether a text is one.

use std::ops::Range;

use super::Fault;
use super::header::{Header, Opcode};
use super::mask::Mask;
use super::utf8::Utf8;

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// UTF-8.
    Text,
    /// Anything.
    Binary,
}

impl Kind {
    pub(super) fn opcode(self) -> Opcode {
        match self {
            Self::Text => Opcode::Text,
            Self::Binary => Opcode::Binary,
        }
    }
}

/// The next thing in a client's bytes. Places are those in the input.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// More has to arrive. So many bytes are done with.
    More { used: usize },
    /// A piece of a message: all of a frame that is there. Everything up to its end is done with.
    Piece { kind: Kind, payload: Range<usize>, mask: Mask, last: bool },
    /// A whole control frame. Everything up to its end is done with.
    Control { opcode: Opcode, payload: Range<usize>, mask: Mask },
}

/// Where a client is in its frames.
#[derive(Debug)]
pub(super) struct Inbound {
    /// The largest message, in bytes.
    limit: u64,
    message: Option<Message>,
    frame: Option<Frame>,
    utf8: Utf8,
}

/// A message whose last frame has not been read.
#[derive(Clone, Copy, Debug)]
struct Message {
    kind: Kind,
    /// Bytes that its headers have announced.
    announced: u64,
}

/// A data frame whose end has not been read.
#[derive(Clone, Copy, Debug)]
struct Frame {
    /// Bytes to come.
    left: u64,
    mask: Mask,
    fin: bool,
}

impl Inbound {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit: limit as u64, message: None, frame: None, utf8: Utf8::default() }
    }

    /// The largest message from now on. What is announced already stays allowed.
    pub(super) fn set_limit(&mut self, limit: usize) {
        self.limit = limit as u64;
    }

    /// What the message is of which a part has been read.
    pub(super) fn open(&self) -> Option<Kind> {
        self.message.map(|message| message.kind)
    }

    /// The next thing in `input`, which begins behind what is done with. A piece that is not the end of its frame has
    /// at least `least` bytes.
    pub(super) fn next(&mut self, input: &[u8], least: usize) -> Result<Step, Fault> {
        let (frame, start) = match self.frame {
            Some(frame) => (frame, 0),
            None => {
                let Some((header, length)) = Header::read(input)? else { return Ok(Step::More { used: 0 }) };
                if header.opcode.is_control() {
                    return Ok(control(&header, length, input));
                }
                self.announce(&header)?;
                (Frame { left: header.len, mask: header.mask, fin: header.fin }, length)
            }
        };
        let here = input.len() - start;
        let (length, whole) = match usize::try_from(frame.left) {
            Ok(left) if left <= here => (left, true),
            _ => (here, false),
        };
        let kind = match self.message {
            Some(message) if whole || here >= least.max(1) => message.kind,
            _ => {
                self.frame = Some(frame);
                return Ok(Step::More { used: start });
            }
        };
        let last = whole && frame.fin;
        let step = Step::Piece { kind, payload: start..start + length, mask: frame.mask, last };
        self.frame = (!whole).then(|| Frame {
            left: frame.left - length as u64,
            mask: frame.mask.after(length),
            fin: frame.fin,
        });
        if last {
            self.message = None;
        }
        Ok(step)
    }

    /// Whether a piece, unmasked, may be part of its message.
    pub(super) fn check(&mut self, kind: Kind, piece: &[u8], last: bool) -> Result<(), Fault> {
        match kind {
            Kind::Text => self.utf8.feed(piece, last),
            Kind::Binary => Ok(()),
        }
    }

    /// A data frame begins: is it its turn, and is there room for it?
    fn announce(&mut self, header: &Header) -> Result<(), Fault> {
        let message = match (header.opcode, self.message) {
            (Opcode::Text, None) => Message { kind: Kind::Text, announced: 0 },
            (Opcode::Binary, None) => Message { kind: Kind::Binary, announced: 0 },
            (Opcode::Continuation, Some(message)) => message,
            _ => return Err(Fault::Violation),
        };
        let announced = message.announced.saturating_add(header.len);
        if announced > self.limit {
            return Err(Fault::TooLarge);
        }
        self.message = Some(Message { announced, ..message });
        Ok(())
    }
}

/// A control frame is looked at as a whole: it is small.
fn control(header: &Header, length: usize, input: &[u8]) -> Step {
    match usize::try_from(header.len) {
        Ok(payload) if input.len() - length >= payload => {
            Step::Control { opcode: header.opcode, payload: length..length + payload, mask: header.mask }
        }
        _ => Step::More { used: 0 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_MASK: [u8; 4] = [0; 4];

    /// Up to 125 bytes of payload, masked with zeros.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        [&[first, 0x80 | u8::try_from(payload.len()).unwrap()][..], &NO_MASK, payload].concat()
    }

    /// The first fault in `frames`.
    fn fault(limit: usize, frames: &[Vec<u8>]) -> Option<Fault> {
        let mut inbound = Inbound::new(limit);
        frames.iter().find_map(|frame| inbound.next(frame, 1).err())
    }

    #[test]
    fn a_frame_out_of_turn_is_a_violation() {
        let (begin, go_on, end, whole) = (frame(0x01, b"a"), frame(0x00, b"b"), frame(0x80, b"c"), frame(0x82, b"d"));
        let ping = frame(0x89, b"");
        let clone = |frames: &[&Vec<u8>]| frames.iter().copied().cloned().collect::<Vec<_>>();
        assert_eq!(fault(100, &clone(&[&begin, &ping, &go_on, &end, &whole, &begin])), None);
        for frames in [&[&go_on][..], &[&end], &[&whole, &go_on], &[&begin, &begin], &[&begin, &go_on, &whole]] {
            assert_eq!(fault(100, &clone(frames)), Some(Fault::Violation), "{frames:?}");
        }
    }

    #[test]
    fn the_limit_holds_for_all_frames_of_a_message_together_and_at_their_headers() {
        let (begin, end) = (frame(0x02, &[0; 60]), frame(0x80, &[0; 60]));
        assert_eq!(fault(120, &[begin.clone(), end.clone(), begin.clone(), end.clone()]), None);
        assert_eq!(fault(119, &[begin.clone(), end[..6].to_vec()]), Some(Fault::TooLarge));
        assert_eq!(fault(59, &[begin[..6].to_vec()]), Some(Fault::TooLarge));
        let mut largest = vec![0x00, 0xff];
        largest.extend(i64::MAX.to_be_bytes());
        largest.extend(NO_MASK);
        assert_eq!(fault(100, &[begin, largest]), Some(Fault::TooLarge));
    }

    #[test]
    fn a_small_piece_waits_unless_it_ends_the_frame() {
        let mut inbound = Inbound::new(100);
        let bytes = frame(0x82, b"abcdef");
        assert_eq!(inbound.next(&bytes[..8], 4), Ok(Step::More { used: 6 }));
        let mask = Mask::new(NO_MASK);
        let piece = |payload, last| Step::Piece { kind: Kind::Binary, payload, mask, last };
        assert_eq!(inbound.next(b"abcd", 4), Ok(piece(0..4, false)));
        assert_eq!(inbound.next(b"e", 4), Ok(Step::More { used: 0 }));
        assert_eq!(inbound.next(b"ef", 4), Ok(piece(0..2, true)));
        assert_eq!(inbound.open(), None);
    }

    #[test]
    fn a_control_frame_comes_as_a_whole_or_not_at_all() {
        let mut inbound = Inbound::new(100);
        let bytes = frame(0x89, b"ping");
        for cut in 0..bytes.len() {
            assert_eq!(inbound.next(&bytes[..cut], 1), Ok(Step::More { used: 0 }));
        }
        let control = Step::Control { opcode: Opcode::Ping, payload: 6..10, mask: Mask::new(NO_MASK) };
        assert_eq!(inbound.next(&bytes, 1), Ok(control));
    }
}
