//! A hundred thousand connections that come and go leave nothing behind: no descriptor, and no memory.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use common::network::connect_from;
use common::program::{Program, command};
use common::{Client, PATIENCE, key, pair};
use socket2::SockRef;
use tokio::net::TcpStream;

const CYCLES: u32 = 100_000;
const REGISTRATIONS: u32 = 20_000;

/// More than the relay remembers of keys that have lost their last spare.
const WARM_UP: u32 = 10_000;

/// At the same time.
const CLIENTS: u32 = 32;

/// Many addresses, because ports stay taken for a minute after a polite end.
async fn connect(program: &Program, number: u32) -> TcpStream {
    let host = u8::try_from(number % 64 + 1).unwrap();
    let stream = connect_from(Ipv4Addr::new(127, 0, 2, host), program.address).await;
    if number.is_multiple_of(4) {
        // An end by reset, the others by FIN.
        SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    }
    stream
}

/// Runs `cycle` so many times, [`CLIENTS`] at once, and waits until the relay has closed its side as well.
async fn cycles(program: &Program, count: u32, cycle: impl AsyncFn(u32)) {
    let before = program.descriptors();
    let cycle = &cycle;
    let clients = (0..CLIENTS).map(|client| async move {
        for number in (client..count).step_by(CLIENTS as usize) {
            cycle(number).await;
        }
    });
    futures_util::future::join_all(clients).await;
    let start = Instant::now();
    while program.descriptors() > before {
        assert!(start.elapsed() < PATIENCE, "{} descriptors, {before} before", program.descriptors());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The same load twice, the second time longer: it may not take more memory.
async fn leaves_nothing_behind(what: &str, count: u32, program: &Program, cycle: impl AsyncFn(u32)) {
    cycles(program, WARM_UP, &cycle).await;
    let (descriptors, before) = (program.descriptors(), program.resident());
    let start = Instant::now();
    cycles(program, count, &cycle).await;
    let (took, after) = (start.elapsed(), program.resident());
    println!("{count} {what} in {took:?}: {} KiB before, {} KiB after", before / 1024, after / 1024);
    assert!(after <= before + before / 10, "{before} bytes before, {after} after");
    assert_eq!(program.descriptors(), descriptors);
}

#[tokio::test]
async fn nothing_is_left_of_a_hundred_thousand_connections() {
    let program = Program::start(command(&["--log", "error"]));
    // Somebody is there all the time.
    let (mut connector, mut listener) = pair(program.address, &key(1), &key(2)).await;
    let connections = async |number| drop(connect(&program, number).await);
    leaves_nothing_behind("connections", CYCLES, &program, connections).await;
    let registrations = async |number| {
        let client = Client::over(connect(&program, number).await).await;
        client.try_register(&key(u16::try_from(number % 1000).unwrap())).await.unwrap();
    };
    leaves_nothing_behind("registrations", REGISTRATIONS, &program, registrations).await;
    connector.send_text("still here").await;
    assert_eq!(listener.recv_text().await, "still here");
}
