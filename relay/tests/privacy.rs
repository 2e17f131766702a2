//! Nothing about anybody gets into the log, at any level: whole scenarios are run with everything switched on, and then
//! the log is searched for what went over the wire.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use common::{Client, answer, key, pair, raw, relay, until_empty};
use ratatosk_protocol::key::KeyPair;
use ratatosk_protocol::message::{self, AuthenticationRequest, PING, PONG, Payload};
use ratatosk_relay::session::Timer;
use tokio::io::AsyncWriteExt;
use tracing_subscriber::filter::LevelFilter;

/// What no line may contain; part of everything that the clients say in words.
const MARK: &str = "PRIVATE";

/// Where the log goes.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What went over the wire and is nobody's business.
#[derive(Default)]
struct Secrets(Vec<String>);

impl Secrets {
    fn key(&mut self, key: &KeyPair) {
        self.text(&key.public().to_hex());
        // Half of it is still too much.
        self.text(&key.public().to_hex()[..32]);
    }

    fn text(&mut self, hex: &str) {
        self.0.push(hex.to_lowercase());
        // As `Debug` shows bytes.
        let bytes: Vec<_> =
            (0..hex.len() / 2).filter_map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).ok()).collect();
        if bytes.len() * 2 == hex.len() && bytes.len() >= 8 {
            self.0.push(format!("{:?}", &bytes[..8]).trim_matches(['[', ']']).to_owned());
        }
    }

    fn payload(&mut self, payload: &Payload) {
        let Payload::Text(text) = payload else { return };
        // Challenges and responses are the long words of hex digits in there.
        let words = text.split(|c: char| !c.is_ascii_hexdigit()).filter(|word| word.len() >= 32);
        words.for_each(|word| self.text(word));
    }
}

#[tokio::test]
async fn nothing_about_anybody_gets_into_the_log() {
    let log = Log::default();
    let sink = log.clone();
    let subscriber = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_ansi(false);
    tracing::subscriber::set_global_default(subscriber.with_writer(move || sink.clone()).finish()).unwrap();

    let mut secrets = Secrets::default();
    let server =
        relay(&[(Timer::PingInterval, 300), (Timer::PongTimeout, 100), (Timer::Handshake, 700), (Timer::Close, 50)])
            .await;
    let address = server.local_addr();
    registrations(address, &mut secrets).await;
    requests(address, &mut secrets).await;
    nonsense(address).await;
    until_empty(&server).await;
    server.shutdown(std::time::Duration::ZERO).await;

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    // It is a log, and at that of what happened.
    for expected in ["registered", "paired", "closing", "no WebSocket", &key(2).public().fingerprint()] {
        assert!(text.contains(expected), "{expected:?} is missing in {text}");
    }
    let lower = text.to_lowercase();
    assert!(secrets.0.len() > 20, "{}", secrets.0.len());
    for secret in secrets.0.iter().map(String::as_str).chain([MARK.to_lowercase().as_str()]) {
        let line = lower.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "{secret:?} in {line:?}");
    }
    for line in text.split('\n') {
        assert!(!line.contains(|c: char| c.is_control()), "{line:?}");
    }
}

/// Good ones, bad ones, and spares that come to an end.
async fn registrations(address: SocketAddr, secrets: &mut Secrets) {
    for (number, good) in [(1, true), (2, true), (3, false)] {
        secrets.key(&key(number));
        let mut client = Client::connect(address).await;
        client.send(message::register(key(number).public())).await;
        let challenge = client.recv().await;
        secrets.payload(&challenge);
        let request = AuthenticationRequest::parse(&challenge).unwrap();
        let reply =
            if good { answer(&key(number), &request) } else { message::authentication_response(&request.challenge) };
        secrets.payload(&reply);
        client.send(reply).await;
        if good {
            client.recv().await;
            client.send_text(&format!("{MARK} on a spare")).await;
            client.close(4001, &format!("{MARK} reason of a spare")).await;
        } else {
            client.ended().await;
        }
    }
    let mut confused = Client::connect(address).await;
    confused.send(message::register(key(4).public())).await;
    confused.recv().await;
    confused.send_text(&format!(r#"{{"command":"{MARK}"}}"#)).await;
    let (_, reason) = confused.ended().await.unwrap();
    assert!(reason.contains(MARK), "the reason quotes the client: {reason}");
    let mut dead = Client::register(address, &key(4)).await;
    secrets.key(&key(4));
    assert_eq!(dead.recv_text().await, PING);
    dead.ended().await;
}

/// Found, not found, early data, and a pair with its end.
async fn requests(address: SocketAddr, secrets: &mut Secrets) {
    for number in [5, 6, 7] {
        secrets.key(&key(number));
    }
    Client::request(address, &key(5), key(6).public()).await.ended().await;
    for code in [1000, 4001] {
        let (mut connector, mut listener) = pair(address, &key(5), &key(6)).await;
        connector.send_text(&format!("{MARK} text")).await;
        listener.recv().await;
        listener.send(Payload::binary(format!("{MARK} bytes").into_bytes())).await;
        connector.recv().await;
        connector.close(code, &format!("{MARK}\n\x1b[31m reason")).await;
        listener.ended().await;
    }
    let (connector, mut listener) = pair(address, &key(5), &key(6)).await;
    drop(connector);
    listener.ended().await;
    let mut owing = Client::register(address, &key(7)).await;
    assert_eq!(owing.recv_text().await, PING);
    let mut early = Client::request(address, &key(5), key(7).public()).await;
    early.send_text(&format!("{MARK} early data")).await;
    owing.send_text(PONG).await;
    owing.handed_over(&key(5), &key(7)).await;
    assert_eq!(owing.recv_text().await, format!("{MARK} early data"));
}

/// What no decent client says.
async fn nonsense(address: SocketAddr) {
    let texts = [
        MARK.to_owned(),
        format!(r#"{{"command":"{MARK}"}}"#),
        format!(r#"{{"command":"register","publicKey":"{MARK}"}}"#),
        format!(r#"{{"command":"communication_request","sourcePublicKey":"{MARK}","targetPublicKey":"{MARK}"}}"#),
        format!("{{\"{MARK}\x1b[31m\r\n"),
    ];
    for text in texts {
        let mut client = Client::connect(address).await;
        client.send_text(&text).await;
        client.ended().await;
    }
    for frame in
        [raw::frame(0xf1, MARK.as_bytes()), raw::frame(raw::TEXT, b"\xff"), raw::frame(raw::BINARY, MARK.as_bytes())]
    {
        raw::rest(&mut raw::upgrade_and(address, &frame).await).await;
    }
    let requests = [
        format!("GET /{MARK} HTTP/1.1\r\nHost: {MARK}\r\nCookie: {MARK}\r\n\r\n"),
        format!("{MARK} / HTTP/1.1\r\n\r\n"),
        format!("{MARK}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", MARK.repeat(2000)),
        raw::UPGRADE.replace("Host: h", &format!("Host: h\r\nOrigin: {MARK}\r\nSec-WebSocket-Protocol: {MARK} {MARK}")),
        raw::UPGRADE.replace("Host: h", &format!("Host: h\r\nOrigin: {MARK}\r\nSec-WebSocket-Protocol: {MARK}")),
    ];
    for request in requests {
        let mut stream = raw::connect(address).await;
        // What is refused early may be refused before it is written.
        let _ = stream.write_all(request.as_bytes()).await;
        raw::rest(&mut stream).await;
    }
}
