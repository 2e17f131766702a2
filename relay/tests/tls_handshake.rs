//! TLS handshakes that come to nothing.
#![cfg(feature = "tls")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::scrape::{Page, until};
use common::tls::{Authority, name};
use common::{Client, key, raw, relay_with, until_empty, within};
use ratatosk_relay::registry::Limits;
use ratatosk_relay::session::Timer;
use ratatosk_relay::{Config, Server};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const DEADLINE: Duration = Duration::from_millis(600);

async fn relay(authority: &Authority) -> (Server, SocketAddr) {
    let server = authority.relay(&[(Timer::Handshake, 600), (Timer::Close, 300)]).await;
    let address = server.tls_addr().unwrap();
    (server, address)
}

/// What a client says first.
fn client_hello() -> Vec<u8> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth();
    let mut bytes = Vec::new();
    ClientConnection::new(Arc::new(config), name()).unwrap().write_tls(&mut bytes).unwrap();
    bytes
}

/// One byte now and then, each in time for any timer but an absolute one.
async fn drip(stream: &mut TcpStream, bytes: &[u8]) {
    for byte in bytes {
        if stream.write_all(&[*byte]).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn closed(server: &Server, reason: &str) -> f64 {
    let labels = [("phase", "tls"), ("reason", reason)];
    until(server, "connections_closed_total", &labels, |number| number > 0.0).await;
    Page::of(server).value("connections_closed_total", &labels)
}

#[tokio::test]
async fn half_a_handshake_ends_at_the_deadline() {
    let authority = Authority::default();
    let hello = client_hello();
    // Silence, a cut, all of the client's first flight and nothing behind it, and bytes that drip.
    for (bytes, slowly) in [(&hello[..0], false), (&hello[..100], false), (&hello[..], false), (&hello[..], true)] {
        let (server, address) = relay(&authority).await;
        let start = Instant::now();
        let mut stream = raw::connect(address).await;
        let (mut reader, mut writer) = stream.split();
        let write = async {
            if slowly {
                for byte in bytes {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    if writer.write_all(&[*byte]).await.is_err() {
                        break;
                    }
                }
            } else {
                writer.write_all(bytes).await.unwrap();
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            _ = raw::rest(&mut reader) => {}
            () = write => {}
        }
        let took = start.elapsed();
        assert!((DEADLINE..DEADLINE * 3).contains(&took), "{took:?} with {} bytes", bytes.len());
        assert_eq!(closed(&server, "timeout").await, 1.0);
        until_empty(&server).await;
    }
}

#[tokio::test]
async fn the_deadline_is_one_for_tls_and_all_that_follows() {
    let authority = Authority::default();
    let (server, address) = relay(&authority).await;
    let start = Instant::now();
    let stream = raw::connect(address).await;
    tokio::time::sleep(DEADLINE / 2).await;
    let mut stream = authority.secure(stream).await;
    let answer = raw::rest(&mut stream).await;
    assert!(answer.starts_with(b"HTTP/1.1 408 "), "{}", String::from_utf8_lossy(&answer));
    let took = start.elapsed();
    assert!((DEADLINE..DEADLINE * 3 / 2).contains(&took), "{took:?}");
    drop(stream);
    until_empty(&server).await;
}

#[tokio::test]
async fn plain_http_gets_an_alert() {
    let authority = Authority::default();
    let (server, address) = relay(&authority).await;
    let mut stream = raw::connect(address).await;
    stream.write_all(raw::UPGRADE.as_bytes()).await.unwrap();
    let answer = raw::rest(&mut stream).await;
    // A record of type alert, level fatal.
    assert_eq!((answer[0], answer[5]), (21, 2), "{answer:?}");
    assert_eq!(answer.len(), 7);
    // It is told, and not waited for: it has not even ended its side.
    assert_eq!(closed(&server, "tls").await, 1.0);
    until_empty(&server).await;
    drop(stream);
}

#[tokio::test]
async fn who_does_not_believe_the_certificate_is_let_go() {
    let (authority, stranger) = (Authority::default(), Authority::default());
    let (server, address) = relay(&authority).await;
    let stream = raw::connect(address).await;
    let connector = stranger.client(rustls::DEFAULT_VERSIONS);
    assert!(within(connector.connect(name(), stream)).await.is_err());
    assert_eq!(closed(&server, "tls").await, 1.0);
    until_empty(&server).await;
}

#[tokio::test]
async fn who_leaves_in_the_middle_is_gone() {
    let authority = Authority::default();
    let (server, address) = relay(&authority).await;
    let mut stream = raw::connect(address).await;
    drip(&mut stream, &client_hello()[..3]).await;
    drop(stream);
    assert_eq!(closed(&server, "aborted").await, 1.0);
    until_empty(&server).await;
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_handshake() {
    let authority = Authority::default();
    let server = authority.relay(&[(Timer::Handshake, 60_000)]).await;
    let mut stream = raw::connect(server.tls_addr().unwrap()).await;
    common::until(&server, |snapshot| snapshot != ratatosk_relay::Snapshot::default()).await;
    let view = server.view();
    within(server.shutdown(Duration::from_secs(60))).await;
    assert_eq!(raw::rest(&mut stream).await, b"");
    let page = view.metrics();
    assert!(page.contains("connections_closed_total{phase=\"tls\",reason=\"shutdown\"} 1"), "{page}");
}

#[tokio::test]
async fn a_full_relay_writes_no_http_into_tls() {
    let authority = Authority::default();
    let tls = Some(authority.install(&authority.certify(2029)));
    let limits = Limits { connections: 1, ..Limits::default() };
    let server = relay_with(Config { tls, limits, ..Config::default() }, &[]).await;
    let _first = Client::register(server.local_addr(), &key(1)).await;
    let mut second = raw::connect(server.tls_addr().unwrap()).await;
    assert_eq!(raw::rest(&mut second).await, b"");
    // Others are told, where that can be done.
    let mut third = raw::connect(server.local_addr()).await;
    assert!(raw::rest(&mut third).await.starts_with(b"HTTP/1.1 503 "));
}

#[tokio::test]
async fn a_request_that_is_no_upgrade_is_answered_over_tls() {
    let authority = Authority::default();
    let (_server, address) = relay(&authority).await;
    let mut stream = authority.connect(address).await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    stream.flush().await.unwrap();
    let mut answer = Vec::new();
    // A clean end: with a close_notify.
    within(stream.read_to_end(&mut answer)).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 426 "), "{}", String::from_utf8_lossy(&answer));
}
