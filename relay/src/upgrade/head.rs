//! The head of an upgrade request, and the answers to it. Pure.

use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::registry::{Limit, Scope};
use crate::session::Cause;

/// More header fields than any client sends.
const MAX_FIELDS: usize = 64;

/// A request that can be accepted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Upgrade {
    accept: String,
    /// The first subprotocol that the client offers.
    protocol: Option<String>,
}

impl Upgrade {
    /// The answer. It never names an extension.
    pub(super) fn response(&self) -> String {
        let mut text = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\n",
            self.accept
        );
        if let Some(protocol) = &self.protocol {
            text.push_str("Sec-WebSocket-Protocol: ");
            text.push_str(protocol);
            text.push_str("\r\n");
        }
        text.push_str("\r\n");
        text
    }
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// No HTTP/1.x request.
    Malformed,
    /// The head is too long, or has too many fields.
    TooLarge,
    /// The client took too long.
    TimedOut,
    /// There is no room, or the relay is about to stop.
    Unavailable,
    /// The address of the client, or the page that it is, is not wanted here.
    Forbidden,
    /// There is no room for more from the address of the client (RFC 6585 §4).
    TooMany,
    /// An ordinary request.
    NoUpgrade,
    /// An upgrade with another method than GET.
    Method,
    /// An upgrade to something else.
    NotWebSocket,
    /// `Sec-WebSocket-Key` is missing or not 16 bytes in base64.
    Key,
    /// Another version than 13.
    Version,
    /// The offered subprotocol is not a token.
    Protocol,
}

impl Rejection {
    /// Why a connection is refused that has met `limit`.
    pub(crate) fn for_limit(limit: Limit) -> Self {
        if limit.scope() == Scope::Ip { Self::TooMany } else { Self::Unavailable }
    }

    /// Why a connection ends that is refused for this.
    pub(crate) fn cause(self) -> Cause {
        match self {
            Self::Forbidden => Cause::Denied,
            Self::TooMany | Self::Unavailable => Cause::Limit,
            Self::TimedOut => Cause::Timeout,
            _ => Cause::Violation,
        }
    }

    pub(super) fn status(self) -> u16 {
        match self {
            Self::Malformed | Self::NotWebSocket | Self::Key | Self::Version | Self::Protocol => 400,
            Self::Forbidden => 403,
            Self::Method => 405,
            Self::TimedOut => 408,
            Self::NoUpgrade => 426,
            Self::TooMany => 429,
            Self::TooLarge => 431,
            Self::Unavailable => 503,
        }
    }

    /// The whole answer.
    pub(crate) fn response(self) -> String {
        let (reason, body, fields) = match self {
            Self::Malformed => ("Bad Request", "Bad Request", ""),
            Self::TooLarge => ("Request Header Fields Too Large", "Request Header Fields Too Large", ""),
            Self::TimedOut => ("Request Timeout", "Request Timeout", ""),
            Self::Unavailable => ("Service Unavailable", "Service Unavailable", "Retry-After: 10\r\n"),
            Self::Forbidden => ("Forbidden", "Forbidden", ""),
            Self::TooMany => ("Too Many Requests", "Too Many Requests", "Retry-After: 10\r\n"),
            Self::NoUpgrade => ("Upgrade Required", "Upgrade Required", "Upgrade: websocket\r\n"),
            Self::Method => ("Method Not Allowed", "Invalid HTTP method", "Allow: GET\r\n"),
            Self::NotWebSocket => ("Bad Request", "Invalid Upgrade header", ""),
            Self::Key => ("Bad Request", "Missing or invalid Sec-WebSocket-Key header", ""),
            Self::Version => {
                ("Bad Request", "Missing or invalid Sec-WebSocket-Version header", "Sec-WebSocket-Version: 13\r\n")
            }
            Self::Protocol => ("Bad Request", "Invalid Sec-WebSocket-Protocol header", ""),
        };
        // RFC 9110 §7.8: a server that sends 426 names the protocol, and `Upgrade` is a field of this connection.
        let connection = if self == Self::NoUpgrade { "Upgrade, close" } else { "close" };
        format!(
            "HTTP/1.1 {} {reason}\r\nConnection: {connection}\r\n{fields}Content-Type: text/plain\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.status(),
            body.len(),
        )
    }
}

/// Reads a complete head. `gate` is asked before anything is made of it whether it may come in.
pub(super) fn parse(
    head: &[u8],
    gate: impl FnOnce(&Fields<'_>) -> Result<(), Rejection>,
) -> Result<Upgrade, Rejection> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    match request.parse(head) {
        Ok(httparse::Status::Complete(_)) => {}
        Err(httparse::Error::TooManyHeaders) => return Err(Rejection::TooLarge),
        Ok(httparse::Status::Partial) | Err(_) => return Err(Rejection::Malformed),
    }
    let fields = Fields(request.headers);
    gate(&fields)?;
    if request.version != Some(1) || !fields.has_token("Connection", "upgrade") || fields.get("Upgrade").is_none() {
        return Err(Rejection::NoUpgrade);
    }
    if request.method != Some("GET") {
        return Err(Rejection::Method);
    }
    if !fields.has_token("Upgrade", "websocket") {
        return Err(Rejection::NotWebSocket);
    }
    // It must not be there twice (RFC 6455 §11.3.1).
    let single = fields.bytes("Sec-WebSocket-Key").count() == 1;
    let key = fields.get("Sec-WebSocket-Key").filter(|key| single && is_key(key)).ok_or(Rejection::Key)?;
    if fields.get("Sec-WebSocket-Version") != Some("13") {
        return Err(Rejection::Version);
    }
    let protocol = match fields.get("Sec-WebSocket-Protocol").map(|offer| offer.split(',').next().unwrap_or("").trim())
    {
        Some(first) if !is_token(first) => return Err(Rejection::Protocol),
        first => first.map(str::to_owned),
    };
    Ok(Upgrade { accept: derive_accept_key(key.as_bytes()), protocol })
}

/// The fields of a head.
pub(crate) struct Fields<'a>(&'a [httparse::Header<'a>]);

impl Fields<'_> {
    /// The first field of that name, if it is text.
    fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    fn has_token(&self, name: &str, token: &str) -> bool {
        self.all(name).flat_map(|value| value.split(',')).any(|part| part.trim().eq_ignore_ascii_case(token))
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.bytes(name).filter_map(|value| std::str::from_utf8(value).ok()).map(str::trim)
    }

    /// The values of all fields of that name, whatever they are.
    pub(crate) fn bytes(&self, name: &str) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.0.iter().filter(move |field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value)
    }
}

/// 16 bytes in base64: 22 digits and two signs of padding.
fn is_key(text: &str) -> bool {
    text.len() == 24
        && text.strip_suffix("==").is_some_and(|digits| {
            digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/')
        })
}

/// A token of RFC 9110 §5.6.2, which cannot break out of a header field.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A good request with one line replaced, or left out if the replacement is empty.
    fn with(name: &str, line: &str) -> String {
        let lines = [
            "GET / HTTP/1.1",
            "Host: h",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
        ];
        let mut text: String = lines
            .into_iter()
            .map(|original| if original.starts_with(name) { line } else { original })
            .filter(|line| !line.is_empty())
            .map(|line| format!("{line}\r\n"))
            .collect();
        text.push_str("\r\n");
        text
    }

    fn open(_: &Fields<'_>) -> Result<(), Rejection> {
        Ok(())
    }

    #[test]
    fn the_gate_comes_first_and_sees_every_field() {
        let request = with("Upgrade", "X: 1\r\nx: 2");
        let gate = |fields: &Fields<'_>| {
            assert_eq!(fields.bytes("X").collect::<Vec<_>>(), [b"1", b"2"]);
            Err(Rejection::Forbidden)
        };
        assert_eq!(parse(request.as_bytes(), gate), Err(Rejection::Forbidden));
        assert_eq!(parse(request.as_bytes(), open), Err(Rejection::NoUpgrade));
    }

    #[test]
    fn every_defect_has_its_answer() {
        let cases = [
            ("GET", "HELLO", Rejection::Malformed),
            ("GET", "POST / HTTP/1.1", Rejection::Method),
            ("GET", "GET / HTTP/1.0", Rejection::NoUpgrade),
            ("Connection", "", Rejection::NoUpgrade),
            ("Connection", "Connection: close", Rejection::NoUpgrade),
            ("Upgrade", "", Rejection::NoUpgrade),
            ("Upgrade", "Upgrade: h2c", Rejection::NotWebSocket),
            ("Sec-WebSocket-Key", "", Rejection::Key),
            ("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=", Rejection::Key),
            ("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ===", Rejection::Key),
            ("Host", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", Rejection::Key),
            ("Sec-WebSocket-Version", "", Rejection::Version),
            ("Sec-WebSocket-Version", "Sec-WebSocket-Version: 12", Rejection::Version),
            ("Host", "Sec-WebSocket-Protocol: ", Rejection::Protocol),
            ("Host", "Sec-WebSocket-Protocol: a b", Rejection::Protocol),
        ];
        for (name, line, rejection) in cases {
            assert_eq!(parse(with(name, line).as_bytes(), open), Err(rejection), "{line:?} for {name}");
        }
        let many = format!("Host: h{}", "\r\nx: y".repeat(MAX_FIELDS));
        assert_eq!(parse(with("Host", &many).as_bytes(), open), Err(Rejection::TooLarge));
    }

    #[test]
    fn the_first_subprotocol_is_echoed() {
        let upgrade = parse(with("Host", "Sec-WebSocket-Protocol: foo, bar").as_bytes(), open).unwrap();
        assert!(upgrade.response().ends_with("=\r\nSec-WebSocket-Protocol: foo\r\n\r\n"));
    }

    #[test]
    fn the_version_that_is_spoken_is_named() {
        let response = Rejection::Version.response();
        assert!(response.starts_with("HTTP/1.1 400 Bad Request\r\n"));
        assert!(response.contains("\r\nSec-WebSocket-Version: 13\r\n"));
    }

    #[test]
    fn every_answer_has_the_length_that_it_names() {
        for rejection in [Rejection::Malformed, Rejection::NoUpgrade, Rejection::Unavailable, Rejection::TimedOut] {
            let response = rejection.response();
            let (head, body) = response.split_once("\r\n\r\n").unwrap();
            assert!(head.contains(&format!("Content-Length: {}", body.len())), "{response}");
        }
    }
}
