//! Whatever clients do, each phase that a connection enters it leaves exactly once, with one outcome.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use common::scrape::Page;
use common::{Client, key, raw, relay, until_empty};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use ratatosk_protocol::message::{self, AuthenticationRequest, Payload};
use ratatosk_relay::session::Timer;
use ratatosk_relay::{Server, Snapshot};
use tokio::io::AsyncWriteExt;

/// How far a client goes before it does something else.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// It connects.
    Tcp,
    /// It sends half a request.
    HalfHttp,
    /// It sends an ordinary request.
    PlainHttp,
    /// It upgrades.
    Upgrade,
    /// It says nonsense.
    Junk,
    /// It breaks RFC 6455.
    BadFrame,
    /// It asks for a challenge.
    Challenge,
    /// It answers a challenge wrongly.
    Impostor,
    /// It becomes a spare.
    Spare,
    /// It asks for somebody who may be there.
    Request,
    /// It does both, and is the two halves of a pair.
    Pair,
}

/// What it does then.
#[derive(Clone, Copy, Debug)]
enum End {
    /// Nothing, for ever.
    Wait,
    /// It is gone.
    Drop,
    /// It closes, if it can.
    Close,
    /// It sends something.
    Speak,
}

/// How the relay ends.
#[derive(Clone, Copy, Debug)]
enum Stop {
    /// Not before everybody has gone.
    None,
    /// It closes everybody.
    Polite,
    /// Nobody is asked.
    Hard,
}

fn client() -> impl Strategy<Value = (Way, End, u16)> {
    use Way::*;
    let way = prop::sample::select(vec![
        Tcp, HalfHttp, PlainHttp, Upgrade, Junk, BadFrame, Challenge, Impostor, Spare, Spare, Spare, Request, Request,
        Request, Pair, Pair, Pair,
    ]);
    let end = prop::sample::select(vec![End::Wait, End::Drop, End::Close, End::Speak]);
    (way, end, 0..3_u16)
}

/// What a client holds on to.
enum Hand {
    Raw(tokio::net::TcpStream),
    Client(Box<Client>),
    Pair(Box<(Client, Client)>),
}

async fn act(address: SocketAddr, way: Way, end: End, number: u16, unique: u16) -> Option<Hand> {
    let client = |client| Hand::Client(Box::new(client));
    let listener = key(number);
    let hand = match way {
        Way::Tcp => Hand::Raw(raw::connect(address).await),
        Way::HalfHttp | Way::PlainHttp => {
            let text =
                if matches!(way, Way::HalfHttp) { &raw::UPGRADE[..40] } else { "GET / HTTP/1.1\r\nHost: h\r\n\r\n" };
            let mut stream = raw::connect(address).await;
            stream.write_all(text.as_bytes()).await.ok()?;
            Hand::Raw(stream)
        }
        Way::Upgrade => client(Client::connect(address).await),
        Way::Junk => {
            let mut it = Client::connect(address).await;
            it.send_text("junk").await;
            client(it)
        }
        Way::BadFrame => Hand::Raw(raw::upgrade_and(address, &raw::frame(0xf1, b"")).await),
        Way::Challenge | Way::Impostor => {
            let mut it = Client::connect(address).await;
            it.send(message::register(listener.public())).await;
            let request = AuthenticationRequest::parse(&it.recv().await).unwrap();
            if matches!(way, Way::Impostor) {
                it.send(message::authentication_response(&request.challenge)).await;
            }
            client(it)
        }
        Way::Spare => client(Client::register(address, &listener).await),
        Way::Request => client(Client::request(address, &key(50), listener.public()).await),
        Way::Pair => {
            let target = key(100 + unique);
            let spare = Client::register(address, &target).await;
            Hand::Pair(Box::new((Client::request(address, &key(50), target.public()).await, spare)))
        }
    };
    match (end, hand) {
        (End::Wait, hand) => Some(hand),
        (End::Drop, _) => None,
        (End::Close | End::Speak, Hand::Raw(mut stream)) => {
            // Whether anybody still listens is open.
            let _ = stream.write_all(&raw::frame(raw::TEXT, b"something")).await;
            Some(Hand::Raw(stream))
        }
        (End::Close, Hand::Client(mut it)) => {
            let _ = it.ws.close(None).await;
            Some(Hand::Client(it))
        }
        (End::Speak, Hand::Client(mut it)) => {
            let payload = Payload::binary(vec![1; 1000]);
            let _ = futures_util::SinkExt::send(&mut it.ws, common::to_message(payload)).await;
            Some(Hand::Client(it))
        }
        (End::Close, Hand::Pair(mut it)) => {
            let _ = it.0.ws.close(None).await;
            Some(Hand::Pair(it))
        }
        (End::Speak, Hand::Pair(mut it)) => {
            it.0.send_text("something").await;
            Some(Hand::Pair(it))
        }
    }
}

/// The sum that has to be right.
fn check(page: &Page, accepted: usize) -> Result<(), TestCaseError> {
    let mut entries = 0.0;
    for sample in page.samples("phase_entries_total", &[]) {
        let labels: Vec<_> = sample.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let exits = page.value("phase_duration_seconds_count", &labels);
        prop_assert_eq!(exits, sample.value, "exits of {:?}", labels);
        entries += sample.value;
    }
    let exits = page.value("phase_duration_seconds_count", &[]);
    prop_assert_eq!(exits, entries);
    // Each connection begins once, closes once, and is closed once.
    let accepted = accepted as f64;
    prop_assert_eq!(page.value("phase_entries_total", &[("phase", "upgrade")]), accepted);
    prop_assert_eq!(page.value("phase_entries_total", &[("phase", "closing")]), accepted);
    prop_assert_eq!(page.value("connections_closed_total", &[]), accepted);
    prop_assert_eq!(page.value("connections", &[]), 0.0);
    prop_assert_eq!(page.value("buffered_bytes", &[]), 0.0);
    Ok(())
}

async fn server() -> Server {
    let timers = [(Timer::Handshake, 250), (Timer::PingInterval, 40), (Timer::PongTimeout, 40), (Timer::Close, 40)];
    relay(&timers).await
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn exits_are_entries(clients in prop::collection::vec(client(), 1..24), stop in prop::sample::select(vec![Stop::None, Stop::Polite, Stop::Hard])) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let server = server().await;
            let address = server.local_addr();
            let mut tasks = tokio::task::JoinSet::new();
            for ((way, end, number), unique) in clients.iter().zip(0..) {
                let (way, end, number) = (*way, *end, *number);
                tasks.spawn(async move {
                    let hand = act(address, way, end, number, unique).await;
                    tokio::time::sleep(Duration::from_millis(u64::from(number) * 20)).await;
                    hand
                });
            }
            let mut hands = Vec::new();
            while let Some(hand) = tasks.join_next().await {
                hands.push(hand.unwrap());
            }
            let view = server.view();
            match stop {
                Stop::None => {
                    // Spares answer no ping, so they go. Pairs that nobody ends would stay.
                    drop(hands);
                    until_empty(&server).await;
                }
                Stop::Polite => server.shutdown(Duration::ZERO).await,
                Stop::Hard => {
                    drop(server);
                    while view.snapshot() != Snapshot::default() {
                        tokio::time::sleep(Duration::from_millis(2)).await;
                    }
                }
            }
            let connections = clients.iter().map(|(way, ..)| if matches!(way, Way::Pair) { 2 } else { 1 }).sum();
            check(&Page::parse(&view.metrics()), connections)
        })?;
    }
}
