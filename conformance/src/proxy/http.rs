//! The upgrade request and its answer: passed on as they are, except for the host.

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt};

/// Most bytes of a head that are waited for.
const MAX_HEAD: usize = 16 << 10;
/// What ends a head.
const END: &[u8] = b"\r\n\r\n";

/// Reads up to the end of a head; says how many bytes it has. `None` if there is none in [`MAX_HEAD`] bytes or before the
/// stream ends: then it is not HTTP, and what came is in the buffer. Safe to cancel.
pub(super) async fn read_head(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
) -> std::io::Result<Option<usize>> {
    loop {
        if let Some(position) = buffer.windows(END.len()).position(|window| window == END) {
            return Ok(Some(position + END.len()));
        }
        if buffer.len() >= MAX_HEAD || stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}

/// The request for another host, and for another path if there is one.
pub(super) fn redirected(head: &[u8], authority: &str, path: Option<&str>) -> Vec<u8> {
    let mut out = Vec::with_capacity(head.len() + authority.len());
    let mut host_seen = false;
    for (number, line) in head.split_inclusive(|byte| *byte == b'\n').enumerate() {
        match path {
            Some(path) if number == 0 => out.extend(with_path(line, path)),
            _ if !host_seen && is_host(line) => {
                host_seen = true;
                out.extend(&line[..5]);
                out.extend(format!(" {authority}\r\n").bytes());
            }
            _ => out.extend(line),
        }
    }
    out
}

fn is_host(line: &[u8]) -> bool {
    line.get(..5).is_some_and(|name| name.eq_ignore_ascii_case(b"host:"))
}

/// A request line with another path; as it is if it is none.
fn with_path(line: &[u8], path: &str) -> Vec<u8> {
    let mut words = line.splitn(3, |byte| *byte == b' ');
    match (words.next(), words.next(), words.next()) {
        (Some(method), Some(_), Some(version)) => [method, path.as_bytes(), version].join(&b' '),
        _ => line.to_vec(),
    }
}

/// The path that a request asks for, for people. Not escaped.
pub(super) fn path(head: &[u8]) -> String {
    let path = head.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    String::from_utf8_lossy(&path[..path.len().min(200)]).into_owned()
}

/// The status of a response; 0 if it has none.
pub(super) fn status(head: &[u8]) -> u16 {
    let digits = head.split(|byte| *byte == b' ').nth(1).and_then(|word| word.get(..3));
    digits.and_then(|digits| str::from_utf8(digits).ok()).and_then(|digits| digits.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] = b"GET /a HTTP/1.1\r\nX: 1\r\nhost: here:1\r\nHost: twice\r\n\r\n";

    #[test]
    fn only_the_host_changes() {
        assert_eq!(
            redirected(HEAD, "there:2", None),
            b"GET /a HTTP/1.1\r\nX: 1\r\nhost: there:2\r\nHost: twice\r\n\r\n"
        );
        assert!(redirected(HEAD, "there:2", Some("/b?c")).starts_with(b"GET /b?c HTTP/1.1\r\n"));
        assert_eq!(redirected(b"\xff\r\n\r\n", "h", Some("/b")), b"\xff\r\n\r\n");
        assert_eq!((path(HEAD), path(b"x")), ("/a".to_owned(), String::new()));
    }

    #[test]
    fn a_status_is_three_digits() {
        assert_eq!(status(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"), 101);
        for wrong in [&b"HTTP/1.1"[..], b"", b"HTTP/1.1 1\xff1 x"] {
            assert_eq!(status(wrong), 0);
        }
    }

    #[tokio::test]
    async fn a_head_ends_with_an_empty_line_or_not_at_all() {
        let mut buffer = BytesMut::new();
        let bytes = [HEAD, b"rest"].concat();
        assert_eq!(read_head(&mut &bytes[..], &mut buffer).await.unwrap(), Some(HEAD.len()));
        assert_eq!(buffer, bytes);
        assert_eq!(read_head(&mut &b"GET /"[..], &mut BytesMut::new()).await.unwrap(), None);
        let endless = vec![b'x'; 3 * MAX_HEAD];
        let mut buffer = BytesMut::new();
        assert_eq!(read_head(&mut &endless[..], &mut buffer).await.unwrap(), None);
        assert!(buffer.len() < 3 * MAX_HEAD);
    }
}
