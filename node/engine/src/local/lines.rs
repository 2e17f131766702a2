//! Lines of a bounded length from a process.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// Reads lines. A read that is given up loses nothing.
#[derive(Debug)]
pub(super) struct Lines<R> {
    input: BufReader<R>,
    line: Vec<u8>,
    limit: usize,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// Lines of at most `limit` bytes without their end.
    pub(super) fn new(input: R, limit: usize) -> Self {
        Self { input: BufReader::new(input), line: Vec::new(), limit }
    }

    /// The next line without its end; none at the end of the input.
    ///
    /// # Errors
    ///
    /// `InvalidData` for a line that is too long or has no end, and what reading gives.
    pub(super) async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            let available = self.input.fill_buf().await?;
            if available.is_empty() {
                return if self.line.is_empty() { Ok(None) } else { Err(invalid("a line has no end")) };
            }
            let end = available.iter().position(|byte| *byte == b'\n');
            let taken = &available[..end.unwrap_or(available.len())];
            if self.line.len() + taken.len() > self.limit {
                return Err(invalid("a line is too long"));
            }
            self.line.extend_from_slice(taken);
            let consumed = taken.len() + usize::from(end.is_some());
            self.input.consume(consumed);
            if end.is_some() {
                return Ok(Some(std::mem::take(&mut self.line)));
            }
        }
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    #[tokio::test]
    async fn lines_come_whole_and_bounded() {
        let mut lines = Lines::new(&b"abcd\n\nab"[..], 4);
        assert_eq!(lines.next().await.unwrap().unwrap(), b"abcd");
        assert_eq!(lines.next().await.unwrap().unwrap(), b"");
        assert!(lines.next().await.is_err(), "no end");
        assert!(Lines::new(&b"abcde\n"[..], 4).next().await.is_err(), "too long");
        assert!(Lines::new(&b""[..], 4).next().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_read_that_is_given_up_loses_nothing() {
        let (mut writer, reader) = tokio::io::duplex(64);
        let mut lines = Lines::new(reader, 64);
        writer.write_all(b"ab").await.unwrap();
        tokio::select! {
            biased;
            line = lines.next() => panic!("there is no line yet: {line:?}"),
            () = std::future::ready(()) => {}
        }
        writer.write_all(b"cd\n").await.unwrap();
        assert_eq!(lines.next().await.unwrap().unwrap(), b"abcd");
    }
}
