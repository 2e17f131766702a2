//! Listeners that vanish around their hand-over (`spec/wire.md §10`): the next spare is taken, and the requester notices
//! nothing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::time::Duration;

use common::{Client, end, key, relay, until, until_empty};
use ratatosk_protocol::message::Payload;
use ratatosk_relay::registry::Phase;
use ratatosk_relay::session::Timer;
use socket2::SockRef;

/// Ends the connection with a FIN or, where `reset`, with an RST; without a close frame either way.
fn vanish(client: Client, reset: bool) {
    if reset {
        SockRef::from(client.ws.get_ref()).set_linger(Some(Duration::ZERO)).unwrap();
    }
    drop(client);
}

#[tokio::test]
async fn the_next_spare_gets_everything_when_a_listener_vanishes_without_a_word() {
    let server = relay(&[]).await;
    let (source, target) = (key(1), key(2));
    let mut good = Client::register(server.local_addr(), &target).await;
    let mut dead = Vec::new();
    for _ in 0..4 {
        dead.push(Client::register(server.local_addr(), &target).await);
    }
    let mut connector = Client::request(server.local_addr(), &source, target.public()).await;
    for (said, mut listener) in (0..).zip(dead.into_iter().rev()) {
        listener.handed_over(&source, &target).await;
        connector.send_text(&format!("message {said}")).await;
        for number in 0..=said {
            assert_eq!(listener.recv_text().await, format!("message {number}"));
        }
        vanish(listener, said % 2 == 0);
    }
    good.handed_over(&source, &target).await;
    for number in 0..4 {
        assert_eq!(good.recv_text().await, format!("message {number}"));
    }
    good.send_text("here").await;
    assert_eq!(connector.recv_text().await, "here");
    connector.close(4001, "bye").await;
    assert_eq!(good.ended().await, end(1000, "bye"));
    assert_eq!(connector.ended().await, end(4001, "bye"));
    until_empty(&server).await;
}

#[tokio::test]
async fn a_spare_that_is_gone_before_anybody_knows_is_skipped() {
    let server = relay(&[]).await;
    let (source, target) = (key(1), key(2));
    for round in 0..100 {
        let mut good = Client::register(server.local_addr(), &target).await;
        let dead = Client::register(server.local_addr(), &target).await;
        let mut connector = Client::connect(server.local_addr()).await;
        vanish(dead, round % 2 == 0);
        connector.send(ratatosk_protocol::message::communication_request(source.public(), target.public())).await;
        good.handed_over(&source, &target).await;
        good.send_text("here").await;
        assert_eq!(connector.recv_text().await, "here");
        drop((connector, good));
        until_empty(&server).await;
    }
}

#[tokio::test]
async fn a_listener_that_has_closed_or_spoken_is_not_replaced() {
    let server = relay(&[]).await;
    let (source, target) = (key(1), key(2));
    let _good = Client::register(server.local_addr(), &target).await;
    for speaks in [false, true] {
        let mut listener = Client::register(server.local_addr(), &target).await;
        let mut connector = Client::request(server.local_addr(), &source, target.public()).await;
        listener.handed_over(&source, &target).await;
        if speaks {
            listener.send_text("here").await;
            assert_eq!(connector.recv_text().await, "here");
            drop(listener);
            assert_eq!(connector.ended().await, end(1000, ""));
        } else {
            listener.close(4001, "no").await;
            assert_eq!(connector.ended().await, end(1000, "no"));
        }
    }
}

#[tokio::test]
async fn a_listener_that_has_had_more_than_is_kept_is_not_replaced() {
    let server = relay(&[]).await;
    let (source, target) = (key(1), key(2));
    let _good = Client::register(server.local_addr(), &target).await;
    for message in [Payload::binary(vec![1; 1000]), Payload::binary(vec![2; 200_000])] {
        let mut listener = Client::register(server.local_addr(), &target).await;
        let mut connector = Client::request(server.local_addr(), &source, target.public()).await;
        listener.handed_over(&source, &target).await;
        for _ in 0..100 {
            connector.send(message.clone()).await;
            assert!(listener.recv().await == message);
        }
        drop(listener);
        assert_eq!(connector.ended().await, end(1000, ""));
    }
}

#[tokio::test]
async fn a_listener_that_vanishes_after_the_deadline_is_not_replaced() {
    let server = relay(&[(Timer::Handshake, 1500)]).await;
    let (source, target) = (key(1), key(2));
    let _good = Client::register(server.local_addr(), &target).await;
    let (mut connector, listener) = common::pair(server.local_addr(), &source, &target).await;
    tokio::time::sleep(Duration::from_millis(1600)).await;
    drop(listener);
    assert_eq!(connector.ended().await, end(1000, ""));
    until(&server, |snapshot| snapshot.connections.of(Phase::Paired) == 0).await;
}
