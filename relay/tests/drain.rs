//! SIGTERM under load: pairs go on to their end without losing a byte, spares are let go one after another.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::time::{Duration, Instant};

use common::program::{Program, command};
use common::{Client, end, key, pair, to_message, within};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use ratatosk_protocol::message::Payload;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

type Sender = SplitSink<WebSocketStream<TcpStream>, Message>;
type Receiver = SplitStream<WebSocketStream<TcpStream>>;

const PAIRS: u16 = 16;

async fn connect(program: &Program) -> Vec<(Client, Client)> {
    let mut pairs = Vec::new();
    for number in 0..PAIRS {
        pairs.push(pair(program.address, &key(number), &key(100 + number)).await);
    }
    pairs
}

/// What each side still says after the signal.
const AFTERWARDS: u32 = 100;

/// The message with that number: text and bytes by turns, of all sizes up to 20 kB.
fn numbered(number: u32) -> Message {
    let length = usize::try_from(number * 7919 % 20_000).unwrap();
    let payload = if number.is_multiple_of(2) {
        Payload::text(format!("{number} {}", "ö".repeat(length / 2)))
    } else {
        Payload::binary(number.to_be_bytes().into_iter().cycle().take(length + 4).collect::<Vec<_>>())
    };
    to_message(payload)
}

const LAST: &str = "that is all";

/// Talks until the signal has come, and then for a while.
async fn talk(mut sender: Sender, mut signalled: watch::Receiver<bool>) -> (Sender, u32) {
    let mut number = 0;
    let mut rest = AFTERWARDS;
    while rest > 0 {
        if *signalled.borrow_and_update() {
            rest -= 1;
        }
        within(sender.send(numbered(number))).await.unwrap();
        number += 1;
    }
    within(sender.send(Message::text(LAST))).await.unwrap();
    (sender, number)
}

/// Gets every message, in order, up to the last.
async fn listen(mut receiver: Receiver) -> (Receiver, u32) {
    for number in 0.. {
        let message = within(receiver.next()).await.unwrap().unwrap();
        if message == Message::text(LAST) {
            return (receiver, number);
        }
        assert!(message == numbered(number), "message {number}");
    }
    unreachable!("no number is the last");
}

/// Both sides talk at once; when both have heard everything, the connector closes.
async fn conversation((connector, listener): (Client, Client), signalled: watch::Receiver<bool>) -> u32 {
    let (to_listener, from_listener) = connector.ws.split();
    let (to_connector, from_connector) = listener.ws.split();
    let (there, back, heard, answered) = tokio::join!(
        talk(to_listener, signalled.clone()),
        talk(to_connector, signalled),
        listen(from_connector),
        listen(from_listener),
    );
    assert_eq!((heard.1, answered.1), (there.1, back.1));
    let mut connector = Client { ws: there.0.reunite(answered.0).unwrap() };
    let mut listener = Client { ws: back.0.reunite(heard.0).unwrap() };
    connector.close(1000, "done").await;
    assert_eq!(listener.ended().await, end(1000, "done"));
    assert_eq!(connector.ended().await, end(1000, "done"));
    there.1 + back.1
}

#[tokio::test(flavor = "multi_thread")]
async fn no_pair_loses_a_byte() {
    let mut program = Program::start(command(&["--log", "warn", "--drain-timeout-ms", "60000"]));
    let (signal, signalled) = watch::channel(false);
    let mut pairs = tokio::task::JoinSet::new();
    for pair in connect(&program).await {
        pairs.spawn(conversation(pair, signalled.clone()));
    }
    // In the middle of it, as far as anybody can tell.
    tokio::time::sleep(Duration::from_millis(300)).await;
    program.signal("TERM");
    assert_eq!(
        program.line(),
        format!("commserver stops: {PAIRS} pairs have 60s to finish (a second signal stops it at once)\n")
    );
    assert!(TcpStream::connect(program.address).await.is_err(), "nobody accepts any more");
    signal.send_replace(true);
    let start = Instant::now();
    let mut messages = 0;
    while let Some(said) = pairs.join_next().await {
        messages += said.unwrap();
    }
    assert!(messages >= u32::from(PAIRS) * 2 * AFTERWARDS, "{messages}");
    println!("{messages} messages, the last {:?} after the signal", start.elapsed());
    assert_eq!(program.exit().await.code(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(55), "it does not wait for the deadline");
}

/// Everything in order up to the close, and how many that were.
async fn listen_to_the_end(mut receiver: Receiver) -> u32 {
    for number in 0.. {
        match within(receiver.next()).await {
            Some(Ok(Message::Close(frame))) => {
                assert!(frame.is_none(), "{frame:?}");
                return number;
            }
            Some(Ok(message)) => assert!(message == numbered(number), "message {number}"),
            other => panic!("a close was expected, not {other:?}"),
        }
    }
    unreachable!("no number is the last");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_well_before_the_deadline_arrives_also_when_nobody_finishes() {
    // Some MB of each pair are on their way at any moment, and a busy machine takes seconds for them.
    let timeouts = ["--drain-timeout-ms", "6000", "--close-timeout-ms", "3000"];
    let mut program = Program::start(command(&[&["--log", "warn"], &timeouts[..]].concat()));
    let mut pairs = tokio::task::JoinSet::new();
    let (signal, signalled) = watch::channel(false);
    for (connector, listener) in connect(&program).await {
        let (mut sender, mut other) = connector.ws.split();
        let (_quiet, receiver) = listener.ws.split();
        let mut signalled = signalled.clone();
        pairs.spawn(async move {
            let talking = async {
                let mut before = 0;
                for number in 0.. {
                    if !*signalled.borrow_and_update() {
                        before = number + 1;
                    }
                    if within(sender.send(numbered(number))).await.is_err() {
                        break;
                    }
                }
                before
            };
            // Whoever talks has to listen as well, or he does not hear the close.
            let hearing = async { while let Some(Ok(_)) = within(other.next()).await {} };
            let (before, (), arrived) = tokio::join!(talking, hearing, listen_to_the_end(receiver));
            assert!(before > 0 && arrived >= before, "{arrived} of {before} that were sent before the signal");
        });
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    signal.send_replace(true);
    program.signal("TERM");
    let start = Instant::now();
    while let Some(said) = pairs.join_next().await {
        said.unwrap();
    }
    assert!(start.elapsed() >= Duration::from_millis(5900), "{:?}", start.elapsed());
    assert_eq!(program.exit().await.code(), Some(0));
}

/// When each of many spares hears of the end, counted from the signal.
async fn farewells(program: &mut Program, spares: u16) -> Vec<Duration> {
    let mut waiting = tokio::task::JoinSet::new();
    for number in 0..spares {
        let mut spare = Client::register(program.address, &key(number)).await;
        waiting.spawn(async move {
            assert_eq!(spare.ended().await, end(1000, "Close called."));
            Instant::now()
        });
    }
    let start = Instant::now();
    program.signal("TERM");
    let mut ends = Vec::new();
    while let Some(end) = waiting.join_next().await {
        ends.push(end.unwrap() - start);
    }
    assert_eq!(program.exit().await.code(), Some(0));
    ends.sort();
    ends
}

#[tokio::test]
async fn spares_are_let_go_one_after_another() {
    let mut program = Program::start(command(&["--log", "warn"]));
    let ends = farewells(&mut program, 60).await;
    // Of 60 that go at random in the course of a second, hardly ever 40 go in the same half.
    let (middle, last) = (ends[30], ends[59]);
    println!("the first after {:?}, half of them after {middle:?}, the last after {last:?}", ends[0]);
    assert!(last - ends[0] > Duration::from_millis(500), "{ends:?}");
    assert!(ends.windows(2).all(|two| two[1] - two[0] < Duration::from_millis(400)), "{ends:?}");
    assert!(last < Duration::from_secs(4), "{last:?}");
}

#[tokio::test]
async fn spares_do_not_outlast_the_drain_time() {
    let mut program = Program::start(command(&["--log", "warn", "--drain-timeout-ms", "1"]));
    let ends = farewells(&mut program, 60).await;
    assert!(ends[59] < Duration::from_millis(500), "{:?}", ends[59]);
}
