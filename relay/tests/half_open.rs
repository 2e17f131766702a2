//! A thousand connections that never become anything: who is registered does not notice, who is new is told to come
//! back, and the deadline makes room.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use common::network::allow_files;
use common::scrape::Page;
use common::{Client, key, pair, raw, relay_with, until, until_empty, within};
use ratatosk_protocol::message;
use ratatosk_relay::registry::{Limits, Phase};
use ratatosk_relay::session::Timer;
use ratatosk_relay::{Config, Server};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const HALF_OPEN: usize = 1000;

/// One that stops halfway; each stage has its turn.
async fn half_open(address: SocketAddr, number: usize) -> TcpStream {
    let register = raw::message(&message::register(key(1).public()));
    match number % 5 {
        0 => raw::connect(address).await,
        1 => {
            let mut stream = raw::connect(address).await;
            stream.write_all(&raw::UPGRADE.as_bytes()[..60]).await.unwrap();
            stream
        }
        2 => raw::upgrade_and(address, b"").await,
        3 => raw::upgrade_and(address, &register[..20]).await,
        _ => raw::upgrade_and(address, &register).await,
    }
}

/// A pair that never stops talking. Gives the number of round trips when it is told to end.
fn chatter(
    (mut connector, mut listener): (Client, Client),
    mut stop: tokio::sync::watch::Receiver<bool>,
) -> tokio::task::JoinHandle<u32> {
    tokio::spawn(async move {
        let mut round = 0;
        while !*stop.borrow_and_update() {
            let text = round.to_string();
            connector.send_text(&text).await;
            assert_eq!(listener.recv_text().await, text);
            listener.send_text(&text).await;
            assert_eq!(connector.recv_text().await, text);
            round += 1;
        }
        round
    })
}

fn handshaking(server: &Server) -> usize {
    server.snapshot().connections.of(Phase::Handshaking)
}

#[tokio::test]
async fn a_thousand_half_open_connections_hold_up_nobody_who_is_registered() {
    allow_files(4096);
    let limits = Limits { handshaking: HALF_OPEN, ..Limits::default() };
    let server =
        relay_with(Config { limits, ..Config::default() }, &[(Timer::Handshake, 6000), (Timer::Close, 50)]).await;
    let address = server.local_addr();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let talking = chatter(pair(address, &key(1), &key(2)).await, stopped);
    // One is on its way when the flood begins; two spares are there.
    let mut on_its_way = Client::connect(address).await;
    let mut spares = [Client::register(address, &key(3)).await, Client::register(address, &key(3)).await];

    let mut streams = Vec::new();
    for number in 0..HALF_OPEN - 1 {
        streams.push(half_open(address, number).await);
    }
    until(&server, |snapshot| snapshot.connections.of(Phase::Handshaking) == HALF_OPEN).await;

    // Nobody else gets in.
    let unavailable = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 10\r\n\
        Content-Type: text/plain\r\nContent-Length: 19\r\n\r\nService Unavailable";
    let mut late = raw::connect(address).await;
    assert_eq!(String::from_utf8(raw::rest(&mut late).await).unwrap(), unavailable);
    let refused = |server: &Server| {
        Page::of(server).value("limit_rejections_total", &[("limit", "handshaking"), ("scope", "global")])
    };
    assert_eq!(refused(&server), 1.0);

    // Who was on the way is handed over, and that makes room for one.
    on_its_way.send(message::communication_request(key(4).public(), key(3).public())).await;
    spares[1].handed_over(&key(4), &key(3)).await;
    spares[1].send_text("hello").await;
    assert_eq!(on_its_way.recv_text().await, "hello");
    assert_eq!(handshaking(&server), HALF_OPEN - 1, "the flood is still there");
    let mut new = Client::request(address, &key(5), key(3).public()).await;
    spares[0].handed_over(&key(5), &key(3)).await;
    new.send_text("also here").await;
    assert_eq!(spares[0].recv_text().await, "also here");
    assert_eq!(handshaking(&server), HALF_OPEN - 1, "the flood is still there");
    assert_eq!(refused(&server), 1.0);

    // The deadline makes room without anybody's help, and new ones come in.
    within(until(&server, |snapshot| snapshot.connections.of(Phase::Handshaking) == 0)).await;
    let page = Page::of(&server);
    assert_eq!(page.value("connections_closed_total", &[("reason", "timeout")]), (HALF_OPEN - 1) as f64);
    let mut spare = Client::register(address, &key(6)).await;
    let _newcomer = Client::request(address, &key(7), key(6).public()).await;
    spare.handed_over(&key(7), &key(6)).await;

    stop.send_replace(true);
    let rounds = within(talking).await.unwrap();
    println!("{rounds} round trips meanwhile");
    assert!(rounds > 100, "{rounds}");
    drop((streams, on_its_way, spares, new, spare, _newcomer));
    until_empty(&server).await;
}

#[tokio::test]
async fn half_open_connections_that_go_make_room_at_once() {
    let limits = Limits { handshaking: 20, ..Limits::default() };
    let server = relay_with(Config { limits, ..Config::default() }, &[(Timer::Handshake, 600_000)]).await;
    for _ in 0..3 {
        let mut streams = Vec::new();
        for number in 0..20 {
            streams.push(half_open(server.local_addr(), number).await);
        }
        until(&server, |snapshot| snapshot.connections.of(Phase::Handshaking) == 20).await;
        assert!(raw::rest(&mut raw::connect(server.local_addr()).await).await.starts_with(b"HTTP/1.1 503 "));
        drop(streams);
        until_empty(&server).await;
        drop(Client::register(server.local_addr(), &key(1)).await);
        tokio::time::timeout(Duration::from_secs(5), until_empty(&server)).await.unwrap();
    }
}
