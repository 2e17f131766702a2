//! Clients over TLS: the same protocol, nothing lost, nothing kept.
#![cfg(feature = "tls")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::time::Duration;

use common::scrape::Page;
use common::tls::{Authority, Tls};
use common::{Client, end, key, raw, until, until_empty, within};
use futures_util::{SinkExt, StreamExt};
use ratatosk_protocol::message::{self, Payload};
use ratatosk_relay::registry::Phase;
use ratatosk_relay::session::Timer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Says something in both directions and ends.
async fn echo<C, L>(mut connector: Client<C>, mut listener: Client<L>)
where
    C: AsyncRead + AsyncWrite + Unpin,
    L: AsyncRead + AsyncWrite + Unpin,
{
    listener.handed_over(&key(1), &key(2)).await;
    for text in ["one", "two", &"three ".repeat(20_000)] {
        connector.send_text(text).await;
        assert_eq!(listener.recv_text().await, text);
        listener.send_text(text).await;
        assert_eq!(connector.recv_text().await, text);
    }
    connector.close(1000, "enough").await;
    assert_eq!(listener.ended().await, end(1000, "enough"));
    assert_eq!(connector.ended().await, end(1000, "enough"));
}

#[tokio::test]
async fn clients_with_tls_and_without_find_each_other() {
    let authority = Authority::default();
    let server = authority.relay(&[]).await;
    let (plain, tls) = (server.local_addr(), server.tls_addr().unwrap());
    assert_ne!(plain, tls);
    let (source, target) = (key(1), key(2));

    let listener = authority.register(tls, &target).await;
    echo(authority.request(tls, &source, target.public()).await, listener).await;
    let listener = authority.register(tls, &target).await;
    echo(Client::request(plain, &source, target.public()).await, listener).await;
    let listener = Client::register(plain, &target).await;
    echo(authority.request(tls, &source, target.public()).await, listener).await;
    until_empty(&server).await;

    let page = Page::of(&server);
    for (listener, number) in [("wss", 4.0), ("ws", 2.0)] {
        assert_eq!(page.value("connections_accepted_total", &[("listener", listener)]), number);
    }
    assert_eq!(page.value("phase_duration_seconds_count", &[("phase", "tls"), ("outcome", "ok")]), 4.0);
    assert_eq!(page.value("phase_duration_seconds_count", &[("phase", "upgrade"), ("outcome", "ok")]), 6.0);
}

#[tokio::test]
async fn tls_alone_is_enough() {
    let authority = Authority::default();
    let tls = Some(authority.install(&authority.certify(2029)));
    let config = ratatosk_relay::Config { listen: None, tls, ..ratatosk_relay::Config::default() };
    let server = ratatosk_relay::Server::bind(config).await.unwrap();
    assert_eq!(Some(server.local_addr()), server.tls_addr());
    let listener = authority.register(server.local_addr(), &key(2)).await;
    echo(authority.request(server.local_addr(), &key(1), key(2).public()).await, listener).await;
}

#[tokio::test]
async fn old_and_new_versions_are_spoken_and_nothing_is_resumed() {
    let authority = Authority::default();
    let server = authority.relay(&[]).await;
    let address = server.tls_addr().unwrap();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let connector = authority.client(&[version]);
        for _ in 0..2 {
            let stream = raw::connect(address).await;
            let stream = within(connector.connect(common::tls::name(), stream)).await.unwrap();
            let session = stream.get_ref().1;
            assert_eq!(session.protocol_version(), Some(version.version));
            assert_eq!(session.alpn_protocol(), Some(&b"http/1.1"[..]));
            assert_eq!(session.handshake_kind(), Some(rustls::HandshakeKind::Full));
            let client = Client::upgrade(format!("wss://{address}/"), stream).await;
            client.try_register(&key(2)).await.unwrap();
        }
    }
}

/// Bytes that show where they belong.
fn pattern(length: usize) -> Vec<u8> {
    (0_u32..).flat_map(u32::to_le_bytes).take(length).collect()
}

async fn send_and_receive<A, B>(from: &mut Client<A>, to: &mut Client<B>, length: usize)
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    let content = pattern(length);
    let send = from.send(Payload::binary(content.clone()));
    let ((), received) = tokio::join!(send, to.recv());
    assert!(received == Payload::binary(content), "{length} bytes have changed on their way");
}

#[tokio::test(flavor = "multi_thread")]
async fn large_messages_arrive_as_they_were_both_ways() {
    let authority = Authority::default();
    let server = authority.relay(&[(Timer::Stall, 20_000)]).await;
    let address = server.tls_addr().unwrap();
    let mut listener = authority.register(address, &key(2)).await;
    let mut connector = authority.request(address, &key(1), key(2).public()).await;
    listener.handed_over(&key(1), &key(2)).await;
    // Around the sizes of records and buffers, and far more.
    for length in [0, 1, 16_383, 16_384, 16_385, 65_535, 65_536, 65_537, 524_288, 33_000_000] {
        send_and_receive(&mut connector, &mut listener, length).await;
        send_and_receive(&mut listener, &mut connector, length).await;
    }
    // At the same time, so that each side of the relay reads and writes at once.
    let (mut to_listener, mut from_listener) = listener.ws.split();
    let (mut to_connector, mut from_connector) = connector.ws.split();
    let content = pattern(5_000_000);
    let message = || common::to_message(Payload::binary(content.clone()));
    within(async {
        let (sent, back, one, other) = tokio::join!(
            to_listener.send(message()),
            to_connector.send(message()),
            from_listener.next(),
            from_connector.next()
        );
        sent.unwrap();
        back.unwrap();
        assert!(one.unwrap().unwrap() == message() && other.unwrap().unwrap() == message());
    })
    .await;
}

#[tokio::test]
async fn a_burst_of_small_messages_arrives_one_by_one() {
    let authority = Authority::default();
    let server = authority.relay(&[]).await;
    let address = server.tls_addr().unwrap();
    let mut listener = authority.register(address, &key(2)).await;
    let mut connector = authority.request(address, &key(1), key(2).public()).await;
    listener.handed_over(&key(1), &key(2)).await;
    let send = async {
        for number in 0..20_000_u32 {
            let payload = Payload::binary(number.to_be_bytes().to_vec());
            within(connector.ws.feed(common::to_message(payload))).await.unwrap();
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

/// A pair: the raw bytes of the connector's WebSocket, and the listener.
async fn raw_pair(authority: &Authority, server: &ratatosk_relay::Server) -> (Tls, Client<Tls>) {
    let address = server.tls_addr().unwrap();
    let listener = authority.register(address, &key(2)).await;
    let request = raw::message(&message::communication_request(key(1).public(), key(2).public()));
    let connector = raw::upgrade_over(authority.connect(address).await, &request).await;
    until(server, |snapshot| snapshot.connections.of(Phase::Paired) == 2).await;
    (connector, listener)
}

#[tokio::test]
async fn a_receiver_that_stands_still_is_given_up_and_little_is_kept_for_it() {
    let authority = Authority::default();
    let server = authority.relay(&[(Timer::Stall, 500), (Timer::Close, 200)]).await;
    let (mut stream, listener) = raw_pair(&authority, &server).await;
    let message = raw::message(&Payload::binary(vec![0; 65_536]));
    let mut sent = 0;
    while within(stream.write_all(&message)).await.is_ok() && server.snapshot().connections.of(Phase::Paired) == 2 {
        sent += message.len();
        assert!(sent < 100_000_000, "nobody reads, so somebody keeps all this");
        let held = Page::of(&server).value("buffered_bytes", &[]);
        assert!(held <= 600_000.0, "{held} bytes are kept");
    }
    let answer = raw::rest(&mut stream).await;
    let reason = "Terminate called: Relay: The other side does not read";
    assert_eq!(answer, raw::close_frame(1000, reason));
    drop((stream, listener));
    until_empty(&server).await;
    assert_eq!(Page::of(&server).value("write_timeouts_total", &[]), 1.0);
}

#[tokio::test]
async fn a_slow_receiver_is_no_stalled_one() {
    let authority = Authority::default();
    let server = authority.relay(&[(Timer::Stall, 1500)]).await;
    let (mut stream, listener) = raw_pair(&authority, &server).await;
    let send = async {
        let bytes = raw::message(&Payload::binary(vec![7; 12_000_000]));
        within(stream.write_all(&bytes)).await.unwrap();
        within(stream.flush()).await.unwrap();
        stream
    };
    let read = async {
        // It takes longer than the timer, never as long between two reads.
        let (mut tcp, mut session) = listener.ws.into_inner().into_inner();
        let mut received = 0;
        while received < 12_000_000 {
            let mut some = vec![0; 400_000];
            let length = within(tcp.read(&mut some)).await.unwrap();
            assert!(length > 0, "given up after {received} bytes");
            let mut ciphertext = &some[..length];
            while !ciphertext.is_empty() {
                session.read_tls(&mut ciphertext).unwrap();
                let plain = session.process_new_packets().unwrap().plaintext_bytes_to_read();
                std::io::Read::read_exact(&mut session.reader(), &mut vec![0; plain]).unwrap();
                received += plain;
            }
            tokio::time::sleep(Duration::from_millis(70)).await;
        }
        (tcp, session)
    };
    let _both = tokio::join!(send, read);
}

#[tokio::test]
async fn the_end_is_said_in_tls_as_well() {
    let authority = Authority::default();
    let server = authority.relay(&[(Timer::Handshake, 500)]).await;
    let address = server.tls_addr().unwrap();
    // The relay closes, the client closes, the client breaks the rules.
    let junk = raw::frame(raw::TEXT, b"junk");
    let close = raw::frame(0x88, &1000_u16.to_be_bytes());
    let broken = raw::frame(raw::TEXT, b"\xff");
    for bytes in [junk, close.clone(), broken] {
        let mut stream = raw::upgrade_over(authority.connect(address).await, &bytes).await;
        let mut frame = [0; 2];
        within(stream.read_exact(&mut frame)).await.unwrap();
        assert_eq!(frame[0], 0x88);
        let mut rest = vec![0; usize::from(frame[1])];
        within(stream.read_exact(&mut rest)).await.unwrap();
        stream.write_all(&close).await.unwrap();
        stream.flush().await.unwrap();
        // Without a close_notify this would be an error.
        assert_eq!(within(stream.read(&mut frame)).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn who_vanishes_without_a_word_is_gone() {
    let authority = Authority::default();
    let server = authority.relay(&[]).await;
    let (stream, mut listener) = raw_pair(&authority, &server).await;
    listener.handed_over(&key(1), &key(2)).await;
    // The end of TCP without a close_notify.
    drop(stream.into_inner().0);
    assert_eq!(listener.ended().await, end(1000, ""));
    drop(listener);
    until_empty(&server).await;
}

#[tokio::test]
async fn a_drain_closes_spares_and_lets_pairs_finish() {
    let authority = Authority::default();
    let server = authority.relay(&[]).await;
    let address = server.tls_addr().unwrap();
    let mut listener = authority.register(address, &key(2)).await;
    let mut connector = authority.request(address, &key(1), key(2).public()).await;
    listener.handed_over(&key(1), &key(2)).await;
    let mut spare = authority.register(address, &key(3)).await;
    let shutdown = tokio::spawn(server.shutdown(Duration::from_secs(60)));
    assert_eq!(spare.ended().await, end(1000, "Close called."));
    connector.send_text("still here").await;
    assert_eq!(listener.recv_text().await, "still here");
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "nobody new comes in");
    connector.close(1000, "done").await;
    assert_eq!(listener.ended().await, end(1000, "done"));
    within(connector.ended()).await;
    within(shutdown).await.unwrap();
}
