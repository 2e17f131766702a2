//! The pings of spares (`spec/wire.md §2`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::time::{Duration, Instant};

use common::{Client, end, key, pair, relay, until_empty};
use ratatosk_protocol::message::{PING, PONG, Payload};
use ratatosk_relay::session::Timer;

const TIMED_OUT: &str = "Terminate called: Ping: Connection timed out";

#[tokio::test]
async fn the_next_ping_comes_an_interval_after_the_pong() {
    let server = relay(&[(Timer::PingInterval, 200), (Timer::PongTimeout, 10_000)]).await;
    // From before whatever the interval begins with, so that no delay makes it look short.
    let mut since = Instant::now();
    let mut spare = Client::register(server.local_addr(), &key(1)).await;
    for _ in 0..3 {
        assert_eq!(spare.recv_text().await, PING);
        let after = since.elapsed();
        assert!(after >= Duration::from_millis(200), "{after:?}");
        // A late pong: pings do not come at a fixed rate.
        tokio::time::sleep(Duration::from_millis(100)).await;
        since = Instant::now();
        spare.send_text(PONG).await;
    }
}

#[tokio::test]
async fn silence_and_what_is_no_pong_end_a_spare() {
    let server = relay(&[(Timer::PingInterval, 100), (Timer::PongTimeout, 100)]).await;
    let wrong =
        [None, Some(Payload::text(r#"{"command":"comm_pong"}"#)), Some(Payload::binary(PONG.as_bytes().to_vec()))];
    for wrong in wrong {
        let mut spare = Client::register(server.local_addr(), &key(1)).await;
        assert_eq!(spare.recv_text().await, PING);
        if let Some(wrong) = wrong {
            spare.send(wrong).await;
        }
        assert_eq!(spare.ended().await, end(1000, TIMED_OUT));
    }
    until_empty(&server).await;
}

#[tokio::test]
async fn unsolicited_pongs_put_the_ping_off() {
    const INTERVAL: Duration = Duration::from_secs(2);
    let server = relay(&[(Timer::PingInterval, 2000), (Timer::PongTimeout, 10_000)]).await;
    let mut spare = Client::register(server.local_addr(), &key(1)).await;
    let start = Instant::now();
    let mut last = start;
    while start.elapsed() < INTERVAL + INTERVAL / 2 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        last = Instant::now();
        spare.send_text("\t{\"x\":0, \"command\" : \"pong\"} ").await;
    }
    assert_eq!(spare.recv_text().await, PING);
    // Had there been a ping before, it would have waited in the socket.
    assert!(last.elapsed() >= INTERVAL, "{:?}", last.elapsed());
}

#[tokio::test]
async fn a_pair_is_not_pinged() {
    let server = relay(&[(Timer::PingInterval, 100), (Timer::PongTimeout, 100)]).await;
    let (mut connector, mut listener) = pair(server.local_addr(), &key(1), &key(2)).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    connector.send_text("first").await;
    listener.send_text("second").await;
    assert_eq!(listener.recv_text().await, "first");
    assert_eq!(connector.recv_text().await, "second");
}
