//! The proxy: faithful without faults, the same faults for the same seed, and readable with the key of one end.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use ratatosk_conformance::proxy::{Keys, Options, Proxy, Sinks, Summary};
use ratatosk_conformance::report::{Implementation, Summary as Run, Verdict, line};
use ratatosk_conformance::scenario::recordings::server_scenarios;
use ratatosk_conformance::server::{self, Address, Target};
use ratatosk_protocol::backoff::Backoff;
use ratatosk_protocol::close::CloseRequest;
use ratatosk_protocol::connection::{Connector, KeyRing};
use ratatosk_protocol::driver::{ConnectorConfig, Environment, Listener, ListenerConfig, connect};
use ratatosk_protocol::entropy::OsEntropy;
use ratatosk_protocol::key::KeyPair;
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::spare::SparePolicy;
use ratatosk_relay::session::Timer;
use ratatosk_relay::{Config, Server};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

const PATIENCE: Duration = Duration::from_secs(20);

fn anywhere() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

/// A sink that the test can read.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Paper {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn lines(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

struct Running {
    address: SocketAddr,
    record: Paper,
    timeline: Paper,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Summary>,
}

impl Running {
    async fn start(to: &str, keys: Vec<KeyPair>, faults: &str, seed: u64) -> Self {
        let (record, timeline) = (Paper::default(), Paper::default());
        let sinks = Sinks {
            record: Some(Box::new(record.clone())),
            record_limit: 1 << 26,
            timeline: Some(Box::new(timeline.clone())),
        };
        let options = Options {
            listen: anywhere(),
            to: Address::parse(to).unwrap(),
            keys: Keys::from(keys),
            faults: faults.parse().unwrap(),
            seed,
            connections: 256,
            sinks,
        };
        let proxy = Proxy::bind(options).await.unwrap();
        let address = proxy.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(proxy.run(async { drop(stopped.await) }));
        Self { address, record, timeline, stop, task }
    }

    fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    async fn stop(self) -> (Summary, Paper, Paper) {
        drop(self.stop);
        let summary = timeout(PATIENCE, self.task).await.unwrap().unwrap();
        (summary, self.record, self.timeline)
    }
}

async fn relay(config: Config) -> (Server, String) {
    let server = Server::bind(Config { listen: Some(anywhere()), ..config }).await.unwrap();
    let url = format!("ws://{}", server.local_addr());
    (server, url)
}

/// Accepts TCP connections and answers the upgrade without looking; then bytes come back as they are.
async fn echo() -> String {
    let listener = TcpListener::bind(anywhere()).await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n").await.unwrap();
                let (mut from, mut to) = stream.split();
                tokio::io::copy(&mut from, &mut to).await.unwrap_or_default();
            });
        }
    });
    url
}

/// Opens a connection without a library in between.
async fn raw(proxy: &Running) -> TcpStream {
    let mut stream = TcpStream::connect(proxy.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = [0; 36];
    stream.read_exact(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 101 "));
    stream
}

/// A frame of a client; the mask is zero, so that the content can be read in it.
fn frame(first: u8, content: &[u8]) -> Vec<u8> {
    let len = u8::try_from(content.len()).unwrap();
    assert!(len < 126);
    [&[first, 0x80 | len, 0, 0, 0, 0], content].concat()
}

/// What comes back until the end of the connection.
async fn rest(mut stream: TcpStream) -> Vec<u8> {
    stream.shutdown().await.unwrap();
    let mut back = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut back)).await.unwrap().unwrap();
    back
}

/// The whole catalogue, with the proxy in front of the relay: what a client can tell about a server is the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_behind_the_proxy_is_the_same_server() {
    let (_server, url) = relay(Config::default()).await;
    let timeouts = Config::default()
        .timeouts
        .with(Timer::PingInterval, Duration::from_millis(300))
        .with(Timer::PongTimeout, Duration::from_millis(800))
        .with(Timer::Handshake, Duration::from_millis(3000));
    let (_short, short_url) = relay(Config { timeouts, ..Config::default() }).await;
    let proxy = Running::start(&url, vec![], "", 0).await;
    let short = Running::start(&short_url, vec![], "", 0).await;
    let address = |proxy: &Running| Address::parse(&proxy.url()).unwrap();
    let target = Target { url: address(&proxy), short_timers: Some(address(&short)), stop: None };
    let known = Implementation::named("ratatosk").unwrap();
    let mut scenarios = server_scenarios().unwrap();
    // Of those with much data the ones about slow readers; the others would be about the speed of this build.
    scenarios.retain(|scenario| !scenario.needs.stop && (!scenario.needs.alone || scenario.id.starts_with("l/")));

    let mut summary = Run::default();
    let outcomes = server::run(&target, &scenarios, &server::Options { jobs: 16, ..Default::default() }, |outcome| {
        if let Some(surprise) = summary.add(outcome, Some(&known)) {
            println!("{}", line(outcome, Some(&surprise)));
        }
    })
    .await;
    assert_eq!((summary.surprises(), summary.skipped()), (0, 0), "{summary}");
    assert!(outcomes.iter().any(|outcome| outcome.result.as_ref().unwrap().verdict == Verdict::Conforms));
    let (summary, record, _) = proxy.stop().await;
    assert!(summary.connections > 100 && summary.injected.is_empty());
    let commands: Vec<_> = record.lines().into_iter().filter(|line| line["command"] == "register").collect();
    assert!(commands.len() > 50, "{}", commands.len());
}

/// Listener and connector both go through proxies that know one key: the connector's, and the listener's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_key_of_one_end_everything_is_readable() {
    let (_server, url) = relay(Config::default()).await;
    let [listener_key, connector_key] = std::array::from_fn(|_| KeyPair::generate(&mut OsEntropy));
    let near_listener = Running::start(&url, vec![listener_key.clone()], "", 0).await;
    let near_connector = Running::start(&url, vec![connector_key.clone()], "", 0).await;
    let environment = Environment::default();
    let config = ListenerConfig {
        url: near_listener.url(),
        keys: KeyRing::new(listener_key.clone()),
        spares: SparePolicy::default(),
        backoff: Backoff::default(),
    };
    let mut listener = Listener::start(&environment, config).unwrap();
    timeout(PATIENCE, listener.ready().wait_for(|ready| *ready > 0)).await.unwrap().unwrap();
    let connector = Connector { local: connector_key, remote: *listener_key.public() };
    let mut mine = connect(&environment, &ConnectorConfig { url: near_connector.url(), connector }).await.unwrap();
    let messages =
        [Payload::text("secret words"), Payload::binary(vec![]), Payload::text("x".repeat(200_000)), Payload::text("")];
    for message in &messages {
        mine.send(message.clone()).await.unwrap();
    }
    let mut theirs = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
    for message in &messages {
        assert_eq!(timeout(PATIENCE, theirs.recv()).await.unwrap().as_ref(), Some(message));
    }
    theirs.send(Payload::text("and back")).await.unwrap();
    assert_eq!(timeout(PATIENCE, mine.recv()).await.unwrap(), Some(Payload::text("and back")));
    mine.close(CloseRequest::because("done")).await;
    theirs.closed().await;
    listener.stop().await;

    for proxy in [near_listener, near_connector] {
        let (_, record, timeline) = proxy.stop().await;
        let plain: Vec<_> = record.lines().into_iter().filter(|line| !line["plain"].is_null()).collect();
        assert!(plain.iter().all(|line| line["plain"]["unreadable"].is_null()), "{plain:?}");
        let said = |text: &str| plain.iter().any(|line| line["plain"]["data"]["text"] == text);
        for text in ["secret words", "and back", "fragmentation_start_string", ""] {
            assert!(said(text), "{text}");
        }
        assert_eq!(record.lines().iter().filter(|line| line["key"] == "replaced").count(), 2);
        let shown = timeline.text();
        for part in ["└ encrypted in", "encrypted text", "Close called: done"] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        assert!(!shown.contains("secret words"), "a timeline shows no contents");
    }
}

/// Frames that no end should send, and what is no frame at all, come out as they went in.
#[tokio::test]
async fn what_is_no_proper_frame_passes_as_it_is() {
    let proxy = Running::start(&echo().await, vec![], "", 0).await;
    let long_form = [&[0xa2, 0xfe, 0, 1, 0, 0, 0, 0][..], b"x"].concat();
    let half = [0x82, 0xff, 0, 0];
    let endless = [&[0x82, 0x7f][..], &u64::MAX.to_be_bytes(), b"and so on"].concat();
    for tail in [&half[..], &endless] {
        let all = [&frame(0x0f, b"opcode 15")[..], &long_form, &frame(0x89, &[7; 125]), tail].concat();
        let mut stream = raw(&proxy).await;
        stream.write_all(&all).await.unwrap();
        assert_eq!(rest(stream).await, all);
    }
    let (_, record, _) = proxy.stop().await;
    let opaque = |line: &Value| line["event"] == "opaque" && line["direction"] == "up";
    let bytes: Vec<_> = record.lines().into_iter().filter(opaque).map(|line| line["bytes"].as_u64().unwrap()).collect();
    assert_eq!(bytes, [half.len() as u64, endless.len() as u64]);
    assert!(record.lines().iter().any(|line| line["kind"] == "reserved"));
}

/// A binary frame of a client that is longer than a direction keeps, and its head alone.
fn long_frame(len: usize) -> (Vec<u8>, Vec<u8>) {
    let head = [&[0x82, 0xff][..], &(len as u64).to_be_bytes(), &[0; 4]].concat();
    (head.clone(), [head, vec![7; len]].concat())
}

#[tokio::test]
async fn what_lies_behind_a_long_frame_does_not_wait_for_more() {
    let proxy = Running::start(&echo().await, vec![], "delay=20ms", 0).await;
    let all = [long_frame(5 << 20).1, frame(0x82, b"behind it")].concat();
    let (mut from, mut to) = raw(&proxy).await.into_split();
    let sent = all.clone();
    let sending = tokio::spawn(async move {
        to.write_all(&sent).await.unwrap();
        to
    });
    let mut back = vec![0; all.len()];
    timeout(PATIENCE, from.read_exact(&mut back)).await.unwrap().unwrap();
    assert!(back == all);
    drop(sending.await.unwrap());
}

/// Eight frames at a time may be larger than what a direction keeps, whole or not; what is more passes without a look.
#[tokio::test]
async fn many_large_frames_are_not_held_at_once() {
    const SENT: usize = 6 << 20;
    let proxy = Running::start(&echo().await, vec![], "", 0).await;
    let (head, _) = long_frame(100 << 20);
    let (mut senders, mut readers) = (JoinSet::new(), JoinSet::new());
    for _ in 0..9 {
        let (mut from, mut to) = raw(&proxy).await.into_split();
        let part = [&head[..], &vec![7; SENT]].concat();
        senders.spawn(async move {
            to.write_all(&part).await.unwrap();
            to
        });
        readers.spawn(async move { from.read_exact(&mut vec![0; SENT]).await.unwrap() });
    }
    // Of what is held nothing comes back.
    assert_eq!(timeout(PATIENCE, readers.join_next()).await.unwrap().unwrap().unwrap(), SENT);
    // The places are free again when their connections have ended.
    readers.shutdown().await;
    senders.shutdown().await;
    let all = long_frame(SENT).1;
    let mut stream = raw(&proxy).await;
    let (mut from, mut to) = stream.split();
    let mut back = vec![0; all.len()];
    let exchange = async { tokio::join!(to.write_all(&all), from.read_exact(&mut back)) };
    timeout(PATIENCE, exchange).await.unwrap().1.unwrap();
    assert!(back == all);
}

/// Twenty messages through faults; which come back, and what the proxy says it did.
async fn damaged(faults: &str, seed: u64) -> (Vec<u8>, String) {
    let proxy = Running::start(&echo().await, vec![], &format!("{faults},only=up"), seed).await;
    let mut stream = raw(&proxy).await;
    for number in 0..20 {
        stream.write_all(&frame(0x82, &[b'a' + number; 10])).await.unwrap();
    }
    let back = rest(stream).await;
    let (summary, ..) = proxy.stop().await;
    (back, summary.to_string())
}

#[tokio::test]
async fn a_seed_does_the_same_again() {
    let faults = "lose=0.2,duplicate=0.2,reorder=0.2,truncate=0.1,corrupt=0.1,jitter=5ms";
    let first = damaged(faults, 1).await;
    assert_eq!(first, damaged(faults, 1).await);
    assert_ne!(first.0, damaged(faults, 2).await.0);
    for word in ["lose: ", "duplicate: ", "reorder: ", "delayed: 20 frames", "connection 0 up frame "] {
        assert!(first.1.contains(word), "{word}: {}", first.1);
    }
}

#[tokio::test]
async fn slow_is_slow_and_complete() {
    let all: Vec<u8> = (0..20).flat_map(|number| frame(0x82, &[b'a' + number; 10])).collect();
    let began = Instant::now();
    assert_eq!(damaged("delay=300ms..400ms", 1).await.0, all);
    assert!(began.elapsed() >= Duration::from_millis(300));
    let began = Instant::now();
    assert_eq!(damaged("drip=1,after=19", 1).await.0, all);
    assert!(began.elapsed() >= Duration::from_millis(300), "{:?}", began.elapsed());
}

/// A WebSocket at both ends of the proxy; each end sees this of the other's first message.
async fn ends_after_a_fault(faults: &str) -> [Option<Message>; 2] {
    let listener = TcpListener::bind(anywhere()).await.unwrap();
    let proxy = Running::start(&format!("ws://{}", listener.local_addr().unwrap()), vec![], faults, 0).await;
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        timeout(PATIENCE, socket.next()).await.unwrap().and_then(Result::ok)
    });
    let stream = TcpStream::connect(proxy.address).await.unwrap();
    let (mut socket, _) = tokio_tungstenite::client_async(proxy.url(), stream).await.unwrap();
    socket.send(Message::text("hello")).await.unwrap();
    let client = timeout(PATIENCE, socket.next()).await.unwrap().and_then(Result::ok);
    // Its answer to a close frame.
    socket.flush().await.unwrap_or_default();
    let seen = [client, timeout(PATIENCE, server).await.unwrap().unwrap()];
    let (summary, ..) = proxy.stop().await;
    assert_eq!(summary.injected.values().sum::<u64>(), 1);
    seen
}

#[tokio::test]
async fn connections_are_lost_and_closed() {
    for faults in ["drop=1", "cut=1"] {
        assert_eq!(ends_after_a_fault(faults).await, [None, None], "{faults}");
    }
    let frame = CloseFrame { code: 1001.into(), reason: "injected by the proxy".into() };
    let closed = Some(Message::Close(Some(frame)));
    assert_eq!(ends_after_a_fault("close=1").await, [closed.clone(), closed]);
}

/// Whoever speaks no HTTP, or has no server behind it, ends without harm to others.
#[tokio::test]
async fn strangers_do_no_harm() {
    let listener = TcpListener::bind(anywhere()).await.unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    let proxy = Running::start(&format!("ws://{nobody}"), vec![], "", 0).await;
    for said in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff; 40_000], b"", b"\r\n\r\n"] {
        let mut stream = TcpStream::connect(proxy.address).await.unwrap();
        // The proxy may end it in the middle.
        stream.write_all(said).await.unwrap_or_default();
        stream.shutdown().await.unwrap_or_default();
        timeout(PATIENCE, stream.read_to_end(&mut Vec::new())).await.unwrap().unwrap_or_default();
    }
    let (summary, record, _) = proxy.stop().await;
    assert_eq!(summary.connections, 4);
    let ends: Vec<_> = record.lines().into_iter().filter(|line| line["event"] == "end").collect();
    assert_eq!(ends.len(), 4);
    assert!(
        ends.iter().all(|line| line["how"].as_str().unwrap().starts_with("the server cannot be reached")),
        "{ends:?}"
    );
}
