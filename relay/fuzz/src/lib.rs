//! What the fuzz targets do with their input. `relay/tests/fuzz_seeds.rs` includes this file and runs the same bodies over
//! the seeds, so that they are exercised without a fuzzer.
//!
//! A body panics if the relay breaks a promise.

pub mod frames;

use std::net::IpAddr;

use ratatosk_relay::inputs;

const PROXY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

/// A header is bounded, and what stands behind it changes nothing.
pub fn proxy_header(data: &[u8]) {
    let Some((len, source)) = inputs::proxy_header(data) else { return };
    assert!((16..=536).contains(&len) && len <= data.len());
    assert_eq!(inputs::proxy_header(&data[..len]), Some((len, source)));
    assert_eq!(inputs::proxy_header(&[&data[..len], b"more"].concat()), Some((len, source)));
    assert_eq!(inputs::proxy_header(&data[..len - 1]), None);
}

/// Whatever a client writes, what the proxy adds to it counts.
pub fn forwarded(data: &[u8]) {
    let lines: Vec<_> = data.split(|byte| *byte == b'\n').collect();
    let (first, second) = lines.split_at(lines.len() / 2);
    let either = inputs::forwarded(PROXY, first, second);
    let [one, other] = [inputs::forwarded(PROXY, first, &[]), inputs::forwarded(PROXY, &[], second)];
    assert!(either.is_none() || either == one || either == other);

    let (last, before) = lines.split_last().expect("there is a first line");
    for addition in [", 192.0.2.1", ", for=192.0.2.1", ", for=\"192.0.2.1:80\";proto=https"] {
        let line = [*last, addition.as_bytes()].concat();
        let added = [before, &[&line[..]]].concat();
        let found = if addition.contains("for=") {
            inputs::forwarded(PROXY, &added, &[])
        } else {
            inputs::forwarded(PROXY, &[], &added)
        };
        assert_eq!(found, Some(CLIENT));
    }
}

/// Every answer is one answer: no byte of a client ends a field or begins another.
pub fn upgrade(data: &[u8]) {
    let (status, answer) = inputs::upgrade(data);
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")));
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head has an end");
    for line in head.split("\r\n") {
        assert!(!line.contains(|c: char| c.is_control()), "{line:?}");
    }
    if status == 101 {
        assert!(body.is_empty() && head.split("\r\n").count() <= 5, "{answer:?}");
        assert_eq!(head.matches("Sec-WebSocket-Accept: ").count(), 1);
    } else {
        assert!((400..=503).contains(&status) && head.contains(&format!("Content-Length: {}", body.len())));
    }
}
