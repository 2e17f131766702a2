//! What strangers and proxies send before there is a WebSocket, read without a socket: for the fuzz targets alone.

use std::net::IpAddr;

use crate::proxy::{self, FIXED_LEN, Fixed};
use crate::upgrade;

/// Reads a header of the PROXY protocol. Gives its length, and the address that it names.
#[must_use]
pub fn proxy_header(bytes: &[u8]) -> Option<(usize, Option<IpAddr>)> {
    let fixed = Fixed::parse(bytes.first_chunk()?).ok()?;
    let len = FIXED_LEN + fixed.rest;
    let source = fixed.source(bytes.get(FIXED_LEN..len)?).ok()?;
    Some((len, source))
}

/// Where a request comes from that `proxy`, the one that is trusted, has passed on; `None` for fields that contradict
/// each other or cannot be understood.
#[must_use]
pub fn forwarded(proxy: IpAddr, forwarded: &[&[u8]], x_forwarded_for: &[&[u8]]) -> Option<IpAddr> {
    let (forwarded, x_forwarded_for) = (forwarded.iter().copied(), x_forwarded_for.iter().copied());
    proxy::client(proxy, forwarded, x_forwarded_for, |address| address == proxy).ok()
}

/// Answers the head of an upgrade request. Gives the status as well.
#[must_use]
pub fn upgrade(head: &[u8]) -> (u16, String) {
    upgrade::answer(head)
}
