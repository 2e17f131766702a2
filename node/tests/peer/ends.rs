//! How a peer ends, and that no command stays without an answer when it does.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::support::{Peer, relay, url};

fn names(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn quit_ends_it_while_its_input_is_open() {
    let relay = relay().await;
    let mut peer = Peer::online(&url(&relay), &[]).await;
    peer.tell(json!({"cmd": "quit"})).await;
    let (events, code) = peer.rest().await;
    assert_eq!((names(&events), code), (vec!["online", "exit"], 0));
    assert_eq!(events[0]["state"], false);
}

#[tokio::test]
async fn the_end_of_input_ends_it_after_what_was_said() {
    let relay = relay().await;
    let mut initiator = Peer::ready(&url(&relay), &[]).await;
    let mut listener = Peer::online(&url(&relay), &[]).await;
    initiator.tell(json!({"cmd": "raw", "key": listener.key, "text": "hello"})).await;
    listener.event("raw").await;
    for number in 0..20 {
        initiator.tell(json!({"cmd": "raw", "id": number, "key": listener.key, "text": number.to_string()})).await;
    }
    initiator.end_input();
    for number in 0..20 {
        assert_eq!(listener.event("raw").await["text"], number.to_string());
    }
    let end = listener.event("disconnected").await;
    assert_eq!(end["origin"], "remote");
    let (events, code) = initiator.rest().await;
    assert_eq!(events.iter().filter(|event| event["event"] == "result" && event["id"].is_u64()).count(), 20);
    assert_eq!((names(&events).last(), code), (Some(&"exit"), 0));
}

#[tokio::test]
async fn with_stay_the_end_of_input_is_not_the_end() {
    let relay = relay().await;
    let mut initiator = Peer::ready(&url(&relay), &[]).await;
    let mut listener = Peer::online(&url(&relay), &[("STAY", "1")]).await;
    listener.end_input();
    for number in ["1", "2"] {
        initiator.tell(json!({"cmd": "raw", "key": listener.key, "text": number})).await;
        assert_eq!(listener.event("raw").await["text"], number);
    }
}

#[tokio::test]
async fn out_of_time_is_exit_code_3_whoever_holds_its_input_open() {
    let relay = relay().await;
    let began = std::time::Instant::now();
    let mut peer = Peer::ready(&url(&relay), &[("PEER_TIMEOUT_MS", "300")]).await;
    let (events, code) = peer.rest().await;
    assert_eq!((names(&events).last(), code), (Some(&"exit"), 3));
    assert!(began.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn what_waits_for_a_connection_that_is_given_up_is_answered() {
    // Something that takes connections and says nothing: the peer dials for as long as it likes.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", silent.local_addr().unwrap());
    for end in ["quit", "disconnect", "the end of input"] {
        let mut peer = Peer::ready(&url, &[]).await;
        for number in 1..=3 {
            peer.tell(json!({"cmd": "raw", "id": number, "key": "09".repeat(32), "text": "x"})).await;
        }
        if end != "the end of input" {
            peer.tell(json!({"cmd": end})).await;
        }
        peer.end_input();
        let (events, code) = peer.rest().await;
        assert_eq!(code, 0, "{end}");
        let errors: Vec<_> = events.iter().filter(|event| event["event"] == "error").collect();
        let ids: Vec<_> = errors.iter().map(|error| error["id"].as_u64().unwrap()).collect();
        assert_eq!(ids, [1, 2, 3], "{end}: {events:?}");
        let message = errors[0]["error"]["message"].as_str().unwrap();
        assert!(message.contains("ended before this was done"), "{end}: {message}");
    }
}
