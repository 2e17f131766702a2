//! From a request to a pair: which spare, which messages, what the requester is told (`spec/wire.md §3, §6, §10`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use common::{Client, NO_LISTENER, end, key, pair, raw, relay, until, until_empty};
use ratatosk_protocol::message::{self, PING, PONG, Payload};
use ratatosk_relay::session::Timer;
use tokio::io::AsyncWriteExt;

const NEVER_HAPPENS: &str =
    "Close called: No listening connection for the specified publicKey. This error should never happen!";
const SPARE_LOST: &str = "Close called: This connection is closed. It will never be opened again.";

#[tokio::test]
async fn the_newest_spare_is_taken_first() {
    let server = relay(&[]).await;
    let (source, target) = (key(1), key(2));
    let mut spares = Vec::new();
    for _ in 0..4 {
        spares.push(Client::register(server.local_addr(), &target).await);
    }
    let mut connectors = Vec::new();
    for spare in spares.iter_mut().rev() {
        connectors.push(Client::request(server.local_addr(), &source, target.public()).await);
        spare.handed_over(&source, &target).await;
    }
    let mut late = Client::request(server.local_addr(), &source, target.public()).await;
    assert_eq!(late.ended().await, end(1000, NO_LISTENER));
    drop((spares, connectors));
    until_empty(&server).await;
}

#[tokio::test]
async fn a_pipe_keeps_type_order_and_empty_messages() {
    let server = relay(&[]).await;
    let (mut connector, mut listener) = pair(server.local_addr(), &key(1), &key(2)).await;
    let messages = [
        Payload::text("text"),
        Payload::binary(vec![1, 2]),
        Payload::text(""),
        Payload::binary(vec![]),
        Payload::text(PING),
        Payload::text(PONG),
        Payload::binary(vec![7; 200_000]),
        Payload::text("ü".repeat(100_000)),
    ];
    for message in &messages {
        connector.send(message.clone()).await;
        listener.send(message.clone()).await;
    }
    for message in &messages {
        assert!(listener.recv().await == *message);
        assert!(connector.recv().await == *message);
    }
}

#[tokio::test]
async fn websocket_pings_are_answered_and_not_relayed() {
    use futures_util::{SinkExt, StreamExt};
    use tokio_tungstenite::tungstenite::Message;
    let server = relay(&[]).await;
    let (mut connector, mut listener) = pair(server.local_addr(), &key(1), &key(2)).await;
    connector.ws.send(Message::Ping("hi".into())).await.unwrap();
    connector.send_text("after").await;
    assert_eq!(common::within(listener.ws.next()).await.unwrap().unwrap(), Message::text("after"));
    assert_eq!(common::within(connector.ws.next()).await.unwrap().unwrap(), Message::Pong("hi".into()));
}

#[tokio::test]
async fn a_fragmented_message_arrives() {
    let server = relay(&[]).await;
    let mut listener = Client::register(server.local_addr(), &key(2)).await;
    let request = raw::message(&message::communication_request(key(1).public(), key(2).public()));
    let mut stream = raw::upgrade_and(server.local_addr(), &request).await;
    listener.handed_over(&key(1), &key(2)).await;
    // The fragments divide a character, and a ping comes between them.
    let text = "a€b".as_bytes();
    let frames = [raw::frame(0x01, &text[..2]), raw::frame(0x89, b""), raw::frame(0x80, &text[2..])].concat();
    stream.write_all(&frames).await.unwrap();
    assert_eq!(listener.recv_text().await, "a€b");
}

#[tokio::test]
async fn who_is_not_there_cannot_be_reached() {
    let server = relay(&[]).await;
    let (source, target) = (key(1), key(2));
    let request = || Client::request(server.local_addr(), &source, target.public());
    assert_eq!(request().await.ended().await, end(1000, NO_LISTENER));

    // Drained by a hand-over: the ordinary text.
    let (connector, listener) = pair(server.local_addr(), &source, &target).await;
    assert_eq!(request().await.ended().await, end(1000, NO_LISTENER));
    drop((connector, listener));

    // Closed: another text, once.
    let mut spare = Client::register(server.local_addr(), &target).await;
    spare.close(1000, "bye").await;
    until_empty(&server).await;
    assert_eq!(request().await.ended().await, end(1000, NEVER_HAPPENS));
    assert_eq!(request().await.ended().await, end(1000, NO_LISTENER));
}

#[tokio::test]
async fn a_bad_request_does_not_touch_a_spare() {
    let server = relay(&[]).await;
    let target = key(2);
    let mut listener = Client::register(server.local_addr(), &target).await;
    for source in ["abcd".to_owned(), "01".repeat(31), "00".repeat(32)] {
        let mut client = Client::connect(server.local_addr()).await;
        client
            .send_text(&format!(
                r#"{{"command":"communication_request","sourcePublicKey":"{source}","targetPublicKey":"{}"}}"#,
                target.public()
            ))
            .await;
        let (code, reason) = client.ended().await.unwrap();
        assert_eq!(code, 1000);
        assert!(reason.starts_with("Close called: CYENC-ENSPUB: Data is not a public key"), "{reason}");
    }
    let _connector = Client::request(server.local_addr(), &key(1), target.public()).await;
    listener.handed_over(&key(1), &target).await;
}

#[tokio::test]
async fn data_in_the_same_write_as_the_request_is_delivered_in_order() {
    let server = relay(&[]).await;
    let (source, target) = (key(1), key(2));
    let mut listener = Client::register(server.local_addr(), &target).await;
    let mut bytes = raw::message(&message::communication_request(source.public(), target.public()));
    let early: Vec<_> = (0..50).map(|number| Payload::text(format!("early {number}"))).collect();
    let large = Payload::binary(vec![3; 300_000]);
    for message in early.iter().chain([&large]) {
        bytes.extend(raw::message(message));
    }
    let _stream = raw::upgrade_and(server.local_addr(), &bytes).await;
    listener.handed_over(&source, &target).await;
    for message in early.iter().chain([&large]) {
        assert!(listener.recv().await == *message);
    }
}

#[tokio::test]
async fn data_sent_while_the_spare_owes_its_pong_is_delivered_in_order() {
    let server = relay(&[(Timer::PingInterval, 50), (Timer::PongTimeout, 15_000)]).await;
    let (source, target) = (key(1), key(2));
    let mut listener = Client::register(server.local_addr(), &target).await;
    assert_eq!(listener.recv_text().await, PING);
    let mut connector = Client::request(server.local_addr(), &source, target.public()).await;
    // More than is kept: the rest waits in the network.
    let early: Vec<_> = (0..100).map(|number: u8| Payload::binary(vec![number; 10_000])).collect();
    let send = async {
        for message in &early {
            connector.send(message.clone()).await;
        }
        &mut connector
    };
    let receive = async {
        // Something else than a pong changes nothing.
        listener.send_text("junk").await;
        listener.send_text(PONG).await;
        listener.handed_over(&source, &target).await;
        for message in &early {
            assert!(listener.recv().await == *message);
        }
        listener.send_text("all there").await;
    };
    let (connector, ()) = tokio::join!(send, receive);
    assert_eq!(connector.recv_text().await, "all there");
}

#[tokio::test]
async fn a_message_as_large_as_what_is_kept_waits_in_the_network_while_the_spare_owes_its_pong() {
    let server = relay(&[(Timer::PingInterval, 50), (Timer::PongTimeout, 15_000)]).await;
    let (source, target) = (key(1), key(2));
    let mut listener = Client::register(server.local_addr(), &target).await;
    assert_eq!(listener.recv_text().await, PING);
    let mut connector = Client::request(server.local_addr(), &source, target.public()).await;
    let large = [Payload::binary(vec![5; 100_000]), Payload::binary(vec![6; 1_000_000])];
    let send = async {
        connector.send(large[0].clone()).await;
        assert_eq!(connector.recv_text().await, "here");
        connector.send(large[1].clone()).await;
    };
    let receive = async {
        listener.send_text(PONG).await;
        listener.handed_over(&source, &target).await;
        assert!(listener.recv().await == large[0]);
        listener.send_text("here").await;
        assert!(listener.recv().await == large[1]);
    };
    tokio::join!(send, receive);
}

#[tokio::test]
async fn no_room_is_made_for_a_larger_message_while_the_spare_owes_its_pong() {
    let server = relay(&[(Timer::PingInterval, 50), (Timer::PongTimeout, 15_000)]).await;
    let (source, target) = (key(1), key(2));
    let mut listener = Client::register(server.local_addr(), &target).await;
    assert_eq!(listener.recv_text().await, PING);
    let mut bytes = raw::message(&message::communication_request(source.public(), target.public()));
    bytes.extend([raw::BINARY, 0x80 | 127]);
    bytes.extend(104_857_600_u64.to_be_bytes());
    bytes.extend([0; 4]);
    let stream = raw::upgrade_and(server.local_addr(), &bytes).await;
    raw::expect_close(stream, 1009, "").await;
    // The spare is there for the next.
    let _next = Client::request(server.local_addr(), &key(3), target.public()).await;
    listener.send_text(PONG).await;
    listener.handed_over(&key(3), &target).await;
}

#[tokio::test]
async fn a_requester_that_leaves_while_the_pong_is_owed_leaves_the_spare_to_the_next() {
    let server = relay(&[(Timer::PingInterval, 50), (Timer::PongTimeout, 15_000)]).await;
    let (source, target) = (key(1), key(2));
    let mut listener = Client::register(server.local_addr(), &target).await;
    assert_eq!(listener.recv_text().await, PING);
    for abort in [false, true] {
        let mut first = Client::request(server.local_addr(), &source, target.public()).await;
        first.send_text("early data of somebody who leaves").await;
        until(&server, |snapshot| snapshot.reserved == 1).await;
        let mut second = Client::request(server.local_addr(), &source, target.public()).await;
        assert_eq!(second.ended().await, end(1000, NO_LISTENER));
        if abort {
            drop(first);
        } else {
            first.close(4001, "changed my mind").await;
            assert_eq!(first.ended().await, end(4001, "changed my mind"));
        }
        until(&server, |snapshot| snapshot.reserved == 0).await;
    }
    let mut next = Client::request(server.local_addr(), &key(3), target.public()).await;
    listener.send_text(PONG).await;
    listener.handed_over(&key(3), &target).await;
    next.send_text("hello").await;
    assert_eq!(listener.recv_text().await, "hello");
}

#[tokio::test]
async fn a_requester_that_closes_right_after_its_request_is_relayed() {
    let server = relay(&[]).await;
    let (source, target) = (key(1), key(2));
    let mut listener = Client::register(server.local_addr(), &target).await;
    let mut bytes = raw::message(&message::communication_request(source.public(), target.public()));
    bytes.extend(raw::frame(0x88, &[&1000_u16.to_be_bytes()[..], b"left at once"].concat()));
    let stream = raw::upgrade_and(server.local_addr(), &bytes).await;
    listener.handed_over(&source, &target).await;
    assert_eq!(listener.ended().await, end(1000, "left at once"));
    raw::expect_close(stream, 1000, "left at once").await;
    until_empty(&server).await;
}

#[tokio::test]
async fn a_dead_spare_is_skipped() {
    let server = relay(&[(Timer::PingInterval, 200), (Timer::PongTimeout, 300)]).await;
    let (source, target) = (key(1), key(2));
    let mut old = Client::register(server.local_addr(), &target).await;
    let mut dead = Client::register(server.local_addr(), &target).await;
    assert_eq!(dead.recv_text().await, PING);
    let mut connector = Client::request(server.local_addr(), &source, target.public()).await;
    // The old one keeps itself alive; the newest never answers, is waited for, and dropped.
    assert_eq!(old.recv_text().await, PING);
    old.send_text(PONG).await;
    assert_eq!(dead.ended().await, end(1000, "Terminate called: Ping: Connection timed out"));
    loop {
        let text = old.recv_text().await;
        if text == common::HANDOVER {
            break;
        }
        assert_eq!(text, PING);
        old.send_text(PONG).await;
    }
    assert_eq!(old.recv().await, message::communication_request(source.public(), target.public()));
    connector.send_text("hello").await;
    assert_eq!(old.recv_text().await, "hello");
}

#[tokio::test]
async fn when_no_spare_is_left_but_a_dead_one_the_requester_is_told() {
    let server = relay(&[(Timer::PingInterval, 100), (Timer::PongTimeout, 2000)]).await;
    let (source, target) = (key(1), key(2));
    for abort in [false, true] {
        let mut dead = Client::register(server.local_addr(), &target).await;
        assert_eq!(dead.recv_text().await, PING);
        let mut connector = Client::request(server.local_addr(), &source, target.public()).await;
        // Before that, there would have been no spare at all.
        until(&server, |snapshot| snapshot.reserved == 1).await;
        if abort {
            drop(dead);
        } else {
            assert_eq!(dead.ended().await, end(1000, "Terminate called: Ping: Connection timed out"));
        }
        assert_eq!(connector.ended().await, end(1000, SPARE_LOST));
    }
    let mut later = Client::request(server.local_addr(), &source, target.public()).await;
    assert_eq!(later.ended().await, end(1000, NO_LISTENER));
    until_empty(&server).await;
}

#[tokio::test]
async fn two_requests_for_one_spare_the_first_wins() {
    let server = relay(&[]).await;
    let target = key(2);
    let mut listener = Client::register(server.local_addr(), &target).await;
    let _first = Client::request(server.local_addr(), &key(1), target.public()).await;
    listener.handed_over(&key(1), &target).await;
    let mut second = Client::request(server.local_addr(), &key(3), target.public()).await;
    assert_eq!(second.ended().await, end(1000, NO_LISTENER));
}
