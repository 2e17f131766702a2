//! What cannot be done is said, with the id of the command, and the peer goes on.

use serde_json::{Value, json};

use super::support::{Peer, fresh_path, relay, url};

#[tokio::test]
async fn every_command_that_fails_is_answered_with_its_id() {
    let relay = relay().await;
    let mut peer = Peer::ready(&url(&relay), &[]).await;
    let nobody = "09".repeat(32);
    let cases = [
        (json!({"cmd": "raw", "key": nobody, "text": "x"}), "raw", "no listener for this key"),
        (json!({"cmd": "raw", "key": "00".repeat(32), "text": "x"}), "command", ""),
        (json!({"cmd": "raw", "key": nobody}), "command", "either"),
        (json!({"cmd": "dance"}), "command", "unknown command"),
        (json!({"text": "x"}), "command", "no command"),
        (json!({"cmd": "invite"}), "invite", "phase 6"),
    ];
    for (command, place, problem) in cases {
        let answer = peer.ask(command.clone()).await;
        assert_eq!((&answer["event"], &answer["where"]), (&json!("error"), &json!(place)), "{command}");
        assert!(answer["error"]["message"].as_str().unwrap().contains(problem), "{command}: {answer}");
    }
    assert_eq!(peer.ask(json!({"cmd": "info"})).await["event"], "result");
}

#[tokio::test]
async fn lines_that_are_no_commands_are_survived() {
    let relay = relay().await;
    let mut peer = Peer::ready(&url(&relay), &[]).await;
    let too_long = "x".repeat(17 * 1024 * 1024);
    for (line, place) in [("hello", "command"), (&*too_long, "input"), ("{\"cmd\":", "command")] {
        peer.line(line).await;
        let error = peer.event("error").await;
        assert_eq!((&error["where"], &error["id"]), (&json!(place), &Value::Null), "{error}");
    }
    peer.line("\n  \r\n").await;
    assert_eq!(peer.ask(json!({"cmd": "info"})).await["event"], "result");
}

#[tokio::test]
async fn who_waits_for_the_next_attempt_hears_why() {
    // Nothing listens there any more.
    let closed = { std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap() };
    let mut peer = Peer::ready(&format!("ws://{closed}"), &[]).await;
    let reason = peer.event("retrying").await["reason"].clone();
    assert!(reason.as_str().unwrap().contains("connection refused; nothing listens there"), "{reason}");
}

#[tokio::test]
async fn a_peer_that_cannot_start_says_why() {
    let folder = fresh_path("not-a-key");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("instance.key"), "not a key").unwrap();
    let cases = [
        ("http://127.0.0.1:1", vec![]),
        ("ws://127.0.0.1:1", vec![("PEER_DIR", folder.to_str().unwrap())]),
        ("ws://127.0.0.1:1", vec![("TRANSCRIPT", env!("CARGO_TARGET_TMPDIR"))]),
    ];
    for (url, environment) in cases {
        let (events, code) = Peer::spawn(url, &environment).rest().await;
        let names: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
        assert_eq!((names, code), (vec!["error", "exit"], 1), "{url} {environment:?}");
    }
}
