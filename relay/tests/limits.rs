//! Nobody gets more than there is.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use common::scrape::Page;
use common::{Client, end, key, raw, relay_with, until, until_empty};
use ratatosk_relay::Config;
use ratatosk_relay::registry::{Limits, Phase};

async fn relay(limits: Limits) -> ratatosk_relay::Server {
    relay_with(Config { limits, ..Config::default() }, &[]).await
}

/// How often a limit of the whole relay has refused somebody.
fn refusals(server: &ratatosk_relay::Server, limit: &str) -> f64 {
    Page::of(server).value("limit_rejections_total", &[("limit", limit), ("scope", "global")])
}

/// Registers one too many, which the relay says after the proof.
async fn refused(server: &ratatosk_relay::Server, number: u16) -> common::End {
    let listener = key(number);
    let mut client = Client::connect(server.local_addr()).await;
    client.send(ratatosk_protocol::message::register(listener.public())).await;
    let request = ratatosk_protocol::message::AuthenticationRequest::parse(&client.recv().await).unwrap();
    client.send(common::answer(&listener, &request)).await;
    client.ended().await
}

#[tokio::test]
async fn spares_of_a_key_and_of_all_keys() {
    let server = relay(Limits { spares_per_key: 2, spares: 3, ..Limits::default() }).await;
    let mut spares = Vec::new();
    for number in [1, 1, 2] {
        spares.push(Client::register(server.local_addr(), &key(number)).await);
    }
    assert_eq!(refused(&server, 3).await, end(1000, "Close called: Too many spare connections."));
    assert_eq!(refusals(&server, "spares"), 1.0);
    spares.pop();
    until(&server, |snapshot| snapshot.spares == 2).await;
    assert_eq!(refused(&server, 1).await, end(1000, "Close called: Too many spare connections for this publicKey."));
    spares.push(Client::register(server.local_addr(), &key(3)).await);
}

#[tokio::test]
async fn connections_that_are_not_registered_have_their_own_limit() {
    let server = relay(Limits { connections: 4, handshaking: 1, ..Limits::default() }).await;
    let silent = raw::connect(server.local_addr()).await;
    until(&server, |snapshot| snapshot.connections.of(Phase::Handshaking) == 1).await;
    let mut second = raw::connect(server.local_addr()).await;
    let answer = String::from_utf8(raw::rest(&mut second).await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{answer}");
    drop(silent);
    until_empty(&server).await;

    let mut spares = Vec::new();
    for number in 0..4 {
        spares.push(Client::register(server.local_addr(), &key(number)).await);
    }
    let mut fifth = raw::connect(server.local_addr()).await;
    let answer = String::from_utf8(raw::rest(&mut fifth).await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert_eq!((refusals(&server, "handshaking"), refusals(&server, "connections")), (1.0, 1.0));
    drop(spares);
    until_empty(&server).await;
}
