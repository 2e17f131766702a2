//! Spares that take nothing, not even the news of a hand-over (`spec/wire.md §10`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use common::{Client, answer, end, key, raw, relay, until, until_empty, within};
use ratatosk_protocol::key::KeyPair;
use ratatosk_protocol::message::{self, AuthenticationRequest, Payload};
use ratatosk_relay::registry::Phase;
use ratatosk_relay::session::Timer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// WebSocket pings whose answers are more than the network between two sockets holds: of those that are read together,
/// some 4 KiB, only the last is answered.
const PINGS: usize = 1_000_000;

/// No spare owes a pong while all this is sent.
const QUIET: (Timer, u64) = (Timer::PingInterval, 600_000);

/// A spare that has not read what answers its WebSocket pings, until there is no room left in the network.
async fn stuck_spare(address: SocketAddr, target: &KeyPair) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    stream
        .write_all(&[raw::UPGRADE.as_bytes(), &raw::message(&message::register(target.public()))].concat())
        .await
        .unwrap();
    let mut seen = Vec::new();
    let request = loop {
        seen.push(within(stream.read_u8()).await.unwrap());
        if let Some(place) = seen.windows(12).position(|window| window == br#"{"command":""#)
            && seen.ends_with(b"}")
        {
            let text = std::str::from_utf8(&seen[place..]).unwrap();
            break AuthenticationRequest::parse(&Payload::text(text)).unwrap();
        }
    };
    stream.write_all(&raw::message(&answer(target, &request))).await.unwrap();
    let pings = raw::frame(0x89, &[0; 125]).repeat(1000);
    for _ in 0..PINGS / 1000 {
        within(stream.write_all(&pings)).await.unwrap();
    }
    stream
}

#[tokio::test]
async fn stuck_spares_do_not_stretch_the_deadline_of_a_requester() {
    let server = relay(&[QUIET, (Timer::Handshake, 3000), (Timer::PongTimeout, 60_000), (Timer::Close, 100)]).await;
    let mut spares = Vec::new();
    for _ in 0..2 {
        spares.push(stuck_spare(server.local_addr(), &key(2)).await);
    }
    until(&server, |snapshot| snapshot.spares == 2).await;
    let start = Instant::now();
    let mut connector = Client::request(server.local_addr(), &key(1), key(2).public()).await;
    assert_eq!(connector.ended().await, end(1000, "Terminate called: Handshake: Connection timed out"));
    assert!(start.elapsed() >= Duration::from_millis(2900), "{:?}", start.elapsed());
    until(&server, |snapshot| snapshot.connections.of(Phase::Handshaking) == 0 && snapshot.spares == 1).await;
    drop((spares, connector));
    until_empty(&server).await;
}

#[tokio::test]
async fn a_stuck_spare_is_skipped() {
    let server = relay(&[QUIET, (Timer::PongTimeout, 300)]).await;
    let mut good = Client::register(server.local_addr(), &key(2)).await;
    let _stuck = stuck_spare(server.local_addr(), &key(2)).await;
    until(&server, |snapshot| snapshot.spares == 2).await;
    let mut connector = Client::request(server.local_addr(), &key(1), key(2).public()).await;
    connector.send_text("hello").await;
    good.handed_over(&key(1), &key(2)).await;
    assert_eq!(good.recv_text().await, "hello");
}

#[tokio::test]
async fn a_requester_that_leaves_is_not_held_by_more_than_one_stuck_spare() {
    let server = relay(&[QUIET, (Timer::Handshake, 60_000), (Timer::PongTimeout, 500), (Timer::Close, 100)]).await;
    let mut spares = Vec::new();
    for _ in 0..3 {
        spares.push(stuck_spare(server.local_addr(), &key(2)).await);
    }
    until(&server, |snapshot| snapshot.spares == 3).await;
    let connector = Client::request(server.local_addr(), &key(1), key(2).public()).await;
    until(&server, |snapshot| snapshot.reserved == 1).await;
    drop(connector);
    until(&server, |snapshot| snapshot.reserved == 0).await;
    until(&server, |snapshot| snapshot.connections.of(Phase::Handshaking) == 0).await;
    assert_eq!(server.snapshot().spares, 2);
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_stuck_spare() {
    let server = relay(&[QUIET, (Timer::PongTimeout, 60_000), (Timer::Close, 300)]).await;
    let _stuck = stuck_spare(server.local_addr(), &key(2)).await;
    until(&server, |snapshot| snapshot.spares == 1).await;
    let mut connector = Client::request(server.local_addr(), &key(1), key(2).public()).await;
    until(&server, |snapshot| snapshot.reserved == 1).await;
    let stopped = tokio::spawn(server.shutdown(Duration::from_secs(60)));
    assert_eq!(connector.ended().await, end(1000, "Close called."));
    within(stopped).await.unwrap();
}
