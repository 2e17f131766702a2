//! Peers with an identity: pairing, contacts, topics and messages, as a test bench drives them.

use serde_json::{Value, json};

use super::support::{Peer, fresh_path, relay, url};

/// A peer that is somebody, and can be reached. Gives the person's id as well.
async fn person(url: &str, name: &str, more: &[(&str, &str)]) -> (Peer, Value) {
    let email = format!("{name}@example.test");
    let environment: Vec<_> =
        [("PEER_EMAIL", &*email), ("PEER_NAME", name)].into_iter().chain(more.iter().copied()).collect();
    let mut peer = Peer::spawn(url, &environment);
    let id = peer.event("ready").await["personId"].clone();
    assert_eq!(peer.event("online").await["state"], true);
    (peer, id)
}

/// Pairs two, and gives the id of the topic that both have made by themselves.
async fn pair(inviter: &mut Peer, invited: &mut Peer) -> String {
    let answer = inviter.ask(json!({"cmd": "invite"})).await;
    assert_eq!(answer["event"], "invitation", "{answer}");
    let accepted = invited.ask(json!({"cmd": "accept", "invitation": answer["invitation"]})).await;
    assert_eq!(accepted["event"], "accepted", "{accepted}");
    let topic = inviter.event("newTopic").await["topic"].as_str().unwrap().to_owned();
    assert_eq!(invited.event("newTopic").await["topic"], *topic);
    topic
}

#[tokio::test]
async fn people_pair_and_talk() {
    let (relay, transcript) = (relay().await, fresh_path("people.jsonl"));
    let (mut anna, a) = person(&url(&relay), "anna", &[("TRANSCRIPT", transcript.to_str().unwrap())]).await;
    let (mut bert, b) = person(&url(&relay), "bert", &[]).await;
    let topic = pair(&mut anna, &mut bert).await;

    let sent = anna.ask(json!({"cmd": "send", "topic": topic, "text": "hello"})).await;
    assert_eq!((&sent["event"], &sent["cmd"]), (&json!("result"), &json!("send")));
    let heard = bert.find(|event| event["event"] == "message").await;
    assert_eq!((&heard["text"], &heard["author"], &heard["own"]), (&json!("hello"), &a, &json!(false)));
    assert_eq!((&heard["topic"], &heard["affirmed"]), (&json!(topic), &json!("verified")));

    bert.tell(json!({"cmd": "burst", "topic": topic, "text": "bert", "n": 3})).await;
    anna.find(|event| event["event"] == "message" && event["text"] == "bert 2" && event["author"] == b).await;
    let of = |answer: Value| -> Vec<String> {
        let messages = answer["messages"].as_array().unwrap();
        messages.iter().map(|message| message["text"].as_str().unwrap().to_owned()).collect()
    };
    let asked = json!({"cmd": "messages", "topic": topic});
    assert_eq!(of(anna.ask(asked.clone()).await), ["hello", "bert 0", "bert 1", "bert 2"]);
    let head = json!({"cmd": "head", "topic": topic});
    assert_eq!(anna.ask(head.clone()).await["hash"], bert.ask(head).await["hash"]);

    let contacts = anna.ask(json!({"cmd": "contacts"})).await;
    assert_eq!(contacts["contacts"][0]["personId"], b);
    assert_eq!(contacts["contacts"].as_array().unwrap().len(), 1);
    let connections = anna.ask(json!({"cmd": "connections"})).await;
    assert_eq!(
        (&connections["connections"][0]["personId"], &connections["connections"][0]["protocol"]),
        (&b, &json!("chum"))
    );

    // What both said after encryption stands in the transcript.
    let text = std::fs::read_to_string(&transcript).unwrap();
    for said in ["connection_group", "person_id_object", "authentication_token", "synchronisation"] {
        assert!(text.contains(said), "{said}");
    }
    // The timeline of the connection that paired them says so; at the other end the close may be faster than the storage.
    let timelines = bert.ask(json!({"cmd": "timeline"})).await.to_string();
    assert!(timelines.contains("pairing_complete"), "{timelines}");
}

#[tokio::test]
async fn a_person_who_leaves_comes_back_as_the_same() {
    let (relay, folder) = (relay().await, fresh_path("kept-person"));
    let kept = [("PEER_DIR", folder.to_str().unwrap())];
    let (mut anna, a) = person(&url(&relay), "anna", &kept).await;
    let (mut bert, _) = person(&url(&relay), "bert", &[]).await;
    let topic = pair(&mut anna, &mut bert).await;
    anna.tell(json!({"cmd": "quit"})).await;
    assert_eq!(anna.rest().await.1, 0);
    let (mut anna, again) = person(&url(&relay), "anna", &kept).await;
    assert_eq!(again, a);
    anna.event("protocolStart").await;
    bert.ask(json!({"cmd": "send", "topic": topic, "text": "welcome back"})).await;
    anna.find(|event| event["event"] == "message" && event["text"] == "welcome back").await;

    assert_eq!(anna.ask(json!({"cmd": "disconnect"})).await["event"], "result");
    bert.find(|event| event["event"] == "connections" && event["connections"] == json!([])).await;
    assert_eq!(anna.ask(json!({"cmd": "invite"})).await["event"], "error");
    assert_eq!(anna.ask(json!({"cmd": "reconnect"})).await["event"], "result");
    bert.find(|event| event["event"] == "connections" && event["connections"] != json!([])).await;
}

#[tokio::test]
async fn what_cannot_be_done_is_said() {
    let relay = relay().await;
    let (mut anna, a) = person(&url(&relay), "anna", &[("AUTO_TOPIC", "0")]).await;
    let nobody = "09".repeat(32);
    let cases = [
        (json!({"cmd": "topic", "with": nobody}), "topic", "not a contact"),
        (json!({"cmd": "topic", "with": "x"}), "topic", "no person id"),
        (json!({"cmd": "topic", "with": a}), "topic", "not a contact"),
        (json!({"cmd": "send", "topic": "x", "text": "y"}), "send", "no such topic"),
        (json!({"cmd": "messages", "topic": "x"}), "messages", "no such topic"),
        (json!({"cmd": "head", "topic": "x"}), "head", "no such topic"),
        (json!({"cmd": "accept", "invitation": {}}), "accept", "no token"),
        (json!({"cmd": "setName", "name": ""}), "setName", "empty"),
        (json!({"cmd": "raw", "key": nobody, "text": ""}), "command", "without PEER_EMAIL"),
    ];
    for (command, place, problem) in cases {
        let answer = anna.ask(command.clone()).await;
        assert_eq!((&answer["event"], &answer["where"]), (&json!("error"), &json!(place)), "{command}");
        assert!(answer["error"]["message"].as_str().unwrap().contains(problem), "{command}: {answer}");
    }
    assert_eq!(anna.ask(json!({"cmd": "topics"})).await["topics"], json!([]));
}

#[tokio::test]
async fn a_folder_of_somebody_else_is_left_alone() {
    let (relay, folder) = (relay().await, fresh_path("somebody-elses"));
    let kept = [("PEER_DIR", folder.to_str().unwrap())];
    drop(person(&url(&relay), "anna", &kept).await);
    let environment = [("PEER_EMAIL", "bert@example.test"), kept[0]];
    let (events, code) = Peer::spawn(&url(&relay), &environment).rest().await;
    assert_eq!((events[0]["event"].as_str(), code), (Some("error"), 1), "{events:?}");
}
