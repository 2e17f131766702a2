//! Where a request comes from, as proxies write it: `Forwarded` (RFC 7239) and `X-Forwarded-For`. Pure.
//!
//! Each proxy adds to the end what it has seen itself, so the fields are read from there: trusted proxies are passed over,
//! and the first address that is none of them is the client's. Everything before that the client may have invented.
//!
//! A list is cut at its last comma, wherever that stands. An address has none, and a client that opens a quotation and
//! never ends it would otherwise make what the proxy adds a part of it.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// Why the fields do not say where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FieldsError {
    /// They disagree. The proxy writes one of them, and the other comes from the client, who hopes that it is believed.
    #[error("Forwarded and X-Forwarded-For disagree")]
    Contradiction,
    /// What a trusted proxy has written is nothing that it should write. Perhaps the client has had a hand in it: for the
    /// proxy itself it must not be taken, which may be on no list and under no limit.
    #[error("the address in Forwarded or X-Forwarded-For cannot be understood")]
    Unreadable,
}

/// Where a request comes from that the trusted proxy at `proxy` has passed on. If it does not say, that is the proxy.
///
/// # Errors
///
/// [`FieldsError`]
pub(crate) fn client<'a>(
    proxy: IpAddr,
    forwarded: impl DoubleEndedIterator<Item = &'a [u8]>,
    x_forwarded_for: impl DoubleEndedIterator<Item = &'a [u8]>,
    is_trusted: impl Fn(IpAddr) -> bool,
) -> Result<IpAddr, FieldsError> {
    let forwarded = walk(proxy, forwarded, for_parameter, &is_trusted)?;
    let x_forwarded_for = walk(proxy, x_forwarded_for, |node| Some(Some(node)), &is_trusted)?;
    match (forwarded, x_forwarded_for) {
        (Some(one), Some(other)) if one != other => Err(FieldsError::Contradiction),
        (one, other) => Ok(one.or(other).unwrap_or(proxy)),
    }
}

/// Passes from one trusted proxy to the one before it, as far as they say. `None` if there is nothing at all.
fn walk<'a>(
    proxy: IpAddr,
    lines: impl DoubleEndedIterator<Item = &'a [u8]>,
    node: impl Fn(&'a str) -> Option<Option<&'a str>>,
    is_trusted: &impl Fn(IpAddr) -> bool,
) -> Result<Option<IpAddr>, FieldsError> {
    let mut nearest = None;
    // Several fields of one name are one list (RFC 9110 §5.3), and a list may have empty places (§5.6.1).
    let elements = lines.rev().flat_map(|line| line.rsplit(|byte| *byte == b','));
    for element in elements.map(<[u8]>::trim_ascii).filter(|element| !element.is_empty()) {
        let node = std::str::from_utf8(element).ok().and_then(&node).ok_or(FieldsError::Unreadable)?;
        let Some(node) = node.filter(|node| !is_hidden(node)) else {
            return Ok(Some(nearest.unwrap_or(proxy)));
        };
        let address = address(node).ok_or(FieldsError::Unreadable)?;
        nearest = Some(address);
        if !is_trusted(address) {
            break;
        }
    }
    Ok(nearest)
}

/// What `for` says in one element of `Forwarded`, if it is there. All of the element has to make sense, and `for` may stand
/// there once; else this is `None`.
fn for_parameter(element: &str) -> Option<Option<&str>> {
    let mut node = None;
    for pair in element.split(';').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=')?;
        let value = match value.strip_prefix('"') {
            Some(quoted) => quoted.strip_suffix('"').filter(|text| !text.contains(['"', '\\']))?,
            None if value.contains('"') => return None,
            None => value,
        };
        if name.eq_ignore_ascii_case("for") && node.replace(value).is_some() {
            return None;
        }
    }
    Some(node)
}

/// `unknown` or a name of the proxy's own choice, which begins with `_` (RFC 7239 §6): it does not want to say.
fn is_hidden(node: &str) -> bool {
    let name = node.split_once(':').map_or(node, |(name, _port)| name);
    name.starts_with('_') || name.eq_ignore_ascii_case("unknown")
}

/// An address, with a port or without. IPv6 in brackets, as RFC 7239 §6 wants it, or bare, as many write it.
fn address(node: &str) -> Option<IpAddr> {
    let bracketed = || node.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::from);
    let with_port = || node.parse::<SocketAddr>().ok().map(|address| address.ip());
    node.parse().ok().or_else(bracketed).or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROXY: &str = "10.0.0.1";

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// 10.0.0.0/8 is trusted.
    fn find(forwarded: &[&str], x_forwarded_for: &[&str]) -> Result<String, FieldsError> {
        let is_trusted = |address: IpAddr| matches!(address, IpAddr::V4(v4) if v4.octets()[0] == 10);
        let forwarded = forwarded.iter().map(|line| line.as_bytes());
        client(ip(PROXY), forwarded, x_forwarded_for.iter().map(|line| line.as_bytes()), is_trusted)
            .map(|address| address.to_string())
    }

    #[test]
    fn the_last_that_is_not_trusted_is_the_client() {
        let cases: [(&[&str], &str); 12] = [
            (&["192.0.2.1"], "192.0.2.1"),
            (&["203.0.113.9, 192.0.2.1"], "192.0.2.1"),
            (&["203.0.113.9", "192.0.2.1, 10.0.0.3", "10.0.0.2"], "192.0.2.1"),
            (&["junk, 192.0.2.1"], "192.0.2.1"),
            (&["192.0.2.1,, "], "192.0.2.1"),
            (&["192.0.2.1:4711"], "192.0.2.1"),
            (&["2001:db8::1"], "2001:db8::1"),
            (&["[2001:db8::1]"], "2001:db8::1"),
            (&["[2001:db8::1]:4711"], "2001:db8::1"),
            (&["::ffff:192.0.2.1"], "192.0.2.1"),
            // All are trusted: the first of them asks for itself.
            (&["10.0.0.9, 10.0.0.2"], "10.0.0.9"),
            (&[""], PROXY),
        ];
        for (lines, client) in cases {
            assert_eq!(find(&[], lines).as_deref(), Ok(client), "{lines:?}");
        }
    }

    #[test]
    fn who_is_not_named_is_the_last_proxy_that_is() {
        for (line, client) in [
            ("192.0.2.1, unknown", PROXY),
            ("192.0.2.1, Unknown:80", PROXY),
            ("192.0.2.1, _hidden", PROXY),
            ("192.0.2.1, unknown, 10.0.0.7", "10.0.0.7"),
        ] {
            assert_eq!(find(&[], &[line]).as_deref(), Ok(client), "{line}");
        }
        assert_eq!(find(&[], &[]).as_deref(), Ok(PROXY));
    }

    #[test]
    fn what_cannot_be_understood_is_nobody() {
        for line in ["192.0.2.1, 192.0.2.999", "192.0.2.1, junk, 10.0.0.7", "[192.0.2.1]", "h:80"] {
            assert_eq!(find(&[], &[line]), Err(FieldsError::Unreadable), "{line}");
        }
        for line in ["192.0.2.1", "for=192.0.2.1;for=192.0.2.2", "for=192.0.2.1, for=\"192.0.2.1", "for="] {
            assert_eq!(find(&[line], &[]), Err(FieldsError::Unreadable), "{line}");
            assert_eq!(find(&[line], &["192.0.2.1"]), Err(FieldsError::Unreadable), "{line}");
        }
        let line = &b"192.0.2.1, \xff"[..];
        let found = client(ip(PROXY), std::iter::empty(), [line].into_iter(), |_| false);
        assert_eq!(found, Err(FieldsError::Unreadable));
    }

    #[test]
    fn forwarded_is_read_as_rfc_7239_writes_it() {
        for (line, client) in [
            ("for=192.0.2.1", "192.0.2.1"),
            ("For=192.0.2.1;proto=https;by=203.0.113.43", "192.0.2.1"),
            ("for=192.0.2.1;, FOR=\"[2001:db8::1]:4711\"", "2001:db8::1"),
            ("for=192.0.2.1, for=10.0.0.4;host=\"h\"", "192.0.2.1"),
            ("for=\"192.0.2.1:80\"", "192.0.2.1"),
            ("for=192.0.2.1, for=unknown", PROXY),
            ("for=192.0.2.1, for=\"_gazonk\"", PROXY),
            ("for=192.0.2.1, proto=https", PROXY),
        ] {
            assert_eq!(find(&[line], &[]).as_deref(), Ok(client), "{line}");
        }
    }

    #[test]
    fn an_open_quotation_of_the_client_does_not_swallow_what_the_proxy_adds() {
        assert_eq!(find(&["for=203.0.113.9;x=\", for=192.0.2.1"], &[]).as_deref(), Ok("192.0.2.1"));
        assert_eq!(find(&["for=203.0.113.9;x=\", for=\"192.0.2.1:1\""], &[]).as_deref(), Ok("192.0.2.1"));
        // Nor does a comma in what the proxy quotes make an address of the client's choice.
        for host in
            ["h,for=203.0.113.9", "h,for=203.0.113.9;x=\\", "h,for=203.0.113.9;x=\\\"", "h, for=\\\"203.0.113.9"]
        {
            let line = format!("for=192.0.2.1;host=\"{host}\"");
            assert_eq!(find(&[&line], &[]), Err(FieldsError::Unreadable), "{line}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_do_not_hide_what_the_proxy_adds() {
        let lines = [&b"\xff\xfe, 192.0.2.1"[..]];
        let found = client(ip(PROXY), std::iter::empty(), lines.into_iter(), |_| false);
        assert_eq!(found, Ok(ip("192.0.2.1")));
    }

    #[test]
    fn two_fields_have_to_agree() {
        assert_eq!(find(&["for=192.0.2.1"], &["203.0.113.9, 192.0.2.1"]).as_deref(), Ok("192.0.2.1"));
        assert_eq!(find(&["for=203.0.113.9"], &["192.0.2.1"]), Err(FieldsError::Contradiction));
        assert_eq!(find(&["for=unknown"], &["192.0.2.1"]), Err(FieldsError::Contradiction));
    }
}
