//! The driver against peers, servers and applications that do what they should not.
#![cfg(feature = "driver")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed assumption in a test is a failed test")]

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use ratatosk_protocol::backoff::Backoff;
use ratatosk_protocol::close::CloseRequest;
use ratatosk_protocol::connection::{Config, Connector, KeyRing};
use ratatosk_protocol::crypto::{SharedKey, challenge::Challenge};
use ratatosk_protocol::driver::{
    ConnectorConfig, DirectListener, DriverError, Environment, Listener, ListenerConfig, Session, connect, os_entropy,
};
use ratatosk_protocol::key::{KeyPair, SecretKey};
use ratatosk_protocol::message::{self, Payload};
use ratatosk_protocol::phase::{Deadlines, Phase, Role};
use ratatosk_protocol::spare::SparePolicy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

const PATIENCE: Duration = Duration::from_secs(20);

fn key(seed: u8) -> KeyPair {
    SecretKey::from_bytes([seed; 32]).into()
}

fn environment(deadlines: Deadlines) -> Environment {
    Environment { config: Arc::new(Config { deadlines, ..Config::default() }), ..Environment::default() }
}

async fn direct(environment: &Environment) -> DirectListener {
    DirectListener::bind(environment, "127.0.0.1:0".parse().unwrap(), KeyRing::new(key(1))).await.unwrap()
}

fn dial(address: impl std::fmt::Display) -> ConnectorConfig {
    let connector = Connector { local: key(2), remote: *key(1).public() };
    ConnectorConfig { url: format!("ws://{address}"), connector }
}

async fn pair(environment: &Environment) -> (Session, Session) {
    let mut listener = direct(environment).await;
    let config = dial(listener.address());
    let (dialled, accepted) = tokio::join!(connect(environment, &config), listener.accept());
    (dialled.unwrap(), accepted.unwrap())
}

#[tokio::test]
async fn after_the_end_nothing_hangs_although_messages_are_unread() {
    let (dialled, mut accepted) = pair(&Environment::default()).await;
    for index in 0..6 {
        dialled.send(Payload::text(format!("{index}"))).await.unwrap();
    }
    dialled.close(CloseRequest::because("done")).await;
    // The end has come, and six messages wait.
    let timeline = timeout(PATIENCE, async {
        loop {
            let timeline = accepted.timeline().await.to_string();
            if timeline.contains("■ closed") {
                break timeline;
            }
        }
    });
    assert!(timeline.await.unwrap().contains("done"));
    for _ in 0..2 {
        let sent = timeout(PATIENCE, accepted.send(Payload::text("late"))).await.unwrap();
        assert!(matches!(sent, Err(DriverError::Closed)));
    }
    for index in 0..6 {
        assert_eq!(accepted.recv().await, Some(Payload::text(format!("{index}"))));
    }
    assert_eq!(accepted.recv().await, None);
}

#[tokio::test]
async fn a_close_waits_for_a_slow_reader_and_keeps_its_reason() {
    let deadlines = Deadlines { close: Duration::from_millis(100), ..Deadlines::default() };
    let (dialled, mut accepted) = pair(&environment(deadlines)).await;
    let sender = dialled.sender();
    let mut sent = 0;
    while timeout(Duration::from_millis(300), sender.send(Payload::binary(vec![7; 65_536]))).await.is_ok() {
        sent += 1;
    }
    let (closed, read) = tokio::join!(dialled.close(CloseRequest::because("all said")), async {
        // Much longer than the answer to a close frame may take.
        sleep(Duration::from_millis(1000)).await;
        let mut read = 0;
        while accepted.recv().await.is_some() {
            read += 1;
        }
        read
    });
    assert!(read >= sent, "{read} of {sent} messages arrived");
    assert_eq!(closed.0.reason, "Close called: all said");
    assert_eq!(accepted.closed().await.reason, "Close called: all said");
}

#[tokio::test]
async fn empty_messages_are_not_free() {
    let (dialled, _accepted) = pair(&Environment::default()).await;
    let sender = dialled.sender();
    let mut sent = 0;
    while timeout(Duration::from_millis(500), sender.send(Payload::text(""))).await.is_ok() {
        sent += 1;
        assert!(sent < 400_000, "empty messages are taken without end although nobody reads");
    }
}

#[tokio::test]
async fn a_stranger_cannot_make_us_keep_a_long_message() {
    let mut listener = direct(&Environment::default()).await;
    let mut stranger = upgraded(&listener).await;
    // A text frame that announces 100 MB (RFC 6455 §5.2), of which a megabyte comes.
    let mut header = vec![0x81, 0xff];
    header.extend_from_slice(&100_000_000_u64.to_be_bytes());
    header.extend_from_slice(&[0; 4]);
    stranger.write_all(&header).await.unwrap();
    let sent = timeout(PATIENCE, async {
        let mut sent = 0;
        while stranger.write_all(&[b' '; 65_536]).await.is_ok() {
            sent += 65_536;
        }
        sent
    });
    // The system's own buffers take some; the connection ends long before the frame is complete.
    assert!(sent.await.unwrap() < 50_000_000);
    assert!(timeout(Duration::from_millis(50), listener.accept()).await.is_err());
}

#[tokio::test]
async fn pings_between_fragments_do_not_renew_a_strangers_budget() {
    let mut listener = direct(&Environment::default()).await;
    let mut stranger = upgraded(&listener).await;
    let sent = timeout(PATIENCE, async {
        let mut sent = 0_usize;
        loop {
            // A fragment of 60 kB (the first one a text, FIN not set), then a ping (RFC 6455 §5.4, §5.5.2).
            let opcode = u8::from(sent == 0);
            let mut frames = vec![opcode, 0xff];
            frames.extend_from_slice(&60_000_u64.to_be_bytes());
            frames.extend_from_slice(&[0; 4]);
            frames.extend_from_slice(&[b' '; 60_000]);
            frames.extend_from_slice(&[0x89, 0x80, 0, 0, 0, 0]);
            if sent > 50_000_000 || stranger.write_all(&frames).await.is_err() {
                return sent;
            }
            sent += 60_000;
        }
    });
    assert!(sent.await.unwrap() < 50_000_000);
    assert!(timeout(Duration::from_millis(50), listener.accept()).await.is_err());
}

async fn upgraded(listener: &DirectListener) -> TcpStream {
    let mut stranger = TcpStream::connect(listener.address()).await.unwrap();
    let upgrade = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stranger.write_all(upgrade.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(stranger.read_u8().await.unwrap());
    }
    assert!(answer.starts_with(b"HTTP/1.1 101"));
    stranger
}

#[tokio::test]
async fn a_dropped_attempt_leaves_no_phase_open() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let environment = Environment::default();
    let config = dial(server.local_addr().unwrap());
    let attempt = timeout(Duration::from_millis(100), connect(&environment, &config));
    assert!(attempt.await.is_err());
    let metrics = environment.events.metrics();
    let phase = metrics.phase(Role::Initiator, Phase::Connect);
    assert_eq!((phase.entries, phase.live()), (1, 0));
}

/// A CommServer that registers whoever comes.
async fn registered(server: &TcpListener) -> WebSocketStream<TcpStream> {
    let (stream, _) = server.accept().await.unwrap();
    let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
    let own = key(9);
    let shared = SharedKey::between(own.secret(), key(1).public());
    let (_, challenge) = Challenge::issue(&shared, os_entropy().as_mut());
    for answer in [
        message::authentication_request(own.public(), &challenge),
        message::authentication_success(Duration::from_secs(25)),
    ] {
        socket.next().await.unwrap().unwrap();
        send(&mut socket, answer).await;
    }
    socket
}

async fn send(socket: &mut WebSocketStream<TcpStream>, message: Payload) {
    let Payload::Text(text) = message else { panic!("control messages are text") };
    socket.send(text.into()).await.unwrap();
}

fn listen(server: &TcpListener) -> (Environment, Listener) {
    let environment = Environment::default();
    let config = ListenerConfig {
        url: format!("ws://{}", server.local_addr().unwrap()),
        keys: KeyRing::new(key(1)),
        spares: SparePolicy::Sequential,
        backoff: Backoff::new(&[Duration::from_millis(20)]),
    };
    let listener = Listener::start(&environment, config).unwrap();
    (environment, listener)
}

#[tokio::test]
async fn a_key_that_the_server_refuses_is_not_tried_again() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (environment, mut listener) = listen(&server);
    let (stream, _) = server.accept().await.unwrap();
    let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
    let reason = "Close called: CYENC-ENSPUB: Data is not a public key";
    let frame = CloseFrame { code: 1000.into(), reason: reason.into() };
    socket.close(Some(frame)).await.unwrap();
    while let Some(Ok(_)) = socket.next().await {}
    assert!(timeout(PATIENCE, listener.accept()).await.unwrap().is_none());
    assert!(listener.refusal().unwrap().to_string().contains("CYENC-ENSPUB"));
    assert_eq!(environment.events.metrics().retries(Role::Listener, Phase::Registration), 0);
}

#[tokio::test]
async fn a_stopped_listener_tells_everybody_why() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (_, listener) = listen(&server);
    let mut handed_over = registered(&server).await;
    send(&mut handed_over, Payload::text(message::CONNECTION_HANDOVER)).await;
    send(&mut handed_over, message::communication_request(key(2).public(), key(1).public())).await;
    assert_eq!(handed_over.next().await.unwrap().unwrap(), Message::text(message::COMMUNICATION_READY));
    let mut spare = registered(&server).await;
    let ends = async {
        for socket in [&mut handed_over, &mut spare] {
            let Message::Close(Some(frame)) = socket.next().await.unwrap().unwrap() else { panic!("no close frame") };
            assert_eq!(frame.reason.as_str(), "Close called.");
            while let Some(Ok(_)) = socket.next().await {}
        }
    };
    timeout(PATIENCE, async { tokio::join!(listener.stop(), ends) }).await.unwrap();
}
