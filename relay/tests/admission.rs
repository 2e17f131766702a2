//! Who is let in by lists of addresses and keys, from the first byte and after a reload.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::net::Ipv4Addr;
use std::sync::Arc;

use common::network::connect_from;
use common::scrape::{Page, until};
use common::{Client, NO_LISTENER, end, key, raw, relay, relay_with};
use ratatosk_protocol::key::KeyPair;
use ratatosk_relay::session::Timer;
use ratatosk_relay::{Admission, Config, List, Server};

const NOT_ADMITTED: &str = "Close called: This publicKey is not admitted.";

fn list(lines: &[String]) -> Option<Arc<List>> {
    Some(Arc::new(List::parse(&lines.join("\n")).unwrap()))
}

fn hex(key: &KeyPair) -> String {
    key.public().to_hex()
}

fn allowing(lines: &[String]) -> Config {
    Config { admission: Admission { allow: list(lines), ..Admission::default() }, ..Config::default() }
}

fn denying(lines: &[String]) -> Config {
    Config { admission: Admission { deny: list(lines), ..Admission::default() }, ..Config::default() }
}

fn denied(server: &Server, what: &str) -> f64 {
    Page::of(server).value("admission_denied_total", &[("what", what), ("by", "list")])
}

/// What a client gets at once that says nothing.
async fn greeting(server: &Server, from: Ipv4Addr) -> String {
    let mut stream = connect_from(from, server.local_addr()).await;
    String::from_utf8(raw::rest(&mut stream).await).unwrap()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_address_that_is_denied_is_told_so_at_once() {
    let server = relay_with(denying(&["127.0.0.2".to_owned()]), &[(Timer::Handshake, 30_000)]).await;
    let answer = greeting(&server, Ipv4Addr::new(127, 0, 0, 2)).await;
    assert!(answer.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{answer}");
    let page = Page::of(&server);
    assert_eq!(page.value("connections_closed_total", &[("phase", "upgrade"), ("reason", "denied")]), 1.0);
    assert_eq!(page.value("phase_duration_seconds_count", &[("phase", "upgrade"), ("outcome", "rejected")]), 1.0);
    assert_eq!(denied(&server, "address"), 1.0);
    Client::register(server.local_addr(), &key(1)).await;
    assert_eq!(denied(&server, "address"), 1.0);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn only_addresses_on_an_allow_list_that_names_any_may_connect() {
    let server = relay_with(allowing(&["127.0.0.1".to_owned()]), &[]).await;
    assert!(greeting(&server, Ipv4Addr::new(127, 0, 0, 2)).await.starts_with("HTTP/1.1 403 "));
    // It names no keys, so all may register.
    Client::register(server.local_addr(), &key(1)).await;
    server.reconfigure(allowing(&[hex(&key(1))])).unwrap();
    let elsewhere = connect_from(Ipv4Addr::new(127, 0, 0, 2), server.local_addr()).await;
    Client::over(elsewhere).await.try_register(&key(1)).await.unwrap();
}

#[tokio::test]
async fn a_key_that_is_denied_may_not_register_once_it_is_proven() {
    let server = relay_with(denying(&[hex(&key(1))]), &[]).await;
    let refused = Client::connect(server.local_addr()).await.try_register(&key(1)).await;
    assert_eq!(refused.err(), Some(end(1000, NOT_ADMITTED)));
    assert_eq!(denied(&server, "register"), 1.0);
    // The proof was good, and the refusal belongs to what comes behind it.
    until(&server, "auth_attempts_total", &[("outcome", "ok")], |number| number == 1.0).await;
    let page = Page::of(&server);
    assert_eq!(page.value("connections_closed_total", &[("phase", "registration"), ("reason", "denied")]), 1.0);
    Client::register(server.local_addr(), &key(2)).await;
    assert_eq!(denied(&server, "register"), 1.0);
}

#[tokio::test]
async fn who_cannot_prove_a_key_learns_nothing_about_the_lists() {
    let server = relay_with(denying(&[hex(&key(1))]), &[]).await;
    let mut ends = Vec::new();
    for number in [1, 2] {
        let mut client = Client::connect(server.local_addr()).await;
        client.send(ratatosk_protocol::message::register(key(number).public())).await;
        let request = ratatosk_protocol::message::AuthenticationRequest::parse(&client.recv().await).unwrap();
        client.send(ratatosk_protocol::message::authentication_response(&request.challenge)).await;
        ends.push(client.ended().await);
    }
    assert_eq!(ends[0], end(1000, "Close called: Client authentication failed."));
    assert_eq!(ends[0], ends[1]);
    assert_eq!(denied(&server, "register"), 0.0);
}

#[tokio::test]
async fn only_keys_on_an_allow_list_that_names_any_may_register() {
    let server = relay_with(allowing(&[hex(&key(1))]), &[]).await;
    let refused = Client::connect(server.local_addr()).await.try_register(&key(2)).await;
    assert_eq!(refused.err(), Some(end(1000, NOT_ADMITTED)));
    // A source proves nothing, so the list does not mean it.
    let mut spare = Client::register(server.local_addr(), &key(1)).await;
    let _connector = Client::request(server.local_addr(), &key(2), key(1).public()).await;
    spare.handed_over(&key(2), &key(1)).await;
}

#[tokio::test]
async fn requests_by_and_for_denied_keys_find_nobody() {
    let server = relay(&[]).await;
    let _spares =
        [Client::register(server.local_addr(), &key(1)).await, Client::register(server.local_addr(), &key(2)).await];
    server.reconfigure(denying(&[hex(&key(1)), hex(&key(3))])).unwrap();
    for (source, target) in [(4, 1), (3, 2)] {
        let mut connector = Client::request(server.local_addr(), &key(source), key(target).public()).await;
        assert_eq!(connector.ended().await, end(1000, NO_LISTENER), "{source} to {target}");
    }
    assert_eq!(denied(&server, "request"), 2.0);
    // No spare was touched.
    assert_eq!(server.snapshot().spares, 2);
    let page = Page::of(&server);
    assert_eq!(page.value("connections_closed_total", &[("phase", "handover"), ("reason", "denied")]), 2.0);
}

#[tokio::test]
async fn a_spare_whose_key_or_address_is_denied_by_a_reload_leaves_at_its_next_ping() {
    for line in [hex(&key(1)), "127.0.0.0/8".to_owned()] {
        let server = relay(&[(Timer::PingInterval, 100)]).await;
        let mut spare = Client::register(server.local_addr(), &key(1)).await;
        server
            .reconfigure(Config { timeouts: ratatosk_relay::session::Timeouts::default(), ..denying(&[line]) })
            .unwrap();
        assert_eq!(spare.ended().await, end(1000, NOT_ADMITTED));
        common::until_empty(&server).await;
        assert_eq!(
            Page::of(&server).value("connections_closed_total", &[("phase", "spare"), ("reason", "denied")]),
            1.0
        );
    }
}
