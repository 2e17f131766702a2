//! Clients behind proxies: limits and lists mean them and not the proxy, if the proxy is trusted.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::io::{BufRead, BufReader};
use std::net::Ipv4Addr;
use std::process::Stdio;
use std::sync::Arc;

use common::network::connect_from;
use common::program::{Program, command};
use common::scrape::Page;
use common::{Client, key, raw, relay_with, until_empty};
use ratatosk_relay::registry::{Limits, Phase};
use ratatosk_relay::session::Timer;
use ratatosk_relay::{Admission, Config, List, Proxies, Server};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// A relay that trusts 127.0.0.1 alone and lets two connections in from each address, wherever that is.
async fn behind(protocol: bool) -> Server {
    relay_with(config(protocol), &[(Timer::Handshake, 30_000), (Timer::Close, 2000)]).await
}

fn config(protocol: bool) -> Config {
    let trusted = vec!["127.0.0.1/32".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
    Config {
        limits: Limits { connections_per_ip: 2, ..Limits::default() },
        unlimited: Vec::new(),
        proxies: Proxies { trusted, protocol },
        ..Config::default()
    }
}

/// The status of an upgrade over `stream` with more fields; what was accepted stays open.
async fn upgrade(mut stream: TcpStream, fields: &str) -> (u16, TcpStream) {
    let request = raw::UPGRADE.replacen("\r\n", &format!("\r\n{fields}"), 1);
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        let read = common::within(tokio::io::AsyncReadExt::read(&mut stream, &mut byte)).await.unwrap();
        assert!(read > 0, "{}", String::from_utf8_lossy(&line));
        line.extend(byte);
    }
    (String::from_utf8(line).unwrap().split(' ').nth(1).unwrap().parse().unwrap(), stream)
}

async fn by_field(server: &Server, fields: &str) -> (u16, TcpStream) {
    upgrade(raw::connect(server.local_addr()).await, fields).await
}

/// A header of the PROXY protocol for TCP over IPv4, with an extension.
fn header(source: [u8; 4]) -> Vec<u8> {
    [SIGNATURE, &[0x21, 0x11, 0, 12 + 5], &source, &[203, 0, 113, 1, 0x10, 0, 0, 80], &[4, 0, 2, 0, 0]].concat()
}

async fn by_protocol(server: &Server, header: &[u8]) -> (u16, TcpStream) {
    let mut stream = raw::connect(server.local_addr()).await;
    stream.write_all(header).await.unwrap();
    upgrade(stream, "").await
}

#[tokio::test]
async fn clients_are_told_apart_by_what_a_trusted_proxy_adds() {
    let server = behind(false).await;
    for field in [
        "X-Forwarded-For: 192.0.2.1\r\n",
        "X-Forwarded-For: 198.51.100.7, 192.0.2.2, 10.1.2.3\r\n",
        "X-Forwarded-For: 192.0.2.3\r\nX-Forwarded-For: 10.1.2.3\r\n",
        "Forwarded: for=198.51.100.7, for=\"192.0.2.4:80\";proto=https\r\n",
        "Forwarded: for=\"[2001:db8::1]\"\r\nX-Forwarded-For: 2001:db8::1\r\n",
    ] {
        let (first, _one) = by_field(&server, field).await;
        let (second, _two) = by_field(&server, field).await;
        let (third, _) = by_field(&server, field).await;
        assert_eq!((first, second, third), (101, 101, 429), "{field}");
    }
    let page = Page::of(&server);
    assert_eq!(page.value("limit_rejections_total", &[("limit", "connections"), ("scope", "ip")]), 5.0);
    assert_eq!(page.value("connections_closed_total", &[("reason", "limit")]), 5.0);
}

#[tokio::test]
async fn who_is_not_named_is_the_proxy() {
    let server = behind(false).await;
    let (first, _one) = by_field(&server, "").await;
    let (second, _two) = by_field(&server, "X-Forwarded-For: 192.0.2.1, unknown\r\n").await;
    let (third, _) = by_field(&server, "Forwarded: for=_hidden\r\n").await;
    assert_eq!((first, second, third), (101, 101, 429));
}

#[tokio::test]
async fn fields_that_contradict_each_other_or_make_no_sense_are_refused() {
    let server = behind(false).await;
    for fields in [
        "Forwarded: for=192.0.2.1\r\nX-Forwarded-For: 192.0.2.2\r\n",
        // Somebody behind a proxy that writes down what he calls his host.
        "Forwarded: for=192.0.2.1;host=\"h, x\"\r\n",
        "X-Forwarded-For: 192.0.2.1, junk\r\n",
    ] {
        assert_eq!(by_field(&server, fields).await.0, 400, "{fields}");
    }
    until_empty(&server).await;
    let closed = Page::of(&server).value("connections_closed_total", &[("phase", "upgrade"), ("reason", "violation")]);
    assert_eq!(closed, 3.0);
}

#[tokio::test]
async fn nobody_else_is_believed() {
    let server = behind(false).await;
    let mut open = Vec::new();
    for number in 1..=3 {
        let mut stream = connect_from(Ipv4Addr::new(127, 0, 0, 2), server.local_addr()).await;
        if number == 3 {
            let answer = raw::rest(&mut stream).await;
            assert!(answer.starts_with(b"HTTP/1.1 429 "), "{}", String::from_utf8_lossy(&answer));
            continue;
        }
        let (status, stream) = upgrade(stream, &format!("X-Forwarded-For: 192.0.2.{number}\r\n")).await;
        assert_eq!(status, 101);
        open.push(stream);
    }
}

#[tokio::test]
async fn clients_are_told_apart_by_the_proxy_protocol() {
    let server = behind(true).await;
    for source in [[192, 0, 2, 1], [192, 0, 2, 2]] {
        let (first, _one) = by_protocol(&server, &header(source)).await;
        let (second, _two) = by_protocol(&server, &header(source)).await;
        let mut third = raw::connect(server.local_addr()).await;
        third.write_all(&header(source)).await.unwrap();
        third.shutdown().await.unwrap();
        let third = raw::rest(&mut third).await;
        assert!(third.starts_with(b"HTTP/1.1 429 "), "{}", String::from_utf8_lossy(&third));
        assert_eq!((first, second), (101, 101));
    }
    let closed = Page::of(&server).value("connections_closed_total", &[("phase", "upgrade"), ("reason", "limit")]);
    assert_eq!(closed, 2.0);
}

#[tokio::test]
async fn a_client_works_behind_the_proxy_protocol_and_its_fields_are_not_read() {
    let server = behind(true).await;
    let mut stream = raw::connect(server.local_addr()).await;
    for byte in header([192, 0, 2, 1]) {
        stream.write_all(&[byte]).await.unwrap();
    }
    Client::over(stream).await.try_register(&key(1)).await.unwrap();
    let mut open = Vec::new();
    for number in [7, 8, 9] {
        let mut stream = raw::connect(server.local_addr()).await;
        stream.write_all(&header([192, 0, 2, 3])).await.unwrap();
        if number < 9 {
            open.push(upgrade(stream, &format!("X-Forwarded-For: 198.51.100.{number}\r\n")).await);
        } else {
            stream.shutdown().await.unwrap();
            assert!(raw::rest(&mut stream).await.starts_with(b"HTTP/1.1 429 "));
        }
    }
}

#[tokio::test]
async fn a_proxy_may_speak_for_itself() {
    let server = behind(true).await;
    let local = [SIGNATURE, &[0x20, 0x00, 0, 0]].concat();
    let unknown = [SIGNATURE, &[0x21, 0x00, 0, 3, 1, 2, 3]].concat();
    let (first, _one) = by_protocol(&server, &local).await;
    let (second, _two) = by_protocol(&server, &unknown).await;
    assert_eq!((first, second), (101, 101));
    let mut third = raw::connect(server.local_addr()).await;
    third.write_all(&local).await.unwrap();
    third.shutdown().await.unwrap();
    assert!(raw::rest(&mut third).await.starts_with(b"HTTP/1.1 429 "), "all three are 127.0.0.1");
}

#[tokio::test]
async fn a_trusted_proxy_has_to_begin_with_the_header() {
    let server = behind(true).await;
    let wrong = [
        b"PROXY TCP4 192.0.2.1 203.0.113.1 4096 80\r\n".to_vec(),
        raw::UPGRADE.as_bytes().to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 and so on".to_vec(),
        [SIGNATURE, &[0x21, 0x11, 0xff, 0xff]].concat(),
        [SIGNATURE, &[0x21, 0x11, 0, 4, 1, 2, 3, 4]].concat(),
    ];
    for bytes in &wrong {
        let mut stream = raw::connect(server.local_addr()).await;
        stream.write_all(bytes).await.unwrap();
        assert_eq!(raw::rest(&mut stream).await, b"", "{bytes:?}");
    }
    until_empty(&server).await;
    let closed =
        |reason| Page::of(&server).value("connections_closed_total", &[("phase", "upgrade"), ("reason", reason)]);
    assert_eq!((closed("violation"), closed("aborted")), (wrong.len() as f64, 0.0));
    // Others speak for themselves, and are not waited for.
    let direct = connect_from(Ipv4Addr::new(127, 0, 0, 2), server.local_addr()).await;
    assert_eq!(upgrade(direct, "").await.0, 101);
}

#[tokio::test]
async fn a_proxy_that_says_nothing_has_no_longer_than_anybody() {
    let server = relay_with(config(true), &[(Timer::Handshake, 300)]).await;
    let mut silent = raw::connect(server.local_addr()).await;
    let mut half = raw::connect(server.local_addr()).await;
    half.write_all(&header([192, 0, 2, 1])[..20]).await.unwrap();
    assert_eq!(raw::rest(&mut silent).await, b"");
    assert_eq!(raw::rest(&mut half).await, b"");
    until_empty(&server).await;
    let closed = Page::of(&server).value("connections_closed_total", &[("phase", "upgrade"), ("reason", "timeout")]);
    assert_eq!(closed, 2.0);
}

#[tokio::test]
async fn lists_mean_the_client_and_not_its_proxy() {
    for protocol in [false, true] {
        let deny = Some(Arc::new(List::parse("192.0.2.0/24").unwrap()));
        let admission = Admission { deny, ..Admission::default() };
        let server = relay_with(Config { admission, ..config(protocol) }, &[]).await;
        let (denied, other) = if protocol {
            let mut stream = raw::connect(server.local_addr()).await;
            stream.write_all(&header([192, 0, 2, 9])).await.unwrap();
            stream.shutdown().await.unwrap();
            let answer = raw::rest(&mut stream).await;
            assert!(answer.starts_with(b"HTTP/1.1 403 "), "{}", String::from_utf8_lossy(&answer));
            (403, by_protocol(&server, &header([198, 51, 100, 9])).await)
        } else {
            (
                by_field(&server, "X-Forwarded-For: 192.0.2.9\r\n").await.0,
                by_field(&server, "X-Forwarded-For: 198.51.100.9\r\n").await,
            )
        };
        assert_eq!((denied, other.0), (403, 101));
        assert_eq!(Page::of(&server).value("admission_denied_total", &[("what", "address"), ("by", "list")]), 1.0);
    }
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn the_proxy_protocol_comes_before_tls() {
    let authority = common::tls::Authority::default();
    let tls = Some(authority.install(&authority.certify(2029)));
    let deny = Some(Arc::new(List::parse("192.0.2.0/24").unwrap()));
    let admission = Admission { deny, ..Admission::default() };
    let server = relay_with(Config { tls, admission, ..config(true) }, &[]).await;
    let address = server.tls_addr().unwrap();
    let url = format!("wss://{address}/");
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut stream = raw::connect(address).await;
        stream.write_all(&header([198, 51, 100, 1])).await.unwrap();
        let secured = authority.secure(stream).await;
        open.push(Client::upgrade(url.clone(), secured).await.try_register(&key(1)).await.unwrap());
    }
    // Who may not stay is told nothing: there is no TLS yet.
    for (source, reason) in [([198, 51, 100, 1], "limit"), ([192, 0, 2, 1], "denied")] {
        let mut stream = raw::connect(address).await;
        stream.write_all(&header(source)).await.unwrap();
        assert_eq!(raw::rest(&mut stream).await, b"");
        let closed = Page::of(&server).value("connections_closed_total", &[("reason", reason)]);
        assert_eq!(closed, 1.0, "{reason}");
    }
    drop(open);
}

#[tokio::test]
async fn trust_can_be_given_and_taken_while_it_runs() {
    let server = relay_with(Config { proxies: Proxies::default(), ..config(false) }, &[]).await;
    let (_, _one) = by_field(&server, "X-Forwarded-For: 192.0.2.1\r\n").await;
    let (_, _two) = by_field(&server, "X-Forwarded-For: 192.0.2.2\r\n").await;
    let mut third = raw::connect(server.local_addr()).await;
    assert!(raw::rest(&mut third).await.starts_with(b"HTTP/1.1 429 "), "they were taken for one");
    server.reconfigure(config(false)).unwrap();
    assert_eq!(by_field(&server, "X-Forwarded-For: 192.0.2.3\r\n").await.0, 101);
    server.reconfigure(config(true)).unwrap();
    assert_eq!(by_protocol(&server, &header([192, 0, 2, 4])).await.0, 101);
}

#[tokio::test]
async fn who_is_trusted_no_more_is_not_believed_even_if_it_was_when_it_connected() {
    for protocol in [false, true] {
        let server = behind(protocol).await;
        let mut stream = raw::connect(server.local_addr()).await;
        let header = if protocol { header([192, 0, 2, 1]) } else { Vec::new() };
        stream.write_all(&header[..header.len().min(1)]).await.unwrap();
        common::until(&server, |snapshot| snapshot.connections.of(Phase::Handshaking) == 1).await;
        // What was begun is read to its end.
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        let deny = Some(Arc::new(List::parse("127.0.0.1").unwrap()));
        let admission = Admission { deny, ..Admission::default() };
        server.reconfigure(Config { proxies: Proxies::default(), admission, ..config(protocol) }).unwrap();
        stream.write_all(header.get(1..).unwrap_or_default()).await.unwrap();
        assert_eq!(upgrade(stream, "X-Forwarded-For: 192.0.2.1\r\n").await.0, 403, "{protocol}");
    }
}

#[tokio::test]
async fn a_proxy_on_this_machine_that_is_not_trusted_is_mentioned_once() {
    let mut command = command(&["--log", "warn"]);
    command.stderr(Stdio::piped());
    let mut program = Program::start(command);
    let log = BufReader::new(program.take_stderr());
    for field in ["", "X-Forwarded-For: 192.0.2.77\r\n", "Forwarded: for=192.0.2.77\r\n"] {
        let (status, _) = upgrade(raw::connect(program.address).await, field).await;
        assert_eq!(status, 101, "{field}");
    }
    program.signal("TERM");
    program.exit().await;
    let lines: Vec<_> = log.lines().map(Result::unwrap).collect();
    let warnings = lines.iter().filter(|line| line.contains("proxies.trusted")).count();
    assert_eq!(warnings, 1, "{lines:?}");
    assert!(!lines.iter().any(|line| line.contains("192.0.2.77")), "{lines:?}");
}
