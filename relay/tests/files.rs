//! A process that may not open more files (EMFILE): who is there goes on, the processor is left alone, and who is new
//! comes in when there is room again.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::program::Program;
use common::scrape::Page;
use common::{Client, PATIENCE, http, key, pair, raw, within};

const FILES: usize = 64;

fn short_of_files() -> Program {
    short_of_files_with(Stdio::null())
}

fn short_of_files_with(log: Stdio) -> Program {
    let mut shell = Command::new("sh");
    let script = r#"ulimit -n "$1" && exec "$0" --listen 127.0.0.1:0 --ops-listen 127.0.0.1:0 --log warn"#;
    shell.args(["-c", script, env!("CARGO_BIN_EXE_commserver"), &FILES.to_string()]).stderr(log);
    Program::start_with_ops(shell)
}

async fn round_trip((connector, listener): &mut (Client, Client), number: usize) {
    let text = number.to_string();
    connector.send_text(&text).await;
    assert_eq!(listener.recv_text().await, text);
    listener.send_text(&text).await;
    assert_eq!(connector.recv_text().await, text);
}

async fn until_descriptors(program: &Program, what: impl Fn(usize) -> bool) {
    let start = Instant::now();
    while !what(program.descriptors()) {
        assert!(start.elapsed() < PATIENCE, "still {}", program.descriptors());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn no_more_files() {
    let mut program = short_of_files();
    let mut old = pair(program.address, &key(1), &key(2)).await;
    let mut spare = Client::register(program.address, &key(3)).await;
    let before = program.descriptors();
    let began = Instant::now();
    let mut flood = Vec::new();
    for _ in 0..2 * FILES {
        flood.push(raw::connect(program.address).await);
    }
    until_descriptors(&program, |open| open >= FILES).await;
    // One more, so that there is somebody to be accepted as long as this lasts.
    flood.push(raw::connect(program.address).await);

    // Nobody works, so the time is what the listener takes for itself. One that tries at once takes all of it.
    let (start, cpu) = (Instant::now(), program.cpu());
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (taken, elapsed) = (program.cpu() - cpu, start.elapsed());
    println!("without a file to spare: {taken:?} of processor time in {elapsed:?}");
    assert!(taken < elapsed / 5, "{taken:?} of {elapsed:?}");

    // The pair does not notice, and who waits for a spare would need no new file either.
    for number in 0..500 {
        round_trip(&mut old, number).await;
    }
    let full_for = began.elapsed();
    drop(flood);
    until_descriptors(&program, |open| open <= before).await;

    // New ones come in at once, without anybody's help.
    let mut connector = within(Client::request(program.address, &key(4), key(3).public())).await;
    spare.handed_over(&key(4), &key(3)).await;
    connector.send_text("here").await;
    assert_eq!(spare.recv_text().await, "here");
    round_trip(&mut old, 0).await;

    let page = Page::parse(&http::get(program.ops.unwrap(), "/metrics").await.body);
    let failures = page.value("accept_errors_total", &[("class", "process_files")]);
    // The pauses grow from 10 ms to 1 s; the pause goes back to the beginning when somebody could be accepted.
    let most = 20.0 + 2.0 * full_for.as_secs_f64();
    println!("{failures} failures to accept in {full_for:?}");
    assert!((1.0..=most).contains(&failures), "{failures} failures in {full_for:?}");
    assert_eq!(page.value("accept_errors_total", &[]), failures);
    drop((old, spare, connector));
    program.signal("TERM");
    assert_eq!(program.exit().await.code(), Some(0));
}

/// Shells begin with 1024, and a relay is started from a shell.
#[tokio::test]
async fn the_number_of_files_is_raised_as_far_as_it_may_be() {
    let mut shell = Command::new("sh");
    let script = r#"ulimit -S -n 64 && exec "$0" --listen 127.0.0.1:0 --ops-listen 127.0.0.1:0 --log error --max-connections "$1""#;
    shell.args(["-c", script, env!("CARGO_BIN_EXE_commserver"), "500"]);
    let program = Program::start_with_ops(shell);
    let mut spares = Vec::new();
    for number in 0..200 {
        spares.push(Client::register(program.address, &key(number)).await);
    }
    assert!(program.descriptors() > 200);
}

#[tokio::test]
async fn fewer_files_than_connections_are_a_warning() {
    let mut program = short_of_files_with(Stdio::piped());
    let mut line = String::new();
    BufReader::new(program.take_stderr()).read_line(&mut line).unwrap();
    assert!(line.contains("fewer files than limits.connections"), "{line}");
}
