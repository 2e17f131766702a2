//! `commserver` as people run it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::process::{Command, Stdio};

use common::program::{Program, command};
use common::{Client, end, key, pair};

#[tokio::test]
async fn a_taken_port_is_explained() {
    let program = Program::start(command(&[]));
    let address = program.address.to_string();
    let mut second = Command::new(env!("CARGO_BIN_EXE_commserver"));
    let output = second.args(["--listen", &address]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains(&format!("commserver: cannot listen on {address}: ")), "{text}");
    assert!(text.contains("choose another port with --listen"), "{text}");

    let output = Command::new(env!("CARGO_BIN_EXE_commserver"))
        .args(["--listen", "127.0.0.1:0", "--ops-listen", &address])
        .output()
        .unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), &b""[..]));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains(&format!("commserver: cannot listen on {address} for operators: ")), "{text}");
    assert!(text.contains("--ops-listen off"), "{text}");
}

#[tokio::test]
async fn what_cannot_work_is_refused_at_the_start() {
    let cases = [
        (
            "--ping-interval-ms",
            "0",
            "timeouts.ping_interval_ms (flag --ping-interval-ms): the ping_interval timeout must be at least 1 ms",
        ),
        ("--max-spares", "0", "limits.spares (flag --max-spares): every limit must be at least 1"),
        ("--listen", "nonsense", "it should look like 127.0.0.1:8000"),
        (
            "--log",
            "ratatosk_relay=loud",
            "log.filter (flag --log): \"ratatosk_relay=loud\" is not a log filter: error parsing level",
        ),
        ("--log", "info,[", "it should look like info or ratatosk_relay=debug"),
        ("--no-such-flag", "1", "unexpected argument"),
    ];
    for (flag, value, text) in cases {
        let output = Command::new(env!("CARGO_BIN_EXE_commserver")).args([flag, value]).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(text), "{error}");
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_commserver"));
    let output = command.env("COMMSERVER_LOG", "ratatosk_relay=loud").output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("log.filter (environment COMMSERVER_LOG): "), "{error}");
}

#[tokio::test]
async fn flags_come_from_the_environment_too() {
    let mut command = command(&[]);
    command.env("COMMSERVER_PING_INTERVAL_MS", "1234");
    let program = Program::start(command);
    let mut client = Client::connect(program.address).await;
    client.send(ratatosk_protocol::message::register(key(1).public())).await;
    let request = ratatosk_protocol::message::AuthenticationRequest::parse(&client.recv().await).unwrap();
    client.send(common::answer(&key(1), &request)).await;
    assert_eq!(client.recv_text().await, r#"{"command":"authentication_success","pingInterval":1234}"#);
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_drains_and_ends_with_0() {
    for signal in ["TERM", "INT"] {
        let mut program = Program::start(command(&[]));
        let mut spare = Client::register(program.address, &key(1)).await;
        let (mut connector, mut listener) = pair(program.address, &key(2), &key(3)).await;
        program.signal(signal);
        assert_eq!(spare.ended().await, end(1000, "Close called."));
        assert!(program.line().starts_with("commserver stops: 1 pairs have 10s to finish"));
        connector.send_text("last words").await;
        assert_eq!(listener.recv_text().await, "last words");
        connector.close(1000, "done").await;
        assert_eq!(listener.ended().await, end(1000, "done"));
        assert_eq!(connector.ended().await, end(1000, "done"));
        assert_eq!(program.exit().await.code(), Some(0));
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_second_signal_ends_at_once() {
    let mut program = Program::start(command(&["--drain-timeout-ms", "3600000"]));
    let (mut connector, _listener) = pair(program.address, &key(2), &key(3)).await;
    program.signal("INT");
    program.line();
    program.signal("INT");
    assert_eq!(program.exit().await.code(), Some(1));
    // Nobody sees to it that there is a word of farewell, or none.
    let farewell = connector.ended().await;
    assert!(farewell.is_none() || farewell == end(1005, ""), "{farewell:?}");
}

/// A log names keys by their fingerprint and repeats nothing that a client has said.
#[cfg(unix)]
#[tokio::test]
async fn the_log_tells_nothing_about_anybody() {
    use std::io::Read;
    let log = tempfile();
    let mut command = command(&["--log", "trace"]);
    command.stderr(Stdio::from(log.try_clone().unwrap()));
    let mut program = Program::start(command);
    let (mut connector, mut listener) = pair(program.address, &key(2), &key(3)).await;
    connector.send_text("private matter").await;
    assert_eq!(listener.recv_text().await, "private matter");
    connector.close(4001, "private reason").await;
    listener.ended().await;
    let mut rude = Client::connect(program.address).await;
    rude.send_text(r#"{"command":"register","publicKey":"private nonsense"}"#).await;
    rude.ended().await;
    drop((connector, listener, rude));
    program.signal("TERM");
    program.exit().await;

    let mut text = String::new();
    let mut log = log;
    std::io::Seek::rewind(&mut log).unwrap();
    log.read_to_string(&mut text).unwrap();
    assert!(text.contains(&key(3).public().fingerprint()), "{text}");
    for secret in [&key(2).public().to_hex(), &key(3).public().to_hex()[..16], "private", "challenge\":"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

/// A file without a name: it is gone with its last handle.
#[cfg(unix)]
fn tempfile() -> std::fs::File {
    let path = std::env::temp_dir().join(format!("commserver-log-{}", std::process::id()));
    let file = std::fs::OpenOptions::new().read(true).write(true).create_new(true).open(&path).unwrap();
    std::fs::remove_file(path).unwrap();
    file
}
