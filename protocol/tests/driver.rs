//! The driver on real sockets, without a CommServer: peers dial each other directly.
#![cfg(feature = "driver")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed assumption in a test is a failed test")]

use std::sync::Arc;
use std::time::Duration;

use ratatosk_protocol::backoff::Backoff;
use ratatosk_protocol::close::CloseRequest;
use ratatosk_protocol::connection::{Cause, Config, Connector, Event, KeyRing};
use ratatosk_protocol::driver::{
    ConnectorConfig, DirectListener, DriverError, Environment, NoticeKind, Session, connect, connect_until_successful,
};
use ratatosk_protocol::key::{KeyPair, SecretKey};
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::phase::{Completed, Deadlines, Outcome, Phase, Role};
use ratatosk_protocol::plugin::Origin;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

fn key(seed: u8) -> KeyPair {
    SecretKey::from_bytes([seed; 32]).into()
}

fn to(url: String) -> ConnectorConfig {
    ConnectorConfig { url, connector: Connector { local: key(2), remote: *key(1).public() } }
}

async fn pair(environment: &Environment) -> (Session, Session) {
    let address = "127.0.0.1:0".parse().unwrap();
    let mut listener = DirectListener::bind(environment, address, KeyRing::new(key(1))).await.unwrap();
    let config = to(format!("ws://{}", listener.address()));
    let (dialled, accepted) = tokio::join!(connect(environment, &config), listener.accept());
    (dialled.unwrap(), accepted.unwrap())
}

#[tokio::test]
async fn messages_of_all_shapes_arrive_both_ways() {
    let (mut dialled, mut accepted) = pair(&Environment::default()).await;
    assert_eq!((accepted.local(), accepted.remote()), (key(1).public(), key(2).public()));
    let messages = [
        Payload::text("hello"),
        Payload::text(""),
        Payload::binary(vec![]),
        Payload::text("Grüße 世界 🎉"),
        Payload::text("keepalive"),
        Payload::text("x".repeat(200_000)),
        Payload::binary(vec![5; 3_000_000]),
    ];
    // Both send everything before either reads: neither may block the other.
    let (left, right) = (dialled.sender(), accepted.sender());
    let send = async |sender: &ratatosk_protocol::driver::SessionSender| {
        for message in messages.clone() {
            sender.send(message).await.unwrap();
        }
    };
    let read = async |session: &mut Session| {
        for message in &messages {
            assert_eq!(session.recv().await.as_ref(), Some(message));
        }
    };
    let all = async { tokio::join!(send(&left), send(&right), read(&mut dialled), read(&mut accepted)) };
    timeout(PATIENCE, all).await.unwrap();
    let (closed, timeline) = dialled.close(CloseRequest::because("done")).await;
    assert_eq!(closed.origin, Origin::Local);
    assert!(timeline.to_string().contains("encrypted in"));
    assert_eq!(accepted.recv().await, None);
    assert_eq!(accepted.closed().await.reason, "Close called: done");
}

#[tokio::test]
async fn what_was_sent_before_the_close_arrives_before_it() {
    let (dialled, mut accepted) = pair(&Environment::default()).await;
    for _ in 0..50 {
        dialled.send(Payload::binary(vec![1; 65_536])).await.unwrap();
        assert_eq!(accepted.recv().await.unwrap().len(), 65_536);
    }
    dialled.send(Payload::text("last")).await.unwrap();
    dialled.close(CloseRequest::Close(None)).await;
    assert_eq!(accepted.recv().await, Some(Payload::text("last")));
    assert_eq!(accepted.recv().await, None);
}

#[tokio::test]
async fn a_peer_that_does_not_read_does_not_make_the_sender_grow() {
    let (dialled, mut accepted) = pair(&Environment::default()).await;
    let sender = dialled.sender();
    let mut sent = 0;
    // Sockets and queues take a few megabytes; then the sender has to wait.
    while timeout(Duration::from_millis(300), sender.send(Payload::binary(vec![9; 65_536]))).await.is_ok() {
        sent += 1;
        assert!(sent < 1000, "65 MB were taken although nobody reads");
    }
    for _ in 0..sent {
        assert_eq!(timeout(PATIENCE, accepted.recv()).await.unwrap().unwrap().len(), 65_536);
    }
    assert!(timeout(PATIENCE, sender.send(Payload::text("again"))).await.is_ok());
}

#[tokio::test]
async fn nobody_there_is_an_error_that_says_so() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let error = connect(&Environment::default(), &to(format!("ws://127.0.0.1:{port}"))).await.unwrap_err();
    let DriverError::Connection(error) = error else { panic!("{error}") };
    assert_eq!(error.phase, Some(Phase::Connect));
    assert!(error.to_string().contains("nothing listens there"), "{error}");
    let bad = connect(&Environment::default(), &to("localhost".into())).await;
    assert!(matches!(bad, Err(DriverError::Url { .. })));
}

#[tokio::test]
async fn a_server_that_never_upgrades_ends_with_phase_one_and_a_closed_socket() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let deadlines = Deadlines { connect: Duration::from_millis(200), ..Deadlines::default() };
    let environment =
        Environment { config: Arc::new(Config { deadlines, ..Config::default() }), ..Environment::default() };
    let config = to(format!("ws://{}", server.local_addr().unwrap()));
    let (result, accepted) = tokio::join!(connect(&environment, &config), server.accept());
    let Err(DriverError::Connection(error)) = result else { panic!("connected") };
    assert_eq!((error.phase, error.cause), (Some(Phase::Connect), Cause::PhaseTimeout(Phase::Connect)));
    // The reference leaves the TCP connection open here.
    let mut rest = Vec::new();
    timeout(PATIENCE, accepted.unwrap().0.read_to_end(&mut rest)).await.unwrap().unwrap();
}

#[tokio::test]
async fn it_is_tried_again_until_somebody_is_there() {
    let environment = Environment::default();
    let mut events = environment.events.subscribe();
    let probe = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = probe.local_addr().unwrap();
    drop(probe);
    let config = to(format!("ws://{address}"));
    let backoff = Backoff::new(&[Duration::from_millis(20)]);
    let late = async {
        let mut retries = 0;
        while retries < 3 {
            retries += u32::from(matches!(events.next().await.kind, NoticeKind::Retrying { .. }));
        }
        let mut listener = DirectListener::bind(&environment, address, KeyRing::new(key(1))).await.unwrap();
        let session = listener.accept().await.unwrap();
        (listener, session)
    };
    let (session, _late) =
        timeout(PATIENCE, async { tokio::join!(connect_until_successful(&environment, &config, backoff), late) })
            .await
            .unwrap();
    session.unwrap();
    let metrics = environment.events.metrics();
    assert!(metrics.retries(Role::Initiator, Phase::Connect) >= 3);
    assert_eq!(metrics.phase(Role::Initiator, Phase::Encryption).exits[0], 1);
}

#[tokio::test]
async fn a_dropped_session_drops_the_connection() {
    let (dialled, mut accepted) = pair(&Environment::default()).await;
    drop(dialled);
    assert_eq!(timeout(PATIENCE, accepted.recv()).await.unwrap(), None);
    assert_eq!(accepted.closed().await.error.cause, Cause::ClosedByPeer(None));
}

#[tokio::test]
async fn events_tell_the_whole_story() {
    let environment = Environment::default();
    let mut events = environment.events.subscribe();
    let (dialled, mut accepted) = pair(&environment).await;
    dialled.close(CloseRequest::Close(None)).await;
    accepted.closed().await;
    let mut phases = Vec::new();
    while let Some(notice) = events.try_next() {
        if let (Role::Initiator, NoticeKind::Connection(Event::PhaseExited { phase, .. })) = (notice.role, notice.kind)
        {
            phases.push(phase);
        }
    }
    assert_eq!(phases, [Phase::Connect, Phase::PairingRequest, Phase::Handover, Phase::Encryption]);
    assert_eq!(events.missed(), 0);
}

/// What is sent before belongs to phase 6, what is sent after does not, whatever the task of the connection does first.
#[tokio::test]
async fn phase_six_ends_between_two_messages() {
    let config = Arc::new(Config { completion: true, ..Config::default() });
    let environment = Environment { config, ..Environment::default() };
    let (mut dialled, mut accepted) = pair(&environment).await;
    for session in [&dialled, &accepted] {
        session.send(Payload::text(r#"{"command":"identity"}"#)).await.unwrap();
        session.complete(Completed::Paired).await;
        session.send(Payload::text("of the group")).await.unwrap();
    }
    for session in [&mut dialled, &mut accepted] {
        session.recv().await.unwrap();
        session.recv().await.unwrap();
        let timeline = session.timeline().await.to_string();
        assert!(timeline.contains("→ identity") && timeline.contains("= pairing_complete"), "{timeline}");
        assert!(!timeline.contains("→ unknown"), "{timeline}");
    }
    let metrics = environment.events.metrics();
    assert_eq!((metrics.pairings(Role::Initiator), metrics.pairings(Role::Listener)), (1, 1));
}

/// Whoever is invited closes right behind its identity: what the other end makes of that still counts.
#[tokio::test]
async fn a_close_behind_the_last_message_of_phase_six_does_not_overtake_it() {
    let config = Arc::new(Config { completion: true, ..Config::default() });
    for (completed, left) in [
        (Completed::Paired, "= pairing_complete"),
        (Completed::Verified, "= peer_verified"),
        (Completed::Failed(Outcome::Error), "rejected"),
    ] {
        let environment = Environment { config: config.clone(), ..Environment::default() };
        let (dialled, mut accepted) = pair(&environment).await;
        dialled.send(Payload::text("identity")).await.unwrap();
        dialled.complete(Completed::Paired).await;
        // Both sockets have come to their end when this returns.
        dialled.close(CloseRequest::because("done")).await;
        assert_eq!(accepted.recv().await, Some(Payload::text("identity")));
        assert_eq!(accepted.recv().await, None);
        accepted.complete(completed).await;
        let timeline = accepted.timeline().await.to_string();
        assert!(timeline.contains(left), "{timeline}");
        let closed = accepted.closed().await;
        assert!(matches!(closed.error.cause, Cause::ClosedByPeer(Some(_))), "{closed:?}");
        let pairings = environment.events.metrics().pairings(Role::Listener);
        assert_eq!(pairings, u64::from(completed == Completed::Paired));
    }
}

/// Without a crypto provider rustls would panic here instead of failing.
#[cfg(feature = "tls")]
#[tokio::test]
async fn wss_to_a_server_without_tls_is_an_error() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = to(format!("wss://{}", server.local_addr().unwrap()));
    let environment = Environment::default();
    let answer = async {
        let (mut stream, _) = server.accept().await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        stream
    };
    let (result, _stream) = tokio::join!(connect(&environment, &config), answer);
    let Err(DriverError::Connection(error)) = result else { panic!("connected") };
    assert_eq!(error.phase, Some(Phase::Connect));
}
