//! Mixed random load in miniature: everybody at once, decent and not, for two minutes. `RATATOSK_SOAK_SECONDS` makes it
//! longer, `RATATOSK_SOAK_SEED` different.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

#[path = "../common/mod.rs"]
mod common;
mod dice;
mod polite;
mod rude;

use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use common::program::{Program, command_with_ops};
use common::scrape::Page;
use common::{Client, HANDOVER, http, key};
use dice::Dice;
use ratatosk_protocol::key::KeyPair;
use ratatosk_protocol::message::{PING, PONG, communication_request};
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Clients at the same time.
const CROWD: u64 = 60;

/// A stuck pair may cost 2 MB, and there are never more than this many.
const ALLOWED: u64 = 64 * 1000 * 1000;

const WHAT: [&str; 6] = ["listeners", "requesters", "couples", "half open", "garbage", "stalls"];

/// How often each of them was there.
#[derive(Default)]
struct Tally([AtomicU64; 6]);

impl Tally {
    fn text(&self) -> String {
        let mut text = String::new();
        for (what, count) in WHAT.iter().zip(&self.0) {
            write!(text, ", {} {what}", count.load(Ordering::Relaxed)).unwrap();
        }
        text
    }
}

/// A pair, though the spare may be pinged before it is handed over.
async fn meet(address: SocketAddr, source: &KeyPair, target: &KeyPair) -> (Client, Client) {
    let mut listener = Client::register(address, target).await;
    let connector = Client::request(address, source, target.public()).await;
    loop {
        match listener.recv_text().await {
            text if text == PING => listener.send_text(PONG).await,
            text => {
                assert_eq!(text, HANDOVER);
                assert_eq!(listener.recv().await, communication_request(source.public(), target.public()));
                return (connector, listener);
            }
        }
    }
}

/// Ends a connection in one of the ways in which connections end.
async fn leave(mut client: Client, dice: &mut Dice) {
    match dice.below(3) {
        0 => {
            let _ = tokio::time::timeout(Duration::from_secs(1), client.ws.close(None)).await;
        }
        1 => reset(client.ws.into_inner()),
        _ => {}
    }
}

fn reset(stream: TcpStream) {
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
}

/// One client after another, until the time is up.
async fn actor(address: SocketAddr, mut dice: Dice, end: Instant, tally: Arc<Tally>) {
    static UNIQUE: AtomicU16 = AtomicU16::new(0);
    while Instant::now() < end {
        let unique = 2000 + UNIQUE.fetch_add(1, Ordering::Relaxed) % 60_000;
        let what = [0, 0, 0, 1, 1, 1, 2, 2, 3, 4, 4, 5][dice.below(12)];
        match what {
            0 => polite::listener(address, &mut dice).await,
            1 => polite::requester(address, &mut dice).await,
            2 => polite::couple(address, &mut dice, unique).await,
            3 => rude::half_open(address, &mut dice).await,
            4 => rude::garbage(address, &mut dice, unique).await,
            _ => rude::stall(address, &mut dice, unique).await,
        }
        tally.0[what].fetch_add(1, Ordering::Relaxed);
    }
}

async fn scrape(program: &Program) -> Page {
    Page::parse(&http::get(program.ops.unwrap(), "/metrics").await.body)
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a whole number"))
}

/// Waits until nobody is left but the pair that watches.
async fn until_only_two_are_left(program: &Program) -> Page {
    let start = Instant::now();
    loop {
        let page = scrape(program).await;
        if page.value("connections", &[]) == 2.0 {
            return page;
        }
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "{:?}",
            page.samples("connections", &[]).collect::<Vec<_>>()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Each phase that was entered was left, but for those of the pair that is still there.
fn check(page: &Page) {
    let mut open = 0.0;
    for sample in page.samples("phase_entries_total", &[]) {
        let labels: Vec<_> = sample.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let left = page.value("phase_duration_seconds_count", &labels);
        let paired = if sample.label("phase") == Some("paired") { 1.0 } else { 0.0 };
        assert_eq!(sample.value - left, paired, "{labels:?}");
        open += sample.value - left;
    }
    assert_eq!(open, 2.0);
    assert_eq!(page.value("connections", &[("state", "paired")]), 2.0);
    let accepted = page.value("connections_accepted_total", &[]);
    assert_eq!(page.value("connections_closed_total", &[]), accepted - 2.0);
    for name in ["registered_keys", "buffered_bytes", "accept_errors_total", "limit_rejections_total"] {
        assert_eq!(page.value(name, &[]), 0.0, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn soak() {
    let (seconds, seed) = (setting("RATATOSK_SOAK_SECONDS", 120), setting("RATATOSK_SOAK_SEED", 0x5eed));
    println!("{seconds} s of mixed load, seed {seed}");
    let timers = [
        ["--handshake-timeout-ms", "3000"],
        ["--ping-interval-ms", "200"],
        ["--pong-timeout-ms", "3000"],
        ["--stall-timeout-ms", "1500"],
        ["--close-timeout-ms", "300"],
    ];
    let program = Program::start_with_ops(command_with_ops(&[&["--log", "error"], timers.as_flattened()].concat()));
    let (mut connector, mut listener) = meet(program.address, &key(1990), &key(1991)).await;
    let descriptors = program.descriptors();
    let tally = Arc::<Tally>::default();
    let start = Instant::now();
    let end = start + Duration::from_secs(seconds);
    let mut crowd = JoinSet::new();
    for number in 0..CROWD {
        crowd.spawn(actor(program.address, Dice::new(seed ^ (number << 32)), end, Arc::clone(&tally)));
    }
    // Somebody who is there from the beginning to the end, and sees how it goes.
    let watch = async {
        let (mut before, mut after) = (0, 0);
        let mut told = start;
        while Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(100)).await;
            // Whoever has met what should not be ends it all.
            while let Some(ended) = crowd.try_join_next() {
                ended.unwrap();
            }
            connector.send_text("still here").await;
            assert_eq!(listener.recv_text().await, "still here");
            let most = if start.elapsed() < Duration::from_secs(seconds) / 2 { &mut before } else { &mut after };
            *most = program.resident().max(*most);
            if told.elapsed() >= Duration::from_secs(10) {
                told = Instant::now();
                let (kib, open) = (program.resident() / 1024, program.descriptors());
                println!("{} s: {kib} KiB, {open} descriptors{}", start.elapsed().as_secs(), tally.text());
            }
        }
        (before, after)
    };
    let (before, after) = watch.await;
    while let Some(ended) = crowd.join_next().await {
        ended.unwrap();
    }
    println!("at most {} KiB in the first half, {} KiB in the second{}", before / 1024, after / 1024, tally.text());
    assert!(before.max(after) < ALLOWED, "{before} and {after} bytes");
    assert!(after < before + before / 4 + 4_000_000, "it grows: {before} and {after} bytes");
    assert!(tally.0.iter().all(|count| count.load(Ordering::Relaxed) > 0), "everybody was there: {}", tally.text());

    check(&until_only_two_are_left(&program).await);
    let open = async {
        while program.descriptors() > descriptors {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    common::within(open).await;
    connector.send_text("and out").await;
    assert_eq!(listener.recv_text().await, "and out");
}
