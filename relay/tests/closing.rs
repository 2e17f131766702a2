//! How the end of one side reaches the other (`spec/wire.md §3`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use common::{Client, end, key, pair, raw, relay, relay_with, until_empty};
use futures_util::SinkExt;
use ratatosk_protocol::message::{self, Payload};
use ratatosk_relay::Config;
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::Message;

#[tokio::test]
async fn the_reason_is_relayed_and_the_code_becomes_1000() {
    let server = relay(&[]).await;
    let long = "r".repeat(123);
    let cases = [
        (1000, "bye"),
        (1000, ""),
        (4001, "custom"),
        (1001, "going away"),
        (1011, "srv err"),
        (1000, long.as_str()),
        (1000, "äöü 世界 🎉"),
    ];
    for listener_closes in [false, true] {
        for (code, reason) in cases {
            let (connector, listener) = pair(server.local_addr(), &key(1), &key(2)).await;
            let (mut one, mut other) = if listener_closes { (listener, connector) } else { (connector, listener) };
            one.close(code, reason).await;
            assert_eq!(other.ended().await, end(1000, reason));
            assert_eq!(one.ended().await, end(code, reason));
        }
    }
    until_empty(&server).await;
}

#[tokio::test]
async fn without_a_code_or_without_a_close_the_reason_is_empty() {
    let server = relay(&[]).await;
    for listener_closes in [false, true] {
        for abort in [false, true] {
            let (connector, listener) = pair(server.local_addr(), &key(1), &key(2)).await;
            let (mut one, mut other) = if listener_closes { (listener, connector) } else { (connector, listener) };
            if abort {
                drop(one);
                assert_eq!(other.ended().await, end(1000, ""));
            } else {
                one.ws.send(Message::Close(None)).await.unwrap();
                assert_eq!(other.ended().await, end(1000, ""));
                assert_eq!(one.ended().await, end(1005, ""));
            }
        }
    }
    until_empty(&server).await;
}

#[tokio::test]
async fn a_code_that_nobody_may_send_is_1002_for_the_sender_and_1000_for_the_other_without_a_reason() {
    let server = relay(&[]).await;
    for code in [0_u16, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000] {
        let (mut stream, mut listener) = raw_pair(&server).await;
        stream.write_all(&raw::frame(raw::TEXT, b"fine")).await.unwrap();
        stream.write_all(&raw::frame(0x88, &[&code.to_be_bytes()[..], b"secret"].concat())).await.unwrap();
        assert_eq!(listener.recv_text().await, "fine");
        assert_eq!(listener.ended().await, end(1000, ""), "{code}");
        raw::expect_close(stream, 1002, "").await;
    }
    until_empty(&server).await;
}

#[tokio::test]
async fn what_was_sent_before_the_close_arrives_before_it() {
    let server = relay(&[]).await;
    let (mut connector, mut listener) = pair(server.local_addr(), &key(1), &key(2)).await;
    let message = Payload::binary(vec![1; 65_536]);
    let send = async {
        for _ in 0..50 {
            connector.send(message.clone()).await;
        }
        connector.close(1000, "flush").await;
    };
    let receive = async {
        for _ in 0..50 {
            assert!(listener.recv().await == message);
        }
        assert_eq!(listener.ended().await, end(1000, "flush"));
    };
    tokio::join!(send, receive);
    assert_eq!(connector.ended().await, end(1000, "flush"));
    until_empty(&server).await;
}

#[tokio::test]
async fn one_byte_too_many_is_1009_for_the_sender_and_1000_for_the_other() {
    let server = relay_with(Config { max_message_len: 100_000, ..Config::default() }, &[]).await;
    let (mut connector, mut listener) = pair(server.local_addr(), &key(1), &key(2)).await;
    let largest = Payload::binary(vec![1; 100_000]);
    connector.send(largest.clone()).await;
    assert!(listener.recv().await == largest);
    connector.send(Payload::binary(vec![1; 100_001])).await;
    assert_eq!(connector.ended().await, end(1009, ""));
    assert_eq!(listener.ended().await, end(1000, ""));
    drop(connector);
    until_empty(&server).await;
}

#[tokio::test]
async fn the_limit_counts_for_fragments_together() {
    let server = relay_with(Config { max_message_len: 10_000, ..Config::default() }, &[]).await;
    let (mut stream, mut listener) = raw_pair(&server).await;
    let (first, more) = (raw::frame(0x02, &[0; 6000]), raw::frame(0x00, &[0; 6000]));
    stream.write_all(&[first, more].concat()).await.unwrap();
    assert_eq!(listener.ended().await, end(1000, ""));
    raw::expect_close(stream, 1009, "").await;
}

#[tokio::test]
async fn the_default_limit_is_100_mib() {
    let server = relay(&[]).await;
    let (mut connector, mut listener) = pair(server.local_addr(), &key(1), &key(2)).await;
    let largest = Payload::binary(vec![7; 104_857_600]);
    let receive = async { assert!(listener.recv().await == largest) };
    tokio::join!(connector.send(largest.clone()), receive);
    // Its header is enough to refuse the next.
    let (mut stream, mut listener) = raw_pair(&server).await;
    let mut header = vec![raw::BINARY, 0x80 | 127];
    header.extend(104_857_601_u64.to_be_bytes());
    header.extend([0; 4]);
    stream.write_all(&header).await.unwrap();
    assert_eq!(listener.ended().await, end(1000, ""));
    raw::expect_close(stream, 1009, "").await;
}

#[tokio::test]
async fn text_that_is_not_utf8_is_1007_for_the_sender_and_1000_for_the_other() {
    let server = relay(&[]).await;
    for invalid in [b"\xff\xfe".to_vec(), "€".as_bytes()[..2].to_vec()] {
        let (mut stream, mut listener) = raw_pair(&server).await;
        stream.write_all(&raw::frame(raw::TEXT, b"fine")).await.unwrap();
        stream.write_all(&raw::frame(raw::TEXT, &invalid)).await.unwrap();
        assert_eq!(listener.recv_text().await, "fine");
        assert_eq!(listener.ended().await, end(1000, ""));
        raw::expect_close(stream, 1007, "").await;
    }
    until_empty(&server).await;
}

/// A pair whose connector is a raw stream.
async fn raw_pair(server: &ratatosk_relay::Server) -> (tokio::net::TcpStream, Client) {
    let mut listener = Client::register(server.local_addr(), &key(2)).await;
    let request = raw::message(&message::communication_request(key(1).public(), key(2).public()));
    let stream = raw::upgrade_and(server.local_addr(), &request).await;
    listener.handed_over(&key(1), &key(2)).await;
    (stream, listener)
}
