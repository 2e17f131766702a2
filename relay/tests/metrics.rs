//! Every metric moves when it should, and only then.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::time::Duration;

use common::scrape::{Page, until};
use common::{Client, end, key, pair, raw, relay, relay_with, until_empty, within};
use futures_util::SinkExt;
use ratatosk_protocol::message::{self, AuthenticationRequest, PING, Payload};
use ratatosk_relay::registry::Limits;
use ratatosk_relay::session::Timer;
use ratatosk_relay::{Config, Server};

/// Checks several sums at once.
fn expect(server: &Server, name: &str, values: &[(&[(&str, &str)], f64)]) {
    let page = Page::of(server);
    for (labels, value) in values {
        assert_eq!(page.value(name, labels), *value, "{name}{labels:?}");
    }
}

#[tokio::test]
async fn connections_by_state_and_keys() {
    let server = relay(&[(Timer::PingInterval, 50), (Timer::PongTimeout, 15_000)]).await;
    let address = server.local_addr();
    let state = |state| Page::of(&server).value("connections", &[("state", state)]);
    let silent = raw::connect(address).await;
    until(&server, "connections", &[("state", "handshaking")], |number| number == 1.0).await;
    drop(silent);
    until(&server, "connections", &[], |number| number == 0.0).await;

    let mut spare = Client::register(address, &key(1)).await;
    assert_eq!((state("spare"), state("reserved")), (1.0, 0.0));
    assert_eq!(Page::of(&server).value("registered_keys", &[]), 1.0);
    assert_eq!(spare.recv_text().await, PING);
    let mut requester = Client::request(address, &key(2), key(1).public()).await;
    until(&server, "connections", &[("state", "reserved")], |number| number == 1.0).await;
    assert_eq!(state("spare"), 0.0);
    spare.send_text(message::PONG).await;
    spare.handed_over(&key(2), &key(1)).await;
    assert_eq!((state("paired"), state("reserved"), state("handshaking")), (2.0, 0.0, 0.0));
    assert_eq!(Page::of(&server).value("registered_keys", &[]), 0.0);
    requester.close(1000, "").await;
    drop((spare, requester));
    until_empty(&server).await;

    // It is told why, and does not answer.
    let _mute = raw::upgrade_and(address, &raw::frame(raw::BINARY, b"")).await;
    until(&server, "connections", &[("state", "closing")], |number| number == 1.0).await;
}

#[tokio::test]
async fn every_end_has_its_phase_and_reason() {
    let server = relay(&[(Timer::Handshake, 300), (Timer::Close, 50)]).await;
    let address = server.local_addr();
    raw::rest(&mut raw::connect(address).await).await;
    raw::rest(&mut raw::upgrade_and(address, b"").await).await;
    Client::connect(address).await.send_text("junk").await;
    raw::rest(&mut raw::upgrade_and(address, &raw::frame(raw::TEXT, b"\xff")).await).await;
    drop(raw::upgrade_and(address, &raw::message(&message::register(key(1).public()))).await);
    let mut nobody = Client::request(address, &key(1), key(2).public()).await;
    nobody.ended().await;
    let mut spare = Client::register(address, &key(3)).await;
    spare.close(1000, "").await;
    let (mut connector, listener) = pair(address, &key(1), &key(2)).await;
    connector.close(1000, "").await;
    drop((connector, listener));
    until_empty(&server).await;

    let cases = [
        ("upgrade", "timeout", 1.0),
        ("first_message", "timeout", 1.0),
        ("first_message", "malformed", 1.0),
        ("first_message", "violation", 1.0),
        ("authentication", "aborted", 1.0),
        ("handover", "no_listener", 1.0),
        ("spare", "client_closed", 1.0),
        ("paired", "client_closed", 1.0),
        ("paired", "partner", 1.0),
    ];
    for (phase, reason, value) in cases {
        expect(&server, "connections_closed_total", &[(&[("phase", phase), ("reason", reason)], value)]);
    }
    let all = Page::of(&server).value("connections_closed_total", &[]);
    assert_eq!(all, 9.0, "and no other");
    expect(&server, "connections_accepted_total", &[(&[("listener", "ws")], 9.0)]);
}

#[tokio::test]
async fn authentication() {
    let server = relay(&[(Timer::Handshake, 300), (Timer::Close, 50)]).await;
    let address = server.local_addr();
    let challenged = async |number| {
        let mut client = Client::connect(address).await;
        client.send(message::register(key(number).public())).await;
        let request = AuthenticationRequest::parse(&client.recv().await).unwrap();
        (client, request)
    };
    let _spare = Client::register(address, &key(1)).await;
    let (mut impostor, request) = challenged(2).await;
    impostor.send(message::authentication_response(&request.challenge)).await;
    impostor.ended().await;
    let (mut mute, _) = challenged(4).await;
    mute.ended().await;
    drop(challenged(5).await);
    until(&server, "auth_attempts_total", &[], |number| number == 4.0).await;
    let outcomes = ["ok", "rejected", "timeout", "error"];
    for outcome in outcomes {
        expect(&server, "auth_attempts_total", &[(&[("outcome", outcome)], 1.0)]);
    }
}

#[tokio::test]
async fn limits() {
    let limits = Limits { spares_per_key: 1, spares: 2, connections: 3, handshaking: 1, ..Limits::default() };
    let server = relay_with(Config { limits, ..Config::default() }, &[(Timer::Close, 50)]).await;
    let address = server.local_addr();
    let refused = async |number| {
        let mut client = Client::connect(address).await;
        client.send(message::register(key(number).public())).await;
        let request = AuthenticationRequest::parse(&client.recv().await).unwrap();
        client.send(common::answer(&key(number), &request)).await;
        client.ended().await;
    };
    let first = Client::register(address, &key(1)).await;
    refused(1).await;
    let second = Client::register(address, &key(2)).await;
    refused(3).await;
    until(&server, "connections", &[], |number| number == 2.0).await;
    let silent = raw::connect(address).await;
    until(&server, "connections", &[], |number| number == 3.0).await;
    raw::rest(&mut raw::connect(address).await).await;
    drop(first);
    until(&server, "connections", &[], |number| number == 2.0).await;
    raw::rest(&mut raw::connect(address).await).await;
    drop((silent, second));
    for (limit, scope) in
        [("spares", "key"), ("spares", "global"), ("connections", "global"), ("handshaking", "global")]
    {
        expect(&server, "limit_rejections_total", &[(&[("limit", limit), ("scope", scope)], 1.0)]);
    }
    expect(&server, "connections_closed_total", &[(&[("phase", "registration"), ("reason", "limit")], 2.0)]);
    // The proof was good in each case.
    expect(&server, "auth_attempts_total", &[(&[("outcome", "ok")], 4.0), (&[], 4.0)]);
}

#[tokio::test]
async fn handovers() {
    let server = relay(&[(Timer::PingInterval, 100), (Timer::PongTimeout, 600), (Timer::Handshake, 300)]).await;
    let address = server.local_addr();
    let outcome = |outcome| Page::of(&server).value("handovers_total", &[("outcome", outcome), ("placement", "local")]);
    let mut listeners = Vec::new();
    for _ in 0..3 {
        listeners.push(Client::register(address, &key(1)).await);
    }
    expect(&server, "spares_per_key_count", &[(&[], 3.0)]);
    expect(&server, "spares_per_key_sum", &[(&[], 6.0)]);
    expect(&server, "spares_per_key_bucket", &[(&[("le", "2")], 2.0)]);

    let _connector = Client::request(address, &key(2), key(1).public()).await;
    listeners[2].handed_over(&key(2), &key(1)).await;
    assert_eq!(outcome("ok"), 1.0);
    expect(&server, "handover_wait_seconds_count", &[(&[], 1.0)]);
    expect(&server, "spare_age_seconds_count", &[(&[], 1.0)]);
    drop(listeners.drain(..2));

    Client::request(address, &key(2), key(9).public()).await.ended().await;
    assert_eq!(outcome("no_spare"), 1.0);

    // It owes a pong for longer than the requester has.
    let mut late = Client::register(address, &key(3)).await;
    assert_eq!(late.recv_text().await, PING);
    let timed_out = Client::request(address, &key(2), key(3).public()).await.ended().await;
    assert_eq!(timed_out, end(1000, "Terminate called: Handshake: Connection timed out"));
    assert_eq!(outcome("timeout"), 1.0);

    // It never pays.
    let mut dead = Client::register(address, &key(4)).await;
    assert_eq!(dead.recv_text().await, PING);
    let mut requester = Client::request(address, &key(2), key(4).public()).await;
    until(&server, "connections", &[("state", "reserved")], |number| number >= 1.0).await;
    drop(dead);
    requester.ended().await;
    assert_eq!(outcome("stale_spare"), 1.0);
    assert_eq!(outcome("ok"), 1.0);
}

#[tokio::test]
async fn what_is_forwarded() {
    let server = relay(&[]).await;
    let (mut connector, mut listener) = pair(server.local_addr(), &key(1), &key(2)).await;
    // Larger ones may be passed on in parts.
    for length in [0, 1, 60_000] {
        connector.send(Payload::binary(vec![1; length])).await;
        listener.recv().await;
    }
    listener.send_text("back").await;
    connector.recv().await;
    expect(&server, "forwarded_bytes_total", &[(&[("direction", "to_listener")], 60_001.0)]);
    expect(&server, "forwarded_frames_total", &[(&[("direction", "to_listener")], 3.0)]);
    expect(&server, "forwarded_bytes_total", &[(&[("direction", "to_connector")], 4.0)]);
    expect(&server, "forwarded_frames_total", &[(&[("direction", "to_connector")], 1.0)]);
    expect(&server, "pair_duration_seconds_count", &[(&[], 0.0)]);
    connector.close(1000, "").await;
    listener.ended().await;
    until(&server, "pair_duration_seconds_count", &[], |number| number == 1.0).await;
    expect(&server, "pair_duration_seconds_bucket", &[(&[("le", "+Inf")], 1.0)]);
}

#[tokio::test]
async fn a_receiver_that_does_not_read() {
    let server = relay(&[(Timer::Stall, 700), (Timer::Close, 50)]).await;
    let (mut connector, _listener) = pair(server.local_addr(), &key(1), &key(2)).await;
    let message = Payload::binary(vec![7; 64 * 1024]);
    let flood = async {
        loop {
            if connector.ws.send(common::to_message(message.clone())).await.is_err() {
                break;
            }
        }
    };
    let watch = async {
        until(&server, "buffered_bytes", &[], |bytes| bytes > 0.0).await;
        until(&server, "write_timeouts_total", &[], |number| number == 1.0).await;
    };
    tokio::select! {
        () = flood => panic!("it is not read, so it cannot end before the stall is seen"),
        () = within(watch) => {}
    }
    drop(connector);
    until_empty(&server).await;
    expect(&server, "buffered_bytes", &[(&[], 0.0)]);
    expect(&server, "connections_closed_total", &[(&[("phase", "paired"), ("reason", "stalled")], 1.0)]);
    expect(&server, "phase_duration_seconds_count", &[(&[("phase", "paired"), ("outcome", "timeout")], 1.0)]);
    let waited = Page::of(&server).value("backpressure_stall_seconds_total", &[]);
    assert!((0.6..20.0).contains(&waited), "{waited}");
}

#[tokio::test]
async fn early_data_is_buffered_until_it_is_handed_on() {
    let server = relay(&[(Timer::PingInterval, 50), (Timer::PongTimeout, 15_000)]).await;
    let mut listener = Client::register(server.local_addr(), &key(2)).await;
    assert_eq!(listener.recv_text().await, PING);
    let mut connector = Client::request(server.local_addr(), &key(1), key(2).public()).await;
    connector.send(Payload::binary(vec![1; 5000])).await;
    until(&server, "buffered_bytes", &[], |bytes| bytes >= 5000.0).await;
    listener.send_text(message::PONG).await;
    listener.handed_over(&key(1), &key(2)).await;
    listener.recv().await;
    until(&server, "buffered_bytes", &[], |bytes| bytes == 0.0).await;
}

#[tokio::test]
async fn what_the_relay_is_and_does() {
    let server = relay(&[(Timer::Handshake, 1500), (Timer::Close, 250)]).await;
    let version = env!("CARGO_PKG_VERSION");
    let commit = option_env!("COMMSERVER_COMMIT").unwrap_or("unknown");
    expect(&server, "build_info", &[(&[("version", version), ("commit", commit)], 1.0)]);
    expect(&server, "phase_timeout_seconds", &[(&[("phase", "handshake")], 1.5), (&[("phase", "close")], 0.25)]);
    expect(&server, "draining", &[(&[], 0.0)]);
    let (_connector, _listener) = pair(server.local_addr(), &key(1), &key(2)).await;
    let view = server.view();
    assert!(view.is_alive());
    let stopped = tokio::spawn(server.shutdown(Duration::from_millis(300)));
    let draining = async {
        while Page::parse(&view.metrics()).value("draining", &[]) == 0.0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    within(draining).await;
    assert!(view.is_alive() && view.is_draining());
    within(stopped).await.unwrap();
    assert!(!view.is_alive());
}
