//! What the program logs, where and how.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::io::{BufRead, BufReader};
use std::process::{ChildStderr, Command, Stdio};

use common::http::put;
use common::program::{Program, command, command_with_ops};
use common::{Client, key};

/// Starts the program with its log in a pipe.
fn logging(mut command: Command, start: impl Fn(Command) -> Program) -> (Program, BufReader<ChildStderr>) {
    command.stderr(Stdio::piped());
    let mut program = start(command);
    let log = program.take_stderr();
    (program, BufReader::new(log))
}

/// Reads until a line that contains `text`, and gives it.
fn find(log: &mut impl BufRead, text: &str) -> String {
    let mut all = String::new();
    loop {
        let mut line = String::new();
        assert!(log.read_line(&mut line).unwrap() > 0, "no {text:?} in {all}");
        if line.contains(text) {
            return line;
        }
        all.push_str(&line);
    }
}

#[tokio::test]
async fn its_level_changes_while_it_runs() {
    let (mut program, mut log) = logging(command_with_ops(&["--log", "info"]), Program::start_with_ops);
    let ops = program.ops.unwrap();
    // At first it is silent about ordinary connections.
    drop(Client::register(program.address, &key(1)).await);
    assert_eq!(put(ops, "/log", "", "ratatosk_relay=debug,info").await.status, 200);
    drop(Client::register(program.address, &key(2)).await);
    find(&mut log, "the log filter was changed");
    let line = find(&mut log, "registered");
    assert!(line.contains(&key(2).public().fingerprint()), "{line}");
    let refused = put(ops, "/log", "", "ratatosk_relay=\x1b[31m\r\n").await;
    assert_eq!(refused.status, 400);
    assert!(!refused.body.contains('\x1b'), "{}", refused.body);
    assert_eq!(put(ops, "/log", "", "off").await.status, 200);
    drop(Client::register(program.address, &key(3)).await);
    program.signal("TERM");
    assert_eq!(program.exit().await.code(), Some(0));
    let rest: Vec<_> = log.lines().map(Result::unwrap).collect();
    assert!(!rest.iter().any(|line| line.contains(&key(3).public().fingerprint())), "{rest:?}");
}

#[tokio::test]
async fn json_is_one_object_a_line() {
    let (mut program, log) = logging(command(&["--log", "debug", "--log-format", "json"]), Program::start);
    drop(Client::register(program.address, &key(1)).await);
    program.signal("TERM");
    assert_eq!(program.exit().await.code(), Some(0));
    let mut messages = Vec::new();
    for line in log.lines() {
        let line: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        assert!(line["timestamp"].is_string() && line["level"].is_string(), "{line}");
        messages.push(line["fields"]["message"].as_str().unwrap().to_owned());
    }
    for message in ["listening", "accepted", "registered"] {
        assert!(messages.iter().any(|found| found == message), "{message} in {messages:?}");
    }
}

#[tokio::test]
async fn a_filter_that_is_none_is_refused_at_the_start() {
    let output = command(&["--log", "ratatosk_relay=loud"]).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains(r#"log.filter (flag --log): "ratatosk_relay=loud" is not a log filter"#), "{text}");
}
