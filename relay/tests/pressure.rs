//! Many at once, and receivers that are slow or stand still.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::time::Duration;

use common::{Client, end, key, pair, raw, relay, until, until_empty, within};
use futures_util::SinkExt;
use futures_util::future::join_all;
use ratatosk_protocol::message::{self, Payload};
use ratatosk_relay::registry::Phase;
use ratatosk_relay::session::Timer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_requesters_find_two_hundred_spares() {
    let server = relay(&[]).await;
    let address = server.local_addr();
    let (source, target) = (key(1), key(2));
    let mut listeners = Vec::new();
    for _ in 0..200 {
        listeners.push(Client::register(address, &target).await);
    }
    assert_eq!(server.snapshot().spares, 200);
    // Each connector says its number, each listener repeats what it has heard.
    let connectors = join_all((0..200).map(|number: u32| {
        let (source, target) = (&source, &target);
        async move {
            let mut client = Client::request(address, source, target.public()).await;
            client.send_text(&number.to_string()).await;
            assert_eq!(client.recv_text().await, number.to_string());
            client
        }
    }));
    let echoes = join_all(listeners.iter_mut().map(async |listener| {
        listener.handed_over(&source, &target).await;
        let said = listener.recv_text().await;
        listener.send_text(&said).await;
    }));
    let (connectors, _) = tokio::join!(connectors, echoes);
    let snapshot = server.snapshot();
    assert_eq!((snapshot.spares, snapshot.keys), (0, 0));
    assert_eq!(snapshot.connections.of(Phase::Paired), 400);
    let mut late = Client::request(address, &source, target.public()).await;
    assert_eq!(late.ended().await, end(1000, common::NO_LISTENER));
    drop((connectors, listeners, late));
    until_empty(&server).await;
}

#[tokio::test]
async fn a_slow_reader_gets_everything_in_order() {
    let server = relay(&[(Timer::Stall, 10_000)]).await;
    let (mut connector, mut listener) = pair(server.local_addr(), &key(1), &key(2)).await;
    let message = |number: u32| Payload::binary(number.to_be_bytes().repeat(16 * 1024));
    let send = async {
        for number in 0..300 {
            connector.send(message(number)).await;
        }
        connector.close(1000, "that is all").await;
    };
    let receive = async {
        for number in 0..300 {
            if number % 50 == 0 {
                // Slow on purpose.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            assert!(listener.recv().await == message(number), "message {number}");
        }
        assert_eq!(listener.ended().await, end(1000, "that is all"));
    };
    tokio::join!(send, receive);
}

#[tokio::test]
async fn many_small_messages_arrive_one_by_one() {
    let server = relay(&[]).await;
    let (mut connector, mut listener) = pair(server.local_addr(), &key(1), &key(2)).await;
    let send = async {
        for number in 0..20_000_u32 {
            within(connector.ws.feed(common::to_message(Payload::binary(number.to_be_bytes().to_vec()))))
                .await
                .unwrap();
        }
        within(connector.ws.flush()).await.unwrap();
    };
    let receive = async {
        for number in 0..20_000_u32 {
            assert!(listener.recv().await == Payload::binary(number.to_be_bytes().to_vec()), "message {number}");
        }
    };
    tokio::join!(send, receive);
}

/// Writes until nothing more is taken for a while. Gives the number of whole messages.
async fn fill(stream: &mut (impl AsyncWriteExt + Unpin), message: &[u8]) -> usize {
    let mut messages = 0;
    while tokio::time::timeout(Duration::from_millis(300), stream.write_all(message)).await.is_ok() {
        messages += 1;
        assert!(messages < 10_000, "nobody reads, so somebody keeps all this");
    }
    messages
}

#[tokio::test]
async fn a_direction_that_stands_still_does_not_hold_the_other_up() {
    let server = relay(&[]).await;
    let mut listener = Client::register(server.local_addr(), &key(2)).await;
    let request = raw::message(&message::communication_request(key(1).public(), key(2).public()));
    let stream = raw::upgrade_and(server.local_addr(), &request).await;
    listener.handed_over(&key(1), &key(2)).await;
    // The listener does not read; the connector's direction fills up.
    let (mut reader, mut writer) = stream.into_split();
    fill(&mut writer, &raw::message(&Payload::binary(vec![0; 65_536]))).await;
    for _ in 0..100 {
        listener.send(Payload::binary(vec![9; 100])).await;
        let mut frame = [0; 102];
        within(reader.read_exact(&mut frame)).await.unwrap();
        assert_eq!(frame[2..], [9; 100]);
    }
}

#[tokio::test]
async fn a_receiver_that_stands_still_is_given_up() {
    let server = relay(&[(Timer::Stall, 500), (Timer::Close, 200)]).await;
    let listener = Client::register(server.local_addr(), &key(2)).await;
    let request = raw::message(&message::communication_request(key(1).public(), key(2).public()));
    let mut stream = raw::upgrade_and(server.local_addr(), &request).await;
    until(&server, |snapshot| snapshot.connections.of(Phase::Paired) == 2).await;
    let message = raw::message(&Payload::binary(vec![0; 65_536]));
    // Neither ends nor reads before the relay closes.
    let mut sent = 0;
    while within(stream.write_all(&message)).await.is_ok() && server.snapshot().connections.of(Phase::Paired) == 2 {
        sent += 1;
        assert!(sent < 10_000);
    }
    let answer = raw::rest(&mut stream).await;
    let reason = "Terminate called: Relay: The other side does not read";
    assert_eq!(answer, raw::close_frame(1000, reason));
    drop((stream, listener));
    until_empty(&server).await;
}

#[tokio::test]
async fn who_takes_a_little_now_and_then_does_not_hold_the_relay_for_ever() {
    // The sender goes on, or has gone with its message half delivered.
    for sender_goes in [false, true] {
        let timeouts = [(Timer::Stall, 60_000), (Timer::Delivery, 1500), (Timer::Close, 200)];
        let server = relay(&timeouts).await;
        let listener = Client::register(server.local_addr(), &key(2)).await;
        let request = raw::message(&message::communication_request(key(1).public(), key(2).public()));
        let mut stream = raw::upgrade_and(server.local_addr(), &request).await;
        until(&server, |snapshot| snapshot.connections.of(Phase::Paired) == 2).await;
        let bytes = raw::message(&Payload::binary(vec![0; 50_000_000]));
        let mut receiver = listener.ws.into_inner();
        let send = async {
            // It is more than the network holds.
            assert!(tokio::time::timeout(Duration::from_millis(500), stream.write_all(&bytes)).await.is_err());
            let _sender = (!sender_goes).then_some(stream);
            std::future::pending::<()>().await;
        };
        let trickle = async {
            let mut some = [0; 1024];
            while receiver.read(&mut some).await.is_ok_and(|length| length > 0) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::select! {
            () = until(&server, |snapshot| snapshot.connections.of(Phase::Paired) == 0) => {}
            () = trickle => {}
            () = send => {}
        }
        until_empty(&server).await;
    }
}

#[tokio::test]
async fn pings_from_somebody_who_does_not_read_are_not_kept() {
    let server = relay(&[(Timer::Handshake, 60_000)]).await;
    let mut stream = raw::upgrade_and(server.local_addr(), b"").await;
    // 75 MB of pings. Their answers go nowhere, and the relay goes on reading: it keeps only the newest.
    let pings = raw::frame(0x89, &[0; 120]).repeat(1000);
    for _ in 0..600 {
        within(stream.write_all(&pings)).await.unwrap();
    }
    stream.write_all(&raw::message(&message::register(key(1).public()))).await.unwrap();
    // What comes back is what the network has kept.
    let request: &[u8] = br#"{"command":"authentication_request""#;
    let mut received = 0;
    let mut recent: Vec<u8> = Vec::new();
    let mut buffer = vec![0; 65_536];
    while !recent.windows(request.len()).any(|window| window == request) {
        let length = within(stream.read(&mut buffer)).await.unwrap();
        assert!(length > 0, "the challenge comes before the end");
        received += length;
        recent.drain(..recent.len().saturating_sub(request.len()));
        recent.extend(&buffer[..length]);
    }
    assert!(received < 25_000_000, "{received} bytes were kept");
}
