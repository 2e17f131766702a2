//! A plain HTTP exchange over TCP, for what comes before a WebSocket.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Address;
use crate::scenario::HttpCheck;

/// Most bytes of a response that are read.
const MAX_RESPONSE: u64 = 16 << 10;

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Response {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

/// Sends a request and reads the response; the error is for people.
pub(super) async fn exchange(address: &Address, head: &[String], patience: Duration) -> Result<Response, String> {
    let request = head.join("\r\n") + "\r\n\r\n";
    let mut bytes = Vec::new();
    let conversation = async {
        let mut tcp = TcpStream::connect((address.host.as_str(), address.port)).await?;
        tcp.write_all(request.as_bytes()).await?;
        let mut tcp = tcp.take(MAX_RESPONSE);
        while !is_complete(&bytes) && tcp.read_buf(&mut bytes).await? > 0 {}
        Ok::<_, std::io::Error>(())
    };
    match tokio::time::timeout(patience, conversation).await {
        Ok(Err(error)) => return Err(error.to_string()),
        Ok(Ok(())) => {}
        // Whatever came is looked at.
        Err(_) if bytes.is_empty() => return Err("nothing".to_owned()),
        Err(_) => {}
    }
    parse(&bytes).ok_or_else(|| format!("not HTTP: {}", String::from_utf8_lossy(&bytes)))
}

/// Whether the head is there, and as much of a body as it announces.
fn is_complete(bytes: &[u8]) -> bool {
    parse(bytes).is_some_and(|response| {
        let announced = response.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        response.body.len() >= announced
    })
}

fn parse(bytes: &[u8]) -> Option<Response> {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    Some(Response { status, headers, body: body.to_owned() })
}

impl Response {
    fn header(&self, name: &str) -> Option<&str> {
        let name = name.to_ascii_lowercase();
        self.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// What was due and what came instead, if the check fails.
    pub(super) fn differs(&self, check: &HttpCheck) -> Option<(String, String)> {
        let (expected, got) = match check {
            HttpCheck::Status(status) => (format!("status {status}"), format!("status {}", self.status)),
            HttpCheck::Header(name, value) => {
                (format!("{name}: {value}"), format!("{name}: {}", self.header(name).unwrap_or("(absent)")))
            }
            HttpCheck::NoHeader(name) => {
                (format!("{name}: (absent)"), format!("{name}: {}", self.header(name).unwrap_or("(absent)")))
            }
            HttpCheck::Body(body) => (format!("body {body}"), format!("body {}", self.body)),
        };
        (expected != got).then_some((expected, got))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESPONSE: &[u8] = b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 5\r\nX-A:  b \r\n\r\nhello";

    #[test]
    fn a_response_is_complete_with_its_body() {
        assert!(is_complete(RESPONSE));
        assert!(!is_complete(&RESPONSE[..RESPONSE.len() - 1]));
        assert!(is_complete(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"));
        assert!(!is_complete(b"HTTP/1.1 101 Switching Protocols\r\n"));
    }

    #[test]
    fn every_check_can_fail() {
        let response = parse(RESPONSE).unwrap();
        let header = |name: &str, value: &str| HttpCheck::Header(name.to_owned(), value.to_owned());
        for check in [HttpCheck::Status(426), header("x-a", "b"), HttpCheck::NoHeader("x-b".to_owned())] {
            assert_eq!(response.differs(&check), None);
        }
        for check in [
            HttpCheck::Status(200),
            header("X-A", "c"),
            header("x-c", "b"),
            HttpCheck::NoHeader("X-A".to_owned()),
            HttpCheck::Body("hell".to_owned()),
        ] {
            assert!(response.differs(&check).is_some(), "{check:?}");
        }
    }
}
