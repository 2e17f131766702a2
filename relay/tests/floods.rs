//! Floods of connections and registrations: what each limit refuses and how, that nobody else notices, and that room
//! comes back.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use common::network::connect_from;
use common::scrape::Page;
use common::{Client, End, PATIENCE, end, key, raw, relay_with, until, until_empty, within};
use ratatosk_protocol::message::{self, AuthenticationRequest};
use ratatosk_relay::registry::{Limits, Phase, Rate, Rates};
use ratatosk_relay::{Config, Server};
use tokio::net::TcpStream;

const HERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const THERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);

/// Slow enough that a burst can be told from it, quick enough to wait for.
const RATE: Rate = Rate { per_second: 1, burst: 4 };

/// A relay that counts this machine like everybody else.
fn counting() -> Config {
    Config { unlimited: Vec::new(), ..Config::default() }
}

async fn with_limits(limits: Limits) -> Server {
    relay_with(Config { limits, ..counting() }, &[]).await
}

async fn with_rates(rates: Rates) -> Server {
    relay_with(Config { rates, ..counting() }, &[]).await
}

fn refusals(server: &Server, limit: &str, scope: &str) -> f64 {
    Page::of(server).value("limit_rejections_total", &[("limit", limit), ("scope", scope)])
}

/// The only limit that has refused anything, and how often.
#[track_caller]
fn only(server: &Server, limit: &str, scope: &str, times: usize) {
    assert_eq!(refusals(server, limit, scope), times as f64, "{limit} {scope}");
    assert_eq!(Page::of(server).value("limit_rejections_total", &[]), times as f64);
}

async fn register(server: &Server, client: Ipv4Addr, number: u16) -> Result<Client, End> {
    let stream = connect_from(client, server.local_addr()).await;
    Client::over(stream).await.try_register(&key(number)).await
}

/// A connection after the upgrade, or the answer that refuses it.
async fn upgrade(server: &Server, client: Ipv4Addr) -> Result<TcpStream, String> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = connect_from(client, server.local_addr()).await;
    // Who is refused at once may be gone already.
    let _ = stream.write_all(raw::UPGRADE.as_bytes()).await;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        match within(stream.read_u8()).await {
            Ok(byte) => answer.push(byte),
            Err(_) => return Err(String::from_utf8(answer).unwrap()),
        }
    }
    if answer.starts_with(b"HTTP/1.1 101 ") {
        return Ok(stream);
    }
    answer.extend(raw::rest(&mut stream).await);
    Err(String::from_utf8(answer).unwrap())
}

/// The answer to a connection that is refused as soon as it is there, and to which nothing was said.
async fn greeting(server: &Server, client: Ipv4Addr) -> String {
    String::from_utf8(raw::rest(&mut connect_from(client, server.local_addr()).await).await).unwrap()
}

const TOO_MANY: &str = "HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\nRetry-After: 10\r\n\
    Content-Type: text/plain\r\nContent-Length: 17\r\n\r\nToo Many Requests";

/// Tries until it is refused. What was let in is what [`RATE`] allows, and after a while one more is.
async fn flood<T, E>(attempt: impl AsyncFn() -> Result<T, E>) -> (Vec<T>, E) {
    let start = Instant::now();
    let mut let_in = Vec::new();
    let refusal = loop {
        match attempt().await {
            Ok(one) => let_in.push(one),
            Err(refusal) => break refusal,
        }
        assert!(start.elapsed() < PATIENCE, "nobody is refused");
    };
    let burst = u64::from(RATE.burst);
    let most = burst + start.elapsed().as_secs() + 1;
    assert!((burst..=most).contains(&(let_in.len() as u64)), "{} were let in", let_in.len());
    (let_in, refusal)
}

/// Tries until it is let in again.
async fn room_comes_back<T, E>(attempt: impl AsyncFn() -> Result<T, E>) {
    within(async {
        while attempt().await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn spares_of_one_key() {
    let server = with_limits(Limits { spares_per_key: 2, ..Limits::default() }).await;
    let mut spares = vec![register(&server, HERE, 1).await.unwrap(), register(&server, THERE, 1).await.unwrap()];
    let refusal = register(&server, THERE, 1).await.map(drop).unwrap_err();
    assert_eq!(refusal, end(1000, "Close called: Too many spare connections for this publicKey."));
    only(&server, "spares", "key", 1);
    let _other = register(&server, HERE, 2).await.unwrap();
    spares.pop();
    until(&server, |snapshot| snapshot.spares == 2).await;
    register(&server, THERE, 1).await.unwrap();
    only(&server, "spares", "key", 1);
}

#[tokio::test]
async fn spares_of_one_address() {
    let server = with_limits(Limits { spares_per_ip: 2, ..Limits::default() }).await;
    let mut spares = vec![register(&server, HERE, 1).await.unwrap(), register(&server, HERE, 2).await.unwrap()];
    let refusal = register(&server, HERE, 3).await.map(drop).unwrap_err();
    assert_eq!(refusal, end(1000, "Close called: Too many spare connections from this address."));
    only(&server, "spares", "ip", 1);
    let _other = register(&server, THERE, 3).await.unwrap();
    spares.pop();
    until(&server, |snapshot| snapshot.spares == 2).await;
    register(&server, HERE, 3).await.unwrap();
    only(&server, "spares", "ip", 1);
}

#[tokio::test]
async fn registrations_from_one_address() {
    let server = with_rates(Rates { registrations_per_ip: RATE, ..Rates::default() }).await;
    // Whether the key is proven or not: the challenge is what costs.
    let attempt = async || {
        let mut client = Client::over(connect_from(HERE, server.local_addr()).await).await;
        client.send(message::register(key(1).public())).await;
        match client.try_recv().await {
            Ok(payload) => AuthenticationRequest::parse(&payload).map(drop).map_err(|error| panic!("{error}")),
            Err(end) => Err(end),
        }
    };
    let (_, refusal) = flood(attempt).await;
    assert_eq!(refusal, end(1000, "Close called: Too many registrations from this address; try again later."));
    only(&server, "registration_rate", "ip", 1);
    // The same key from elsewhere.
    let _other = register(&server, THERE, 1).await.unwrap();
    room_comes_back(attempt).await;
}

#[tokio::test]
async fn registrations_of_one_key() {
    let server = with_rates(Rates { registrations_per_key: RATE, ..Rates::default() }).await;
    // Spares that go at once count as well.
    let attempt = async || register(&server, HERE, 1).await.map(drop);
    let (_, refusal) = flood(attempt).await;
    assert_eq!(refusal, end(1000, "Close called: Too many registrations of this publicKey; try again later."));
    only(&server, "registration_rate", "key", 1);
    let _other = register(&server, HERE, 2).await.unwrap();
    room_comes_back(attempt).await;
}

#[tokio::test]
async fn somebody_without_the_secret_does_not_use_up_the_registrations_of_a_key() {
    let server = with_rates(Rates { registrations_per_key: RATE, ..Rates::default() }).await;
    for _ in 0..2 * RATE.burst {
        let mut impostor = Client::over(connect_from(HERE, server.local_addr()).await).await;
        impostor.send(message::register(key(1).public())).await;
        let request = AuthenticationRequest::parse(&impostor.recv().await).unwrap();
        impostor.send(message::authentication_response(&request.challenge)).await;
        impostor.ended().await;
    }
    register(&server, HERE, 1).await.unwrap();
    assert_eq!(Page::of(&server).value("limit_rejections_total", &[]), 0.0);
}

#[tokio::test]
async fn connections_of_one_address() {
    let server = with_limits(Limits { connections_per_ip: 2, ..Limits::default() }).await;
    let mut spares = vec![register(&server, HERE, 1).await.unwrap(), register(&server, HERE, 2).await.unwrap()];
    assert_eq!(greeting(&server, HERE).await, TOO_MANY);
    only(&server, "connections", "ip", 1);
    let _other = register(&server, THERE, 3).await.unwrap();
    spares.pop();
    until(&server, |snapshot| snapshot.connections.total() == 2).await;
    register(&server, HERE, 2).await.unwrap();
}

#[tokio::test]
async fn connections_of_one_address_that_are_not_registered() {
    let server = with_limits(Limits { handshaking_per_ip: 2, ..Limits::default() }).await;
    // Who is registered does not count here.
    let _spares = [register(&server, HERE, 1).await.unwrap(), register(&server, HERE, 2).await.unwrap()];
    let silent = [
        connect_from(HERE, server.local_addr()).await,
        raw::upgrade_over(connect_from(HERE, server.local_addr()).await, b"").await,
    ];
    until(&server, |snapshot| snapshot.connections.of(Phase::Handshaking) == 2).await;
    assert_eq!(greeting(&server, HERE).await, TOO_MANY);
    only(&server, "handshaking", "ip", 1);
    let _other = register(&server, THERE, 3).await.unwrap();
    drop(silent);
    until(&server, |snapshot| snapshot.connections.of(Phase::Handshaking) == 0).await;
    register(&server, HERE, 4).await.unwrap();
    only(&server, "handshaking", "ip", 1);
}

#[tokio::test]
async fn new_connections_from_one_address() {
    let server = with_rates(Rates { connections_per_ip: RATE, ..Rates::default() }).await;
    // Those that go at once count as well.
    let attempt = async || upgrade(&server, HERE).await.map(drop);
    let (_, refusal) = flood(attempt).await;
    // What was written to a connection that is closed unread may cost the answer; the counter tells.
    assert!(refusal.is_empty() || refusal == TOO_MANY, "{refusal}");
    only(&server, "connection_rate", "ip", 1);
    assert_eq!(greeting(&server, HERE).await, TOO_MANY);
    let _other = register(&server, THERE, 1).await.unwrap();
    room_comes_back(attempt).await;
    until_empty_but(&server, 1).await;
}

async fn until_empty_but(server: &Server, spares: usize) {
    until(server, |snapshot| snapshot.connections.total() == spares).await;
}

#[tokio::test]
async fn addresses_of_version_6_have_their_own_room_and_mapped_ones_have_not() {
    let limits = Limits { connections_per_ip: 1, ..Limits::default() };
    let listen = Some(SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)));
    // A machine without version 6 has nothing to show here.
    let Ok(server) = Server::bind(Config { listen, limits, ..counting() }).await else { return };
    let port = server.local_addr().port();
    let v4 = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let v6 = SocketAddr::from((Ipv6Addr::LOCALHOST, port));
    let _first = Client::over(connect_from(HERE, v4).await).await.try_register(&key(1)).await.unwrap();
    let mut second = connect_from(HERE, v4).await;
    assert_eq!(String::from_utf8(raw::rest(&mut second).await).unwrap(), TOO_MANY);
    let Ok(stream) = TcpStream::connect(v6).await else { return };
    let _third = Client::over(stream).await.try_register(&key(1)).await.unwrap();
    let mut fourth = connect_from(Ipv6Addr::LOCALHOST, v6).await;
    assert_eq!(String::from_utf8(raw::rest(&mut fourth).await).unwrap(), TOO_MANY);
    only(&server, "connections", "ip", 2);
}

#[tokio::test]
async fn this_machine_is_not_counted_unless_told_otherwise() {
    let limits = Limits { connections_per_ip: 1, handshaking_per_ip: 1, spares_per_ip: 1, ..Limits::default() };
    let once = Rate { per_second: 1, burst: 1 };
    let rates =
        Rates { connections_per_ip: once, registrations_per_ip: once, requests_per_ip: once, ..Rates::default() };
    let server = relay_with(Config { limits, rates, ..Config::default() }, &[]).await;
    let mut spares = Vec::new();
    for number in 0..10 {
        spares.push(register(&server, HERE, number).await.unwrap());
    }
    let mut requesters = Vec::new();
    for (number, spare) in (0..).zip(&mut spares) {
        requesters.push(Client::request(server.local_addr(), &key(50), key(number).public()).await);
        spare.handed_over(&key(50), &key(number)).await;
    }
    assert_eq!(Page::of(&server).value("limit_rejections_total", &[]), 0.0);
    drop((spares, requesters));
    until_empty(&server).await;
}
