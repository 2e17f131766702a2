//! The relay's frames, cut out of its bytes: what one sees who listens on the wire.

/// Opcodes of RFC 6455 §5.2.
pub(super) const TEXT: u8 = 1;
pub(super) const CLOSE: u8 = 8;

/// Cuts bytes into frames.
#[derive(Debug, Default)]
pub(super) struct Cutter {
    /// The answer to the upgrade is over.
    upgraded: bool,
    rest: Vec<u8>,
}

/// One frame as it was sent, or the answer to the upgrade.
#[derive(Debug)]
pub(super) struct Cut {
    pub(super) bytes: Vec<u8>,
    /// None for the answer to the upgrade.
    pub(super) opcode: Option<u8>,
    header: usize,
}

impl Cut {
    pub(super) fn payload(&self) -> &[u8] {
        &self.bytes[self.header..]
    }
}

impl Cutter {
    /// Takes more bytes. Gives what is whole.
    pub(super) fn feed(&mut self, bytes: Vec<u8>) -> Vec<Cut> {
        if self.rest.is_empty() {
            self.rest = bytes;
        } else {
            self.rest.extend_from_slice(&bytes);
        }
        let mut cuts = Vec::new();
        while let Some((len, header, opcode)) = self.next() {
            let rest = self.rest.split_off(len);
            let bytes = std::mem::replace(&mut self.rest, rest);
            cuts.push(Cut { bytes, opcode, header });
        }
        cuts
    }

    /// Everything that is left, when nobody wants frames any more.
    pub(super) fn into_rest(self) -> Vec<u8> {
        self.rest
    }

    /// Lengths of the next whole thing and of its header.
    fn next(&mut self) -> Option<(usize, usize, Option<u8>)> {
        if !self.upgraded {
            let end = self.rest.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
            self.upgraded = true;
            return Some((end, 0, None));
        }
        let (header, payload) = match self.rest.get(1)? {
            126 => (4, usize::from(u16::from_be_bytes(self.rest.get(2..4)?.try_into().ok()?))),
            127 => {
                let len = u64::from_be_bytes(self.rest.get(2..10)?.try_into().ok()?);
                (10, usize::try_from(len).ok()?)
            }
            short => (2, usize::from(*short)),
        };
        (self.rest.len() >= header + payload).then(|| (header + payload, header, Some(self.rest[0] & 0x0f)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_cut_wherever_the_bytes_are() {
        let long = vec![7; 70_000];
        let mut bytes = b"HTTP/1.1 101 x\r\n\r\n\x81\x02hi\x82\x7e\x00\x80".to_vec();
        bytes.extend([1; 128]);
        bytes.extend([0x82, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70]);
        bytes.extend(&long);
        for step in [1, 7, 1000, bytes.len()] {
            let mut cutter = Cutter::default();
            let cuts: Vec<Cut> = bytes.chunks(step).flat_map(|chunk| cutter.feed(chunk.to_vec())).collect();
            let payloads: Vec<&[u8]> = cuts.iter().map(Cut::payload).collect();
            assert_eq!(payloads[1..], [b"hi".as_slice(), &[1; 128], &long]);
            assert_eq!(cuts[0].opcode, None);
            assert!(cutter.into_rest().is_empty());
        }
    }
}
