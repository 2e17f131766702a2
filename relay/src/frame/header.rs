//! Frame headers (RFC 6455 §5.2): clients' are read, ours are written.

use super::Fault;
use super::mask::Mask;

/// The longest header that a server writes.
pub(super) const MAX_SERVER_HEADER: usize = 10;

/// The most that a control frame may carry (§5.5).
const MAX_CONTROL_PAYLOAD: u8 = 125;

const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const MASKED: u8 = 0x80;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opcode {
    /// More of the message that the frames before have begun.
    Continuation = 0,
    /// The beginning of a text message.
    Text = 1,
    /// The beginning of a binary message.
    Binary = 2,
    /// The last frame of its sender.
    Close = 8,
    /// To be answered with a pong.
    Ping = 9,
    /// The answer to a ping.
    Pong = 10,
}

impl Opcode {
    fn read(bits: u8) -> Result<Self, Fault> {
        Ok(match bits {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            _ => return Err(Fault::Violation),
        })
    }

    /// Control frames are whole and small, and may stand between the frames of a message.
    pub(super) fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// The header of a client's frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The last frame of its message.
    pub(super) fin: bool,
    pub(super) opcode: Opcode,
    /// Bytes of payload.
    pub(super) len: u64,
    pub(super) mask: Mask,
}

impl Header {
    /// Reads the header that `input` begins with, and gives its length; `None` if more bytes are needed. What is wrong
    /// is noticed as soon as it can be seen.
    pub(super) fn read(input: &[u8]) -> Result<Option<(Self, usize)>, Fault> {
        let Some(&first) = input.first() else { return Ok(None) };
        let (fin, opcode) = (first & FIN != 0, Opcode::read(first & 0x0f)?);
        if first & RESERVED != 0 || (opcode.is_control() && !fin) {
            return Err(Fault::Violation);
        }
        let Some(&second) = input.get(1) else { return Ok(None) };
        let short = second & !MASKED;
        if second & MASKED == 0 || (opcode.is_control() && short > MAX_CONTROL_PAYLOAD) {
            return Err(Fault::Violation);
        }
        let (len, at) = match short {
            126 => match field::<2>(input, 2) {
                Some(bytes) => (u64::from(u16::from_be_bytes(bytes)), 4),
                None => return Ok(None),
            },
            127 => match field::<8>(input, 2) {
                Some(bytes) => (u64::from_be_bytes(bytes), 10),
                None => return Ok(None),
            },
            short => (u64::from(short), 2),
        };
        if len > i64::MAX as u64 {
            return Err(Fault::Violation);
        }
        let Some(mask) = field::<4>(input, at) else { return Ok(None) };
        Ok(Some((Self { fin, opcode, len, mask: Mask::new(mask) }, at + 4)))
    }
}

fn field<const N: usize>(input: &[u8], at: usize) -> Option<[u8; N]> {
    input.get(at..)?.first_chunk().copied()
}

/// The header of a frame of ours.
#[derive(Clone, Copy, Debug)]
pub(super) struct ServerHeader {
    first: u8,
    payload: usize,
}

impl ServerHeader {
    pub(super) fn new(fin: bool, opcode: Opcode, payload: usize) -> Self {
        Self { first: opcode as u8 | if fin { FIN } else { 0 }, payload }
    }

    /// Its own length.
    pub(super) fn len(self) -> usize {
        match self.payload {
            0..126 => 2,
            126..0x1_0000 => 4,
            _ => MAX_SERVER_HEADER,
        }
    }

    /// Writes it into `place`, which is as long as it is. With many small frames it counts that every part has a length
    /// that the compiler knows.
    #[expect(clippy::cast_possible_truncation, reason = "each arm has the lengths that fit")]
    pub(super) fn write(self, place: &mut [u8]) {
        place[0] = self.first;
        match self.payload {
            short @ 0..126 => place[1] = short as u8,
            medium @ 126..0x1_0000 => {
                place[1] = 126;
                place[2..4].copy_from_slice(&(medium as u16).to_be_bytes());
            }
            long => {
                place[1] = 127;
                place[2..10].copy_from_slice(&(long as u64).to_be_bytes());
            }
        }
    }
}

/// Puts a whole frame behind what is in `out`.
pub(crate) fn append(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8]) {
    append_part(out, true, opcode, payload);
}

/// Puts a frame behind what is in `out`, perhaps not the last of its message.
pub(super) fn append_part(out: &mut Vec<u8>, fin: bool, opcode: Opcode, payload: &[u8]) {
    let header = ServerHeader::new(fin, opcode, payload.len());
    let at = out.len();
    out.reserve_exact(header.len() + payload.len());
    out.resize(at + header.len(), 0);
    header.write(&mut out[at..]);
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_is_read_as_soon_as_it_is_complete() {
        let cases: [(&[u8], u64); 5] = [
            (&[0x82, 0x80, 1, 2, 3, 4], 0),
            (&[0x82, 0x80 | 125, 1, 2, 3, 4], 125),
            (&[0x82, 0x80 | 126, 0xff, 0xff, 1, 2, 3, 4], 65_535),
            // Longer than it needs to be, as the reference accepts it.
            (&[0x82, 0x80 | 126, 0, 3, 1, 2, 3, 4], 3),
            (&[0x82, 0x80 | 127, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4], 1 << 32),
        ];
        for (bytes, len) in cases {
            for cut in 0..bytes.len() {
                assert_eq!(Header::read(&bytes[..cut]), Ok(None));
            }
            let header = Header { fin: true, opcode: Opcode::Binary, len, mask: Mask::new([1, 2, 3, 4]) };
            assert_eq!(Header::read(bytes), Ok(Some((header, bytes.len()))));
            assert_eq!(Header::read(&[bytes, b"payload"].concat()), Ok(Some((header, bytes.len()))));
        }
    }

    #[test]
    fn what_no_client_may_send_is_noticed_at_once() {
        let reserved_bits = [0xc2, 0xa2, 0x92];
        let reserved_opcodes = [0x83, 0x84, 0x85, 0x86, 0x87, 0x8b, 0x8c, 0x8d, 0x8e, 0x8f];
        let fragmented_control = [0x08, 0x09, 0x0a];
        for first in reserved_bits.into_iter().chain(reserved_opcodes).chain(fragmented_control) {
            assert_eq!(Header::read(&[first]), Err(Fault::Violation), "{first:#x}");
        }
        let unmasked = [0x82, 0x05];
        let large_control = [0x89, 0x80 | 126];
        for two in [unmasked, large_control] {
            assert_eq!(Header::read(&two), Err(Fault::Violation), "{two:?}");
        }
        let most_significant_bit = [0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(Header::read(&most_significant_bit), Err(Fault::Violation));
    }

    #[test]
    fn our_headers_are_as_short_as_they_can_be() {
        let header = |fin, opcode, payload| {
            let header = ServerHeader::new(fin, opcode, payload);
            let mut bytes = vec![0; header.len()];
            header.write(&mut bytes);
            bytes
        };
        let cases: [(usize, &[u8]); 5] = [
            (0, &[0x81, 0]),
            (125, &[0x81, 125]),
            (126, &[0x81, 126, 0, 126]),
            (65_535, &[0x81, 126, 0xff, 0xff]),
            (65_536, &[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ];
        for (payload, bytes) in cases {
            assert_eq!(header(true, Opcode::Text, payload), bytes);
        }
        assert_eq!(header(false, Opcode::Continuation, 1), [0, 1]);
    }
}
