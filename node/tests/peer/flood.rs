//! More than anybody takes: what comes too fast waits in the right place, and nothing waits for ever.

use serde_json::{Value, json};

use super::support::{Peer, answers, relay, url};

/// More, in all, than the queues of two peers, a relay and two pairs of sockets hold.
const MESSAGES: usize = 60;

fn message(number: usize) -> String {
    let mut text = format!("{number} ");
    text.extend(std::iter::repeat_n('x', 1_000_000));
    text
}

/// Two peers on one connection, each of which was told to send all the messages, and whom nobody reads.
async fn flooded(url: &str) -> (Peer, Peer) {
    let mut one = Peer::ready(url, &[]).await;
    let mut other = Peer::online(url, &[]).await;
    one.tell(json!({"cmd": "raw", "id": MESSAGES, "key": other.key, "text": "hello"})).await;
    other.event("raw").await;
    for number in 0..MESSAGES {
        let text = message(number);
        one.tell(json!({"cmd": "raw", "id": number, "key": other.key, "text": text})).await;
        other.tell(json!({"cmd": "raw", "id": number, "key": one.key, "text": text})).await;
    }
    (one, other)
}

/// Reads until every message and every answer was there.
async fn read_all(peer: &mut Peer, commands: usize) -> Vec<Value> {
    let (mut answers, mut messages) = (Vec::new(), 0);
    while messages < MESSAGES || answers.len() < commands {
        let event = peer.next().await.expect("it ended too early");
        match event["event"].as_str().unwrap() {
            "raw" => {
                assert!(event["text"] == message(messages), "message {messages} is another");
                messages += 1;
            }
            "result" | "error" => answers.push(event),
            _ => {}
        }
    }
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_peers_that_flood_each_other_both_get_everything() {
    let relay = relay().await;
    let (mut one, mut other) = flooded(&url(&relay)).await;
    let (of_one, of_other) = tokio::join!(read_all(&mut one, MESSAGES + 1), read_all(&mut other, MESSAGES));
    for (events, count) in [(of_one, MESSAGES + 1), (of_other, MESSAGES)] {
        let (answers, results) = answers(&events);
        assert_eq!((answers.len(), results), (count, count));
    }
    for peer in [&mut one, &mut other] {
        peer.tell(json!({"cmd": "quit"})).await;
        assert_eq!(peer.rest().await.1, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quit_is_heard_while_nobody_reads_and_every_command_is_answered() {
    let relay = relay().await;
    let (mut one, mut other) = flooded(&url(&relay)).await;
    one.tell(json!({"cmd": "quit"})).await;
    other.tell(json!({"cmd": "quit"})).await;
    // Nobody ever reads what the one tells.
    let (code_of_one, (events, code)) = tokio::join!(one.exit(), other.rest());
    assert_eq!(code_of_one, 0);
    let (answers, _) = answers(&events);
    assert_eq!(answers.into_iter().collect::<Vec<_>>(), (0..MESSAGES as u64).map(|id| (id, 1)).collect::<Vec<_>>());
    assert_eq!((events.last().unwrap()["event"].as_str(), code), (Some("exit"), 0));
}

#[tokio::test]
async fn answers_wait_for_a_slow_reader() {
    const COMMANDS: u64 = 2000;
    let relay = relay().await;
    let mut peer = Peer::online(&url(&relay), &[]).await;
    // They fit into the pipe; their answers do not.
    for id in 0..COMMANDS {
        peer.line(&format!(r#"{{"cmd":"info","id":{id}}}"#)).await;
    }
    for id in 0..COMMANDS {
        assert_eq!(peer.event("result").await["id"], id);
    }
}
