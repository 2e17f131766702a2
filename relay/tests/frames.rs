//! Frames of a pair on real sockets: passed on as they arrive, and what becomes of those that RFC 6455 does not allow.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::time::Duration;

use common::{Client, end, key, raw, relay, until_empty, violations, within};
use ratatosk_protocol::message::{self, Payload};
use ratatosk_relay::Server;
use ratatosk_relay::session::Timer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A pair whose connector is a raw stream.
async fn raw_connector(server: &Server) -> (TcpStream, Client) {
    let mut listener = Client::register(server.local_addr(), &key(2)).await;
    let request = raw::message(&message::communication_request(key(1).public(), key(2).public()));
    let stream = raw::upgrade_and(server.local_addr(), &request).await;
    listener.handed_over(&key(1), &key(2)).await;
    (stream, listener)
}

/// A pair whose connector and listener are raw streams.
async fn raw_both(server: &Server) -> (TcpStream, TcpStream) {
    let mut listener = Client::register(server.local_addr(), &key(2)).await;
    let request = raw::message(&message::communication_request(key(1).public(), key(2).public()));
    let connector = raw::upgrade_and(server.local_addr(), &request).await;
    listener.handed_over(&key(1), &key(2)).await;
    (connector, listener.ws.into_inner())
}

async fn next(stream: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    within(stream.read_exact(&mut bytes)).await.unwrap();
    bytes
}

#[tokio::test]
async fn what_no_client_may_send_is_1002_or_1007_for_it_and_1000_for_the_other() {
    let server = relay(&[]).await;
    for (what, frames, code) in violations::all() {
        let (mut stream, mut listener) = raw_connector(&server).await;
        stream
            .write_all(&[raw::frame(raw::TEXT, b"before"), frames, raw::frame(raw::TEXT, b"behind")].concat())
            .await
            .unwrap();
        assert_eq!(listener.recv_text().await, "before", "{what}");
        assert_eq!(listener.ended().await, end(1000, ""), "{what}");
        assert_eq!(raw::rest(&mut stream).await, raw::close_frame(code, ""), "{what}");
    }
    until_empty(&server).await;
}

#[tokio::test]
async fn what_the_listener_may_not_send_is_its_own_fault() {
    // Nobody here answers a close.
    let server = relay(&[(Timer::Close, 50)]).await;
    for (what, frames, code) in violations::all() {
        let (mut connector, mut listener) = raw_both(&server).await;
        listener.write_all(&[raw::frame(raw::TEXT, b"before"), frames].concat()).await.unwrap();
        assert_eq!(next(&mut connector, 8).await, b"\x81\x06before", "{what}");
        assert_eq!(raw::rest(&mut listener).await, raw::close_frame(code, ""), "{what}");
        // What has begun may have been passed on; at the end stands the close.
        assert!(raw::rest(&mut connector).await.ends_with(&raw::close_frame(1000, "")), "{what}");
    }
}

#[tokio::test]
async fn a_part_of_a_frame_is_on_its_way_before_its_end_is_there() {
    let server = relay(&[]).await;
    let (mut connector, mut listener) = raw_both(&server).await;
    let frame = raw::frame(raw::BINARY, &[7; 100_000]);
    let (part, rest) = frame.split_at(50_000);
    connector.write_all(part).await.unwrap();
    // A fragment that is not the last, of at least 8 KiB.
    assert_eq!(next(&mut listener, 2).await, [0x02, 126]);
    let length = u16::from_be_bytes(next(&mut listener, 2).await.try_into().unwrap());
    assert!(length >= 8192, "{length}");
    connector.write_all(rest).await.unwrap();
    let mut received = next(&mut listener, length.into()).await;
    loop {
        let header = next(&mut listener, 2).await;
        let wide = match header[1] {
            short @ 0..126 => usize::from(short),
            126 => u16::from_be_bytes(next(&mut listener, 2).await.try_into().unwrap()).into(),
            _ => u64::from_be_bytes(next(&mut listener, 8).await.try_into().unwrap()).try_into().unwrap(),
        };
        received.extend(next(&mut listener, wide).await);
        match header[0] {
            0x00 => {}
            0x80 => break,
            other => panic!("{other:#x}"),
        }
    }
    assert!(received == [7; 100_000]);
}

#[tokio::test]
async fn half_a_message_is_never_taken_for_a_whole_one() {
    let server = relay(&[]).await;
    let frame = raw::frame(raw::TEXT, &[b'x'; 100_000]);
    let close = raw::frame(0x88, &[&4000_u16.to_be_bytes()[..], b"enough"].concat());
    // Gone in the middle of a frame, and closed between two.
    let first = raw::frame(0x01, &[b'x'; 50_000]);
    for (bytes, reason) in [(frame[..60_000].to_vec(), ""), ([first, close].concat(), "enough")] {
        let (mut stream, mut listener) = raw_connector(&server).await;
        stream.write_all(&[raw::frame(raw::TEXT, b"whole"), bytes].concat()).await.unwrap();
        stream.shutdown().await.unwrap();
        assert_eq!(listener.recv_text().await, "whole");
        assert_eq!(listener.ended().await, end(1000, reason));
    }
    until_empty(&server).await;
}

#[tokio::test]
async fn invalid_text_deep_in_a_large_frame_is_found_as_it_comes() {
    let server = relay(&[]).await;
    let (mut stream, mut listener) = raw_connector(&server).await;
    let mut text = vec![b'x'; 1_000_000];
    text[900_000] = 0xff;
    // Its end is never sent: the fault is found without it.
    stream.write_all(&raw::frame(raw::TEXT, &text)[..950_000]).await.unwrap();
    assert_eq!(listener.ended().await, end(1000, ""));
    raw::expect_close(stream, 1007, "").await;
}

#[tokio::test]
async fn a_ping_is_answered_while_a_large_message_is_on_its_way() {
    let server = relay(&[]).await;
    let (mut connector, mut listener) = raw_both(&server).await;
    // The connector is in the middle of a message to the listener, who asks for a sign of life.
    connector.write_all(&raw::frame(raw::BINARY, &[7; 100_000])[..50_000]).await.unwrap();
    let header = next(&mut listener, 4).await;
    let length = u16::from_be_bytes([header[2], header[3]]);
    next(&mut listener, length.into()).await;
    listener.write_all(&raw::frame(0x89, b"hello?")).await.unwrap();
    let mut seen = Vec::new();
    while !seen.ends_with(b"\x8a\x06hello?") {
        seen.push(within(listener.read_u8()).await.unwrap());
        assert!(seen.len() < 100_000);
    }
    // It was not relayed.
    let quiet = tokio::time::timeout(Duration::from_millis(100), connector.read_u8()).await;
    assert!(quiet.is_err(), "{quiet:?}");
}

#[tokio::test]
async fn a_message_that_a_spare_has_begun_goes_on_in_the_pair() {
    let server = relay(&[]).await;
    let mut spare = Client::register(server.local_addr(), &key(2)).await.ws.into_inner();
    let text = "ä".repeat(30_000);
    let frame = raw::frame(raw::TEXT, text.as_bytes());
    let small = raw::frame(raw::TEXT, "ä€ö".as_bytes());
    spare.write_all(&small[..9]).await.unwrap();
    // What the relay has read when the request comes is not known, and makes no difference.
    let mut connector = Client::request(server.local_addr(), &key(1), key(2).public()).await;
    let mut told = Vec::new();
    while !told.ends_with(b"\"}") {
        told.push(within(spare.read_u8()).await.unwrap());
        if told.ends_with(b"connection_handover\"}") {
            told.clear();
        }
    }
    spare.write_all(&[&small[9..], &frame].concat()).await.unwrap();
    assert_eq!(connector.recv_text().await, "ä€ö");
    assert_eq!(connector.recv().await, Payload::text(text));
}
