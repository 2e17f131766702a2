//! WebSocket frames as they lie on the wire (RFC 6455 §5.2), kept byte for byte: also those that no end should send.

use bytes::{Buf, BytesMut};

/// Longest payload of a frame that is held as a whole: more than any end of the network accepts.
pub(super) const MAX_PAYLOAD: u64 = 128 << 20;

/// The bits of a frame's first two bytes.
const FINAL: u8 = 0x80;
const MASKED: u8 = 0x80;

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    /// Flags, opcode, length and mask.
    head: Vec<u8>,
    /// Masked, if the head says so.
    payload: Vec<u8>,
}

/// A frame announces more than [`MAX_PAYLOAD`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// Bytes of a head, and the length of the payload that it announces; `None` while that is not there. The mask may be missing.
fn announced(bytes: &[u8]) -> Option<(usize, u64)> {
    let [_, second, rest @ ..] = bytes else { return None };
    let mask = if second & MASKED == 0 { 0 } else { 4 };
    let (len, payload) = match second & !MASKED {
        126 => (4, u64::from(u16::from_be_bytes(*rest.first_chunk()?))),
        127 => (10, u64::from_be_bytes(*rest.first_chunk()?)),
        short => (2, u64::from(short)),
    };
    Some((len + mask, payload))
}

impl Frame {
    /// Takes the first frame off a buffer; `None` while it has not arrived as a whole.
    pub(super) fn take(buffer: &mut BytesMut) -> Result<Option<Self>, TooLong> {
        let Some((head, payload)) = announced(buffer) else { return Ok(None) };
        let payload = usize::try_from(payload).ok().filter(|_| payload <= MAX_PAYLOAD).ok_or(TooLong)?;
        if buffer.len() < head + payload {
            return Ok(None);
        }
        let frame = Self { head: buffer[..head].to_vec(), payload: buffer[head..head + payload].to_vec() };
        buffer.advance(head + payload);
        Ok(Some(frame))
    }

    /// A frame as its sender would have made it: with a mask from a client, without from a server.
    pub(super) fn new(opcode: u8, fin: bool, content: &[u8], mask: Option<[u8; 4]>) -> Self {
        let mut frame = Self { head: vec![opcode | if fin { FINAL } else { 0 }], payload: Vec::new() };
        frame.set_content(content, mask);
        frame
    }

    /// Whether it ends a message.
    pub(super) fn is_final(&self) -> bool {
        self.first() & FINAL != 0
    }

    /// The reserved bits, 0 to 7.
    pub(super) fn reserved(&self) -> u8 {
        (self.first() >> 4) & 7
    }

    pub(super) fn opcode(&self) -> u8 {
        self.first() & 0x0f
    }

    fn first(&self) -> u8 {
        self.head.first().copied().unwrap_or_default()
    }

    pub(super) fn mask(&self) -> Option<[u8; 4]> {
        let masked = self.head.get(1).is_some_and(|second| second & MASKED != 0);
        if masked { self.head.last_chunk().copied() } else { None }
    }

    /// Bytes of the head.
    pub(super) fn head_len(&self) -> usize {
        self.head.len()
    }

    /// Bytes of the payload.
    pub(super) fn len(&self) -> usize {
        self.payload.len()
    }

    /// What the sender meant: without its mask.
    pub(super) fn content(&self) -> Vec<u8> {
        let mut content = self.payload.clone();
        apply(&mut content, self.mask());
        content
    }

    /// The same frame with other content. Of the same length, the head stays as it is.
    pub(super) fn with_content(mut self, content: &[u8]) -> Self {
        let mask = self.mask();
        if content.len() == self.payload.len() {
            self.payload = content.to_vec();
            apply(&mut self.payload, mask);
        } else {
            self.set_content(content, mask);
        }
        self
    }

    fn set_content(&mut self, content: &[u8], mask: Option<[u8; 4]>) {
        self.head.truncate(1);
        let masked = if mask.is_some() { MASKED } else { 0 };
        match (u8::try_from(content.len()), u16::try_from(content.len())) {
            (Ok(len @ 0..=125), _) => self.head.push(masked | len),
            (_, Ok(len)) => {
                self.head.push(masked | 126);
                self.head.extend(len.to_be_bytes());
            }
            _ => {
                self.head.push(masked | 127);
                self.head.extend((content.len() as u64).to_be_bytes());
            }
        }
        self.head.extend(mask.into_iter().flatten());
        self.payload = content.to_vec();
        apply(&mut self.payload, mask);
    }

    /// The bytes to write.
    pub(super) fn into_wire(mut self) -> Vec<u8> {
        self.head.append(&mut self.payload);
        self.head
    }
}

fn apply(payload: &mut [u8], mask: Option<[u8; 4]>) {
    let Some(mask) = mask else { return };
    let word = u32::from_ne_bytes(mask);
    let (words, rest) = payload.as_chunks_mut();
    for bytes in words {
        *bytes = (u32::from_ne_bytes(*bytes) ^ word).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A frame of a client whose length is written in more bytes than it needs, with a reserved bit.
    const ODD: [u8; 10] = [0xa2, 0xfe, 0, 2, 1, 2, 3, 4, b'h' ^ 1, b'i' ^ 2];

    #[test]
    fn a_frame_stays_as_it_came() {
        let mut buffer = BytesMut::from(&ODD[..]);
        let frame = Frame::take(&mut buffer).unwrap().unwrap();
        assert_eq!((frame.is_final(), frame.reserved(), frame.opcode()), (true, 2, 2));
        assert_eq!((frame.mask(), frame.content()), (Some([1, 2, 3, 4]), b"hi".to_vec()));
        let changed = frame.clone().with_content(b"ho").into_wire();
        assert_eq!(changed[..9], ODD[..9]);
        assert_eq!(frame.into_wire(), ODD);
    }

    #[test]
    fn what_is_incomplete_is_left_and_what_is_too_long_is_refused() {
        for len in 0..ODD.len() {
            let mut buffer = BytesMut::from(&ODD[..len]);
            assert_eq!(Frame::take(&mut buffer), Ok(None));
            assert_eq!(buffer.len(), len);
        }
        let mut head = vec![0x82, 127];
        head.extend((MAX_PAYLOAD + 1).to_be_bytes());
        // Nobody waits for the mask of such a frame.
        head[1] |= MASKED;
        assert_eq!(Frame::take(&mut BytesMut::from(&head[..])), Err(TooLong));
        assert_eq!(
            Frame::take(&mut BytesMut::from(&[0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255][..])),
            Err(TooLong)
        );
    }

    proptest! {
        #[test]
        fn any_bytes_come_out_again(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let mut buffer = BytesMut::from(&bytes[..]);
            let mut out = Vec::new();
            while let Ok(Some(frame)) = Frame::take(&mut buffer) {
                prop_assert_eq!(&frame.clone().with_content(&frame.content()), &frame);
                out.extend(frame.into_wire());
            }
            out.extend(&buffer);
            prop_assert_eq!(out, bytes);
        }

        #[test]
        fn what_is_made_is_read(len in prop_oneof![0..200usize, 65_500..65_600usize], mask: Option<[u8; 4]>, fin: bool) {
            let content: Vec<u8> = (0..=255).cycle().take(len).collect();
            let made = Frame::new(2, fin, &content, mask);
            let mut buffer = BytesMut::from(&made.clone().into_wire()[..]);
            let read = Frame::take(&mut buffer).unwrap().unwrap();
            prop_assert_eq!((read.content(), read.mask(), read.is_final()), (content, mask, fin));
            prop_assert_eq!(read, made);
        }
    }
}
