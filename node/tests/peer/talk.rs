//! What a peer can be asked for, and what it tells of a conversation.

use serde_json::{Value, json};

use super::support::{Peer, fresh_path, relay, url};

#[tokio::test]
async fn messages_of_every_shape_arrive_unchanged_both_ways() {
    let relay = relay().await;
    let mut initiator = Peer::ready(&url(&relay), &[]).await;
    let mut listener = Peer::online(&url(&relay), &[]).await;
    let long = |index: u32| (index * 31 % 251) as u8;
    let contents = [
        ("text", "hello".to_owned()),
        ("text", "Grüße 世界 🎉 \u{0} e\u{301} \u{feff}\r\n".to_owned()),
        ("text", String::new()),
        ("hex", String::new()),
        ("text", "fragmentation_end".to_owned()),
        ("text", "abcdefghi ".repeat(20_000)),
        ("hex", (0..200_000).map(|index| format!("{:02x}", long(index))).collect()),
    ];
    for (field, content) in &contents {
        for is_back in [false, true] {
            let (from, to) = if is_back { (&mut listener, &mut initiator) } else { (&mut initiator, &mut listener) };
            let answer = from.ask(json!({"cmd": "raw", "key": to.key, *field: content})).await;
            assert_eq!((&answer["event"], &answer["cmd"]), (&json!("result"), &json!("raw")));
            let event = to.event("raw").await;
            assert!(event[field] == content.as_str(), "{field} of {} bytes", content.len());
            assert_eq!(event["key"], from.key);
        }
    }
    // All of them took the one connection.
    for peer in [&mut initiator, &mut listener] {
        assert_eq!(peer.ask(json!({"cmd": "connections"})).await["connections"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_peer_says_who_it_is_and_what_it_is_connected_to() {
    let relay = relay().await;
    let mut initiator = Peer::ready(&url(&relay), &[]).await;
    let mut listener = Peer::online(&url(&relay), &[]).await;
    let info = initiator.ask(json!({"cmd": "info"})).await;
    assert_eq!(info["publicKey"], initiator.key);
    assert_eq!(initiator.ask(json!({"cmd": "connections"})).await["connections"], json!([]));
    assert_eq!(initiator.ask(json!({"cmd": "timeline"})).await["timelines"], json!([]));

    initiator.tell(json!({"cmd": "raw", "key": listener.key, "text": "x"})).await;
    listener.event("raw").await;
    let keys = [listener.key.clone(), initiator.key.clone()];
    let peers = [(&mut initiator, "initiator"), (&mut listener, "listener")];
    for ((peer, role), other) in peers.into_iter().zip(keys) {
        let answer = peer.ask(json!({"cmd": "connections"})).await;
        let connection = &answer["connections"][0];
        assert_eq!(connection["key"], other);
        assert_eq!((&connection["role"], &connection["state"]), (&json!(role), &json!("open")));
        assert!(connection["bytesSent"].as_u64().unwrap() > 0 && connection["bytesReceived"].as_u64().unwrap() > 0);
        let answer = peer.ask(json!({"cmd": "timeline"})).await;
        assert!(lines(&answer).iter().any(|line| line.contains("encrypted in")), "{answer}");
    }

    // The timeline of a connection stays after its end.
    listener.tell(json!({"cmd": "quit"})).await;
    let end = initiator.event("disconnected").await;
    assert_eq!((&end["origin"], &end["role"]), (&json!("remote"), &json!("initiator")));
    assert!(!lines(&initiator.ask(json!({"cmd": "timeline"})).await).is_empty());
}

fn lines(answer: &Value) -> Vec<&str> {
    answer["timelines"][0]["lines"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_peer_goes_offline_and_comes_back() {
    let relay = relay().await;
    let mut initiator = Peer::ready(&url(&relay), &[]).await;
    let mut listener = Peer::online(&url(&relay), &[]).await;
    let message = json!({"cmd": "raw", "key": listener.key, "text": "x"});
    assert_eq!(initiator.ask(message.clone()).await["event"], "result");

    assert_eq!(listener.ask(json!({"cmd": "disconnect"})).await["event"], "result");
    initiator.event("disconnected").await;
    assert_eq!(initiator.ask(message.clone()).await["event"], "error");

    listener.tell(json!({"cmd": "reconnect"})).await;
    assert_eq!(listener.event("online").await["state"], true);
    assert_eq!(initiator.ask(message).await["event"], "result");
    listener.event("raw").await;
}

#[tokio::test]
async fn the_transcript_has_what_was_said_and_the_marks() {
    let path = fresh_path("transcript.jsonl");
    let relay = relay().await;
    let mut initiator = Peer::ready(&url(&relay), &[("TRANSCRIPT", path.to_str().unwrap())]).await;
    let mut listener = Peer::online(&url(&relay), &[]).await;
    initiator.tell(json!({"cmd": "raw", "key": listener.key, "text": "there"})).await;
    listener.event("raw").await;
    listener.tell(json!({"cmd": "raw", "key": initiator.key, "hex": "00ff"})).await;
    initiator.event("raw").await;
    assert_eq!(initiator.ask(json!({"cmd": "mark", "text": "so far"})).await["event"], "result");

    let text = std::fs::read_to_string(&path).unwrap();
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut last = 0.0;
    for line in &mut lines {
        let time = line.as_object_mut().unwrap().remove("t").unwrap().as_f64().unwrap();
        assert!(time >= last, "time goes back");
        last = time;
    }
    let expected = [
        json!({"dir": "sent", "connection": 1, "text": "there"}),
        json!({"dir": "received", "connection": 1, "hex": "00ff"}),
        json!({"mark": "so far"}),
    ];
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn a_peer_with_a_folder_keeps_its_key() {
    let folder = fresh_path("kept-key");
    let environment = [("PEER_DIR", folder.to_str().unwrap())];
    let relay = relay().await;
    let first = Peer::ready(&url(&relay), &environment).await.key;
    assert_eq!(Peer::ready(&url(&relay), &environment).await.key, first);
    assert_ne!(Peer::ready(&url(&relay), &[]).await.key, first);
}
