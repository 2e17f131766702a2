//! Whoever is silent is gone in time, at whatever stage (`spec/wire.md §10`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::time::{Duration, Instant};

use common::{Client, end, key, raw, relay, until, until_empty, within};
use ratatosk_protocol::message::{self, PING};
use ratatosk_relay::Server;
use ratatosk_relay::session::Timer;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// Long enough for a client that has something to do before it.
const DEADLINE: u64 = 1500;
const TIMED_OUT: &str = "Terminate called: Handshake: Connection timed out";

async fn strict() -> Server {
    relay(&[(Timer::Handshake, DEADLINE), (Timer::Close, 50)]).await
}

/// Runs `client` and sees to it that the relay let it wait for the deadline, and not for much more.
async fn meets_the_deadline(server: &Server, client: impl Future<Output = ()>) {
    let start = Instant::now();
    client.await;
    let elapsed = start.elapsed();
    assert!(elapsed >= Duration::from_millis(DEADLINE - 20), "{elapsed:?}");
    assert!(elapsed < Duration::from_millis(DEADLINE + 3000), "{elapsed:?}");
    until_empty(server).await;
}

async fn expect_408(mut stream: TcpStream) {
    let answer = String::from_utf8(raw::rest(&mut stream).await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer:?}");
}

#[tokio::test]
async fn silence_from_the_beginning() {
    let server = strict().await;
    meets_the_deadline(&server, async { expect_408(raw::connect(server.local_addr()).await).await }).await;
}

#[tokio::test]
async fn half_a_request_and_one_that_never_ends() {
    let server = strict().await;
    meets_the_deadline(&server, async {
        let mut stream = raw::connect(server.local_addr()).await;
        stream.write_all(&raw::UPGRADE.as_bytes()[..60]).await.unwrap();
        expect_408(stream).await;
    })
    .await;
    // A byte now and then buys no time.
    meets_the_deadline(&server, async {
        let mut stream = raw::connect(server.local_addr()).await;
        for byte in raw::UPGRADE.bytes() {
            tokio::time::sleep(Duration::from_millis(50)).await;
            if stream.write_all(&[byte]).await.is_err() {
                break;
            }
            if server.snapshot().connections.total() == 0 {
                break;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn silence_after_the_upgrade() {
    let server = strict().await;
    meets_the_deadline(&server, async {
        let stream = raw::upgrade_and(server.local_addr(), b"").await;
        raw::expect_close(stream, 1000, TIMED_OUT).await;
    })
    .await;
}

#[tokio::test]
async fn half_a_frame() {
    let server = strict().await;
    let register = raw::message(&message::register(key(1).public()));
    for length in [1, 5, register.len() - 1] {
        meets_the_deadline(&server, async {
            let stream = raw::upgrade_and(server.local_addr(), &register[..length]).await;
            raw::expect_close(stream, 1000, TIMED_OUT).await;
        })
        .await;
    }
}

#[tokio::test]
async fn a_challenge_without_an_answer_and_websocket_pings_instead() {
    use futures_util::SinkExt;
    use tokio_tungstenite::tungstenite::Message;
    let server = strict().await;
    meets_the_deadline(&server, async {
        let mut client = Client::connect(server.local_addr()).await;
        client.send(message::register(key(1).public())).await;
        client.recv().await;
        client.ws.send(Message::Ping("still here".into())).await.unwrap();
        assert_eq!(client.ended().await, end(1000, TIMED_OUT));
    })
    .await;
}

#[tokio::test]
async fn a_requester_does_not_wait_for_a_pong_for_ever() {
    let server = relay(&[
        (Timer::Handshake, DEADLINE),
        (Timer::Close, 50),
        (Timer::PingInterval, 50),
        (Timer::PongTimeout, 60_000),
    ])
    .await;
    let mut listener = Client::register(server.local_addr(), &key(2)).await;
    assert_eq!(listener.recv_text().await, PING);
    let mut connector = Client::request(server.local_addr(), &key(1), key(2).public()).await;
    assert_eq!(connector.ended().await, end(1000, TIMED_OUT));
    // The spare is ready for the next.
    until(&server, |snapshot| snapshot.connections.total() == 1 && snapshot.spares == 1).await;
    listener.send_text(message::PONG).await;
    let _next = Client::request(server.local_addr(), &key(3), key(2).public()).await;
    loop {
        let text = listener.recv_text().await;
        if text == common::HANDOVER {
            break;
        }
        assert_eq!(text, PING);
        listener.send_text(message::PONG).await;
    }
}

#[tokio::test]
async fn who_is_registered_or_paired_has_no_deadline() {
    let server = strict().await;
    let mut spare = Client::register(server.local_addr(), &key(1)).await;
    let (mut connector, mut listener) = common::pair(server.local_addr(), &key(3), &key(2)).await;
    tokio::time::sleep(Duration::from_millis(DEADLINE + 200)).await;
    connector.send_text("still here").await;
    assert_eq!(listener.recv_text().await, "still here");
    let _late = Client::request(server.local_addr(), &key(3), key(1).public()).await;
    spare.handed_over(&key(3), &key(1)).await;
}

#[tokio::test]
async fn who_does_not_answer_a_close_is_gone_all_the_same() {
    let server = strict().await;
    let stream = raw::upgrade_and(server.local_addr(), &raw::frame(raw::TEXT, b"nonsense")).await;
    // The stream stays open on this side.
    within(until_empty(&server)).await;
    drop(stream);
}
