//! Where the hook is asked. Pure. It may hold a password or a token: nothing but [`HookUrl::place`] is ever shown.

use std::fmt;

use hyper::Uri;
use hyper::http::uri::Scheme;

/// A URL that the hook can be asked at.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct HookUrl {
    /// Whether TLS is spoken.
    pub(super) tls: bool,
    /// A name or an address, without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// What the field `Host` says.
    pub(super) authority: String,
    /// Path and query.
    pub(super) target: String,
    /// What the field `Authorization` says.
    pub(super) authorization: Option<String>,
}

impl HookUrl {
    /// Reads `http://…` or `https://…`, with `user:password@` or without.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        let tls = match uri.scheme()? {
            scheme if *scheme == Scheme::HTTP => false,
            scheme if *scheme == Scheme::HTTPS => true,
            _ => return None,
        };
        let authority = uri.authority()?;
        let (user, authority) = match authority.as_str().rsplit_once('@') {
            Some((user, authority)) => (Some(user), authority),
            None => (None, authority.as_str()),
        };
        let host = uri.host().filter(|host| !host.is_empty())?.trim_start_matches('[').trim_end_matches(']').to_owned();
        // What stands behind a colon is a port or an error, and so is nothing.
        let port = match authority.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')) {
            Some((_, port)) => port.parse().ok().filter(|port| *port > 0)?,
            None if tls => 443,
            None => 80,
        };
        let authorization = match user {
            Some(user) => Some(format!("Basic {}", base64(&decoded(user)?))),
            None => None,
        };
        let target = uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
        Some(Self { tls, host, port, authority: authority.to_owned(), target, authorization })
    }

    /// Scheme, host and port: what may be shown.
    pub(crate) fn place(&self) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, self.authority)
    }

    /// Whether TLS is spoken.
    pub(crate) fn needs_tls(&self) -> bool {
        self.tls
    }
}

impl fmt::Debug for HookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HookUrl").field(&self.place()).finish()
    }
}

/// Undoes `%40` and its like (RFC 3986 §2.1).
fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => hex_digit(bytes.next()?)? * 16 + hex_digit(bytes.next()?)?,
            byte => byte,
        });
    }
    Some(out)
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// RFC 4648 §4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, place| bits << 8 | usize::from(group.get(place).copied().unwrap_or(0)));
        for place in 0..4 {
            let is_there = place <= group.len();
            text.push(if is_there { char::from(DIGITS[bits >> (18 - 6 * place) & 63]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        let url = HookUrl::parse("http://who:p%40ss@hook.example:8080/ask?token=t").unwrap();
        assert_eq!((url.tls, url.host.as_str(), url.port), (false, "hook.example", 8080));
        assert_eq!((url.authority.as_str(), url.target.as_str()), ("hook.example:8080", "/ask?token=t"));
        assert_eq!(url.authorization.as_deref(), Some("Basic d2hvOnBAc3M="));
        let url = HookUrl::parse("https://[::1]").unwrap();
        assert_eq!((url.tls, url.host.as_str(), url.port, url.target.as_str()), (true, "::1", 443, "/"));
        assert_eq!(url.authorization, None);
    }

    #[test]
    fn what_is_shown_is_no_secret() {
        let url = HookUrl::parse("http://who:secret@hook.example:8080/secret?token=secret").unwrap();
        assert_eq!(url.place(), "http://hook.example:8080");
        assert!(!format!("{url:?}").contains("secret"));
    }

    #[test]
    fn everything_else_is_no_url() {
        for text in [
            "",
            "hook.example",
            "/ask",
            "ftp://h/",
            "http://",
            "http://h:99999/",
            "http://h:/",
            "http://h:0/",
            "http://a%4@h/",
            "http://h/\r\nX: y",
        ] {
            assert_eq!(HookUrl::parse(text), None, "{text}");
        }
    }

    #[test]
    fn base64_is_that_of_rfc_4648() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}
