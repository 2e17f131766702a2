//! What a receiver does not read stays with its sender, not in the relay.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::time::Duration;

use common::program::{Program, command};
use common::{Client, key, pair, raw, within};
use futures_util::SinkExt;
use ratatosk_protocol::message::{self, PING, PONG, Payload};
use tokio::io::AsyncWriteExt;

const MESSAGE: usize = 64 * 1024;
const TOTAL: usize = 200 * 1000 * 1000;
const ALLOWED: u64 = 8 * 1000 * 1000;

/// Sends what is taken without the receiver's help, and gives the number of messages.
async fn fill(sender: &mut Client, message: &Payload) -> usize {
    let mut messages = 0;
    loop {
        let send = sender.ws.send(common::to_message(message.clone()));
        // What is cut off here is in the client's buffer, and goes on with the next message.
        if tokio::time::timeout(Duration::from_secs(1), send).await.is_err() {
            return messages + 1;
        }
        messages += 1;
    }
}

async fn round_trip((connector, listener): (&mut Client, &mut Client)) {
    connector.send_text("there").await;
    assert_eq!(listener.recv_text().await, "there");
    listener.send_text("back").await;
    assert_eq!(connector.recv_text().await, "back");
}

#[tokio::test]
async fn a_client_that_never_reads_costs_less_than_8_mb() {
    let program = Program::start(command(&["--log", "warn"]));
    let (mut one, mut other) = pair(program.address, &key(1), &key(2)).await;
    let (mut sender, mut receiver) = pair(program.address, &key(3), &key(4)).await;
    round_trip((&mut one, &mut other)).await;
    let before = program.resident();

    // Nobody reads: the sender has to stop long before the end, and nobody else notices.
    let message = Payload::binary(vec![0x5a; MESSAGE]);
    let all = TOTAL.div_ceil(MESSAGE);
    let stuck = fill(&mut sender, &message).await;
    assert!(stuck < all, "{stuck} messages of {MESSAGE} bytes were taken from the sender");
    let grown = program.resident().saturating_sub(before);
    println!("not read: {stuck} of {all} messages sent, memory +{} KiB", grown / 1024);
    assert!(grown < ALLOWED, "{grown} bytes more");
    round_trip((&mut one, &mut other)).await;

    // When the receiver reads at last, everything is there, and still nothing piles up.
    let send = async {
        for _ in stuck..all {
            sender.send(message.clone()).await;
        }
        within(sender.ws.flush()).await.unwrap();
    };
    let mut most = grown;
    let receive = async {
        for number in 0..all {
            assert!(receiver.recv().await == message);
            if number % 100 == 0 {
                most = most.max(program.resident().saturating_sub(before));
                round_trip((&mut one, &mut other)).await;
            }
        }
    };
    tokio::join!(send, receive);
    println!("read at last: {all} messages, memory at most +{} KiB", most / 1024);
    assert!(most < ALLOWED, "{most} bytes more");
}

#[tokio::test]
async fn a_pair_that_is_stuck_in_both_directions_costs_less_than_8_mb() {
    let program = Program::start(command(&["--log", "warn"]));
    let mut bystanders = pair(program.address, &key(1), &key(2)).await;
    let mut stuck = pair(program.address, &key(3), &key(4)).await;
    round_trip((&mut bystanders.0, &mut bystanders.1)).await;
    let before = program.resident();
    let message = Payload::binary(vec![0x5a; MESSAGE]);
    let all = TOTAL.div_ceil(MESSAGE);
    let sent = tokio::join!(fill(&mut stuck.0, &message), fill(&mut stuck.1, &message));
    assert!(sent.0 < all && sent.1 < all, "{sent:?} messages of {MESSAGE} bytes were taken");
    let grown = program.resident().saturating_sub(before);
    println!("stuck in both directions: {sent:?} messages sent, memory +{} KiB", grown / 1024);
    assert!(grown < ALLOWED, "{grown} bytes more");
    round_trip((&mut bystanders.0, &mut bystanders.1)).await;
}

/// What a requester says is kept once, not once for each spare that is tried.
#[tokio::test]
async fn spares_that_die_one_after_another_do_not_make_the_relay_grow() {
    const SPARES: usize = 100;
    const FRAGMENTS: usize = 4000;
    let timeouts = ["--ping-interval-ms", "2000", "--pong-timeout-ms", "60000", "--handshake-timeout-ms", "60000"];
    let program = Program::start(command(&[&["--log", "warn"], &timeouts[..]].concat()));
    let mut spares = Vec::new();
    for _ in 0..SPARES {
        spares.push(Client::register(program.address, &key(2)).await);
    }
    for spare in &mut spares {
        // Each owes a pong from now on.
        assert_eq!(spare.recv_text().await, PING);
    }
    // One message in many fragments.
    let mut bytes = raw::message(&message::communication_request(key(1).public(), key(2).public()));
    bytes.extend(raw::frame(0x02, b""));
    for _ in 0..FRAGMENTS {
        bytes.extend(raw::frame(0x00, &[0x5a; 8 * 1024]));
    }
    bytes.extend(raw::frame(0x80, b""));
    let mut requester = raw::upgrade_and(program.address, b"").await;
    let mut send = std::pin::pin!(requester.write_all(&bytes));
    assert!(tokio::time::timeout(Duration::from_secs(1), &mut send).await.is_err(), "all of it was taken");
    let before = program.resident();
    while spares.len() > 1 {
        drop(spares.pop());
        // Whatever the relay takes for the next spare, it takes at once.
        assert!(tokio::time::timeout(Duration::from_millis(30), &mut send).await.is_err(), "all of it was taken");
    }
    let grown = program.resident().saturating_sub(before);
    println!("{SPARES} spares have died: memory +{} KiB", grown / 1024);
    assert!(grown < 1_000_000, "{grown} bytes more");
    // The last one is handed over all the same.
    let mut last = spares.pop().unwrap();
    let receive = async {
        last.send_text(PONG).await;
        last.handed_over(&key(1), &key(2)).await;
        assert_eq!(last.recv().await.len(), FRAGMENTS * 8 * 1024);
    };
    let (sent, ()) = tokio::join!(within(send), receive);
    sent.unwrap();
}

/// What a relay can hold is a question of what an idle spare takes.
#[tokio::test]
async fn an_idle_spare_costs_less_than_4_kib() {
    const SPARES: u16 = 400;
    let program = Program::start(command(&["--log", "warn"]));
    let mut spares = Vec::new();
    let mut register = async |count| {
        for number in 0..count {
            spares.push(Client::register(program.address, &key(number)).await);
        }
    };
    register(50).await;
    let before = program.resident();
    register(SPARES).await;
    let each = program.resident().saturating_sub(before) / u64::from(SPARES);
    println!("an idle spare: {each} bytes");
    assert!(each < 4 * 1024, "{each} bytes");
}

/// Buffers are there for traffic, and go with it.
#[tokio::test]
async fn a_pair_that_has_fallen_silent_costs_less_than_16_kib() {
    const PAIRS: u16 = 200;
    let program = Program::start(command(&["--log", "warn"]));
    let mut pairs = Vec::new();
    let mut connect = async |count| {
        for number in 0..count {
            pairs.push(pair(program.address, &key(number), &key(1000 + number)).await);
        }
        let large = Payload::binary(vec![3; 1_000_000]);
        for (connector, listener) in &mut pairs {
            let receive = async {
                // Slow at first, so that what does not fit into the network has to wait in the relay.
                tokio::time::sleep(Duration::from_millis(5)).await;
                assert!(listener.recv().await == large);
            };
            tokio::join!(connector.send(large.clone()), receive);
            round_trip((connector, listener)).await;
        }
    };
    connect(20).await;
    let before = program.resident();
    connect(PAIRS).await;
    let each = program.resident().saturating_sub(before) / u64::from(PAIRS);
    println!("a silent pair: {each} bytes");
    assert!(each < 16 * 1024, "{each} bytes");
}
