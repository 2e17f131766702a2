//! The upgrade on real sockets (`spec/wire.md §1`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use common::{key, raw, relay, until_empty};
use ratatosk_protocol::message;
use tokio::io::AsyncWriteExt;

async fn talk(request: &str) -> String {
    let server = relay(&[]).await;
    let mut stream = raw::connect(server.local_addr()).await;
    stream.write_all(request.as_bytes()).await.unwrap();
    let answer = String::from_utf8(raw::rest(&mut stream).await).unwrap();
    drop(stream);
    until_empty(&server).await;
    answer
}

#[tokio::test]
async fn a_plain_get_is_426() {
    let answer = talk("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 426 Upgrade Required\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nUpgrade Required"), "{answer}");
}

#[tokio::test]
async fn version_12_is_400() {
    let answer = talk(&raw::UPGRADE.replace("Version: 13", "Version: 12")).await;
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
    assert!(answer.contains("\r\nSec-WebSocket-Version: 13\r\n"), "{answer}");
}

#[tokio::test]
async fn a_head_without_end_is_431() {
    let answer = talk(&format!("GET /{} HTTP/1.1\r\n", "x".repeat(20_000))).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test]
async fn a_message_in_the_same_write_as_the_upgrade_is_not_lost() {
    let server = relay(&[]).await;
    let register = raw::message(&message::register(key(1).public()));
    let mut stream = raw::upgrade_and(server.local_addr(), &register).await;
    let mut answer = [0; 4 + 338];
    common::within(tokio::io::AsyncReadExt::read_exact(&mut stream, &mut answer)).await.unwrap();
    assert!(answer[4..].starts_with(br#"{"command":"authentication_request","publicKey":""#));
}
