//! What strangers and proxies send, read without a socket: for the fuzz targets and for tests alone.

use std::net::IpAddr;

use ratatosk_protocol::message::Payload;

pub use crate::frame::Fault;
use crate::frame::{Client, Closing, End, Event, HEADROOM, Next};
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

/// What became of a client's bytes.
#[derive(Debug, Default)]
pub struct Relayed {
    /// What the relay has read for itself.
    pub own: Vec<Payload>,
    /// What the other side of the pair gets.
    pub frames: Vec<u8>,
    /// The most bytes that waited for others.
    pub waited: usize,
    /// How the client closed, with code and reason, or what it did against the rules.
    pub end: Option<Result<(Option<u16>, String), Fault>>,
    /// The frame that answers the newest ping.
    pub pong: Vec<u8>,
}

/// A client whose frames come in `pieces`, the first `own` of them while it speaks to the relay itself, the others when it
/// is paired. Its messages may have `limit` bytes.
#[must_use]
pub fn frames(limit: usize, pieces: &[&[u8]], own: usize) -> Relayed {
    let (own, others) = pieces.split_at(own.min(pieces.len()));
    let mut out = Relayed::default();
    let mut client = Client::new(limit);
    let mut rest = Vec::new();
    for piece in own {
        rest.extend_from_slice(piece);
        loop {
            match client.next(&mut rest, &mut out.pong) {
                Ok(Next { used, event }) => {
                    rest.drain(..used);
                    match event {
                        None => break,
                        Some(Event::Message(message)) => out.own.push(message),
                        Some(Event::Closed(closing)) => out.end = Some(Ok(told(closing))),
                    }
                }
                Err(fault) => out.end = Some(Err(fault)),
            }
            if out.end.is_some() {
                return out;
            }
        }
    }
    client.hand_on(&mut out.frames);
    for piece in others.iter().copied().chain([&b""[..]]) {
        let mut buffer = [&[0; HEADROOM][..], &rest, piece].concat();
        let input = HEADROOM..buffer.len();
        let forwarded = client.forward(&mut buffer, input, &mut out.pong);
        out.frames.extend_from_slice(&buffer[forwarded.frames]);
        out.end = match forwarded.end {
            None => None,
            Some(End::Closed(closing)) => Some(Ok(told(closing))),
            Some(End::Fault(fault)) => Some(Err(fault)),
        };
        if out.end.is_some() {
            return out;
        }
        rest = buffer[forwarded.rest].to_vec();
        out.waited = out.waited.max(rest.len());
    }
    out
}

fn told(closing: Closing) -> (Option<u16>, String) {
    (closing.code, closing.reason)
}
