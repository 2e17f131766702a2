//! Frames as a client sends them, masked, and as they are read again, masked or not.

use std::io::{self, Read};

use crate::Outcome;

pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;

/// Any key will do for a measurement.
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// Appends a whole message in one frame.
pub(crate) fn append(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    out.push(0x80 | opcode);
    match payload.len() {
        len @ 0..126 => out.push(0x80 | u8::try_from(len).unwrap_or_default()),
        len @ 126..65536 => {
            out.push(0x80 | 126);
            out.extend(u16::try_from(len).unwrap_or_default().to_be_bytes());
        }
        len => {
            out.push(0x80 | 127);
            out.extend((len as u64).to_be_bytes());
        }
    }
    out.extend(KEY);
    out.extend(payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
}

/// Bytes of a frame with that payload, without a mask.
pub(crate) fn server_frame(payload: usize) -> usize {
    payload
        + match payload {
            0..126 => 2,
            126..65536 => 4,
            _ => 10,
        }
}

/// Reads messages, put together from their fragments, from a stream.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    buffer: Vec<u8>,
    at: usize,
}

impl Reader {
    /// The next message and its opcode. Control frames are skipped; a close is an error.
    pub(crate) fn message(&mut self, stream: &mut impl Read) -> Outcome<(u8, Vec<u8>)> {
        let mut message: Option<(u8, Vec<u8>)> = None;
        loop {
            let (first, payload) = self.frame(stream)?;
            let opcode = first & 0x0f;
            match (opcode, &mut message) {
                (8, _) => return Err(format!("closed: {}", String::from_utf8_lossy(&payload)).into()),
                (9 | 10, _) => continue,
                (0, Some((_, content))) => content.extend(payload),
                (TEXT | BINARY, None) => message = Some((opcode, payload)),
                _ => return Err(format!("opcode {opcode} out of turn").into()),
            }
            if first & 0x80 != 0
                && let Some(whole) = message.take()
            {
                return Ok(whole);
            }
        }
    }

    fn frame(&mut self, stream: &mut impl Read) -> Outcome<(u8, Vec<u8>)> {
        self.need(stream, 2)?;
        let (first, second) = (self.buffer[self.at], self.buffer[self.at + 1]);
        let (mask, short) = (second & 0x80 != 0, usize::from(second & 0x7f));
        let wide = match short {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let header = 2 + wide + if mask { 4 } else { 0 };
        self.need(stream, header)?;
        let field = &self.buffer[self.at + 2..self.at + 2 + wide];
        let len = if wide == 0 { short } else { field.iter().fold(0, |len, byte| len << 8 | usize::from(*byte)) };
        self.need(stream, header + len)?;
        let start = self.at + header;
        let mut payload = self.buffer[start..start + len].to_vec();
        if mask {
            let key = self.buffer[start - 4..start].to_vec();
            payload.iter_mut().zip(key.iter().cycle()).for_each(|(byte, key)| *byte ^= key);
        }
        self.at = start + len;
        Ok((first, payload))
    }

    /// Reads until so many bytes are here.
    fn need(&mut self, stream: &mut impl Read, bytes: usize) -> io::Result<()> {
        if self.at > 0 && self.at == self.buffer.len() {
            self.buffer.clear();
            self.at = 0;
        }
        while self.buffer.len() - self.at < bytes {
            if self.at > 1 << 20 {
                self.buffer.drain(..self.at);
                self.at = 0;
            }
            let filled = self.buffer.len();
            self.buffer.resize(filled + 64 * 1024, 0);
            let read = stream.read(&mut self.buffer[filled..]);
            self.buffer.truncate(filled + *read.as_ref().unwrap_or(&0));
            if read? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let mut bytes = Vec::new();
        let payloads = [0, 125, 126, 65_535, 65_536, 200_000].map(|len| vec![7; len]);
        for payload in &payloads {
            append(&mut bytes, BINARY, payload);
        }
        let (mut stream, mut reader) = (bytes.as_slice(), Reader::default());
        for payload in payloads {
            assert_eq!(reader.message(&mut stream).unwrap(), (BINARY, payload));
        }
        assert!(reader.at == reader.buffer.len() && stream.is_empty());
    }

    #[test]
    fn fragments_become_a_message() {
        let mut stream: &[u8] = &[0x01, 1, b'a', 0x89, 0, 0x80, 1, b'b'];
        assert_eq!(Reader::default().message(&mut stream).unwrap(), (TEXT, b"ab".to_vec()));
    }
}
