//! The end of the relay: nothing is left open, and nothing outlives its handle (`spec/wire.md §10`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::time::{Duration, Instant};

use common::{Client, answer, end, key, pair, raw, relay, within};
use ratatosk_protocol::message::{self, AuthenticationRequest, PING};
use ratatosk_relay::session::Timer;
use tokio::net::TcpStream;

#[tokio::test]
async fn everybody_is_closed_and_pairs_may_finish() {
    let server = relay(&[(Timer::Close, 300)]).await;
    let address = server.local_addr();
    let mut spare = Client::register(address, &key(1)).await;
    let mut silent = Client::connect(address).await;
    let mut half_registered = Client::connect(address).await;
    half_registered.send(message::register(key(3).public())).await;
    half_registered.recv().await;
    let mut no_websocket = raw::connect(address).await;
    let (mut connector, mut listener) = pair(address, &key(4), &key(5)).await;
    common::until(&server, |snapshot| snapshot.connections.total() == 6).await;

    let stopped = tokio::spawn(server.shutdown(Duration::from_secs(15)));
    for client in [&mut spare, &mut silent, &mut half_registered] {
        assert_eq!(client.ended().await, end(1000, "Close called."));
    }
    let refused = String::from_utf8(raw::rest(&mut no_websocket).await).unwrap();
    assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    drop(no_websocket);
    assert!(TcpStream::connect(address).await.is_err(), "nobody accepts any more");

    connector.send_text("one more thing").await;
    assert_eq!(listener.recv_text().await, "one more thing");
    assert!(!stopped.is_finished(), "it waits for the pair");
    connector.close(1000, "done").await;
    assert_eq!(listener.ended().await, end(1000, "done"));
    assert_eq!(connector.ended().await, end(1000, "done"));
    within(stopped).await.unwrap();
}

#[tokio::test]
async fn a_pair_that_does_not_finish_is_closed() {
    let server = relay(&[(Timer::Close, 300)]).await;
    let (mut connector, mut listener) = pair(server.local_addr(), &key(1), &key(2)).await;
    let start = Instant::now();
    let stopped = tokio::spawn(server.shutdown(Duration::from_millis(200)));
    assert_eq!(connector.ended().await, end(1005, ""));
    assert_eq!(listener.ended().await, end(1005, ""));
    assert!(start.elapsed() >= Duration::from_millis(190));
    within(stopped).await.unwrap();
}

#[tokio::test]
async fn somebody_who_answers_nothing_cannot_hold_the_end_up() {
    let server = relay(&[(Timer::Close, 300)]).await;
    let register = raw::message(&message::register(key(1).public()));
    let _mute = raw::upgrade_and(server.local_addr(), &register).await;
    let start = Instant::now();
    within(server.shutdown(Duration::from_millis(100))).await;
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_requester_and_the_spare_it_waits_for_are_closed() {
    let server = relay(&[(Timer::PingInterval, 50), (Timer::PongTimeout, 15_000)]).await;
    let mut spare = Client::register(server.local_addr(), &key(2)).await;
    assert_eq!(spare.recv_text().await, PING);
    let mut requester = Client::request(server.local_addr(), &key(1), key(2).public()).await;
    common::until(&server, |snapshot| snapshot.reserved == 1).await;
    let stopped = tokio::spawn(server.shutdown(Duration::from_secs(15)));
    assert_eq!(spare.ended().await, end(1000, "Close called."));
    let (code, reason) = requester.ended().await.unwrap();
    // Which of the two tasks hears of it first is open.
    let lost = "Close called: This connection is closed. It will never be opened again.";
    assert!(code == 1000 && ["Close called.", lost].contains(&reason.as_str()), "{reason}");
    within(stopped).await.unwrap();
}

#[tokio::test]
async fn dropping_the_handle_ends_everything() {
    let server = relay(&[]).await;
    let mut spare = Client::register(server.local_addr(), &key(1)).await;
    let mut half = Client::connect(server.local_addr()).await;
    half.send(message::register(key(3).public())).await;
    let request = AuthenticationRequest::parse(&half.recv().await).unwrap();
    assert_eq!(answer(&key(3), &request).len(), 259);
    drop(server);
    assert_eq!(spare.ended().await, None);
    assert_eq!(half.ended().await, None);
}
