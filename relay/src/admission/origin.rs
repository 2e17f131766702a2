//! Origins of web pages (RFC 6454), as browsers send them and operators write them. Pure.

/// Whether a request may come that has these `Origin` fields. Clients that are no browsers send none.
pub(crate) fn is_allowed<'a>(allowed: &[String], mut sent: impl Iterator<Item = &'a [u8]>) -> bool {
    let is_in_list = |origin: &[u8]| {
        let origin = std::str::from_utf8(origin).ok().and_then(|text| Origin::parse(text.trim()));
        origin.is_some_and(|origin| allowed.iter().any(|entry| Origin::parse(entry).as_ref() == Some(&origin)))
    };
    allowed.is_empty() || sent.all(is_in_list)
}

/// Whether a list may have this entry.
pub(crate) fn is_origin(text: &str) -> bool {
    Origin::parse(text).is_some()
}

/// Scheme, host and port, or that a page has none of its own.
#[derive(Debug, PartialEq, Eq)]
enum Origin {
    /// `null`
    Opaque,
    /// `https://example.org:8443`
    Tuple { scheme: String, host: String, port: Option<u16> },
}

impl Origin {
    fn parse(text: &str) -> Option<Self> {
        if text == "null" {
            return Some(Self::Opaque);
        }
        let (scheme, authority) = text.split_once("://")?;
        let is_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        if !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) || !scheme.chars().all(is_scheme) {
            return None;
        }
        let scheme = scheme.to_ascii_lowercase();
        // A colon within brackets belongs to an address.
        let (host, port) = match authority.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')) {
            Some((host, port)) => (host, Some(number(port)?)),
            None => (authority, None),
        };
        let is_host = |c: char| c.is_ascii_alphanumeric() || "-._~[]:%".contains(c);
        if host.is_empty() || !host.chars().all(is_host) || (host.contains(':') && !host.starts_with('[')) {
            return None;
        }
        let port = port.or(match scheme.as_str() {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        });
        Some(Self::Tuple { scheme, host: host.to_ascii_lowercase(), port })
    }
}

/// A port: digits alone.
fn number(text: &str) -> Option<u16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(allowed: &[&str], sent: &[&str]) -> bool {
        let allowed: Vec<_> = allowed.iter().map(|text| (*text).to_owned()).collect();
        is_allowed(&allowed, sent.iter().map(|text| text.as_bytes()))
    }

    #[test]
    fn scheme_host_and_port_count() {
        let list = ["https://Example.org", "http://[2001:db8::1]:8080", "app://x"];
        for sent in ["https://example.org", "HTTPS://EXAMPLE.ORG:443", "http://[2001:DB8::1]:8080", "app://x"] {
            assert!(allows(&list, &[sent]), "{sent}");
        }
        for sent in [
            "http://example.org",
            "https://example.org:8443",
            "https://example.org.evil",
            "https://www.example.org",
            "https://example.org/",
            "https://example.org:+443",
            "https://user@example.org",
            "http://[2001:db8::1]",
            "app://x:80",
            "null",
            "",
        ] {
            assert!(!allows(&list, &[sent]), "{sent}");
        }
    }

    #[test]
    fn without_a_list_or_without_an_origin_all_pass() {
        assert!(allows(&[], &["https://elsewhere"]) && allows(&["https://example.org"], &[]));
    }

    #[test]
    fn every_one_of_several_has_to_be_allowed() {
        assert!(allows(&["null", "a://b"], &["null", "a://b"]) && !allows(&["a://b"], &["a://b", "null"]));
        assert!(!is_allowed(&["a://b".to_owned()], [&b"a://b\xff"[..]].into_iter()));
    }

    #[test]
    fn what_no_browser_sends_is_no_entry() {
        assert!(is_origin("https://example.org") && is_origin("null"));
        for text in
            ["example.org", "*", "https://", "https://*.example.org", "https://example.org/", "https://:80", "://a"]
        {
            assert!(!is_origin(text), "{text}");
        }
    }
}
