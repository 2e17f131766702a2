//! People who are no contacts, and those who mean harm: they cost themselves, and nobody else.

use std::time::Duration;

use ratatosk_node::service::News;
use ratatosk_protocol::close::CloseRequest;
use ratatosk_protocol::connection::Connector;
use ratatosk_protocol::driver::{ConnectorConfig, Environment, Session, connect, os_entropy};
use ratatosk_protocol::key::KeyPair;
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::phase::Deadlines;
use ratatosk_protocol::spare::SparePolicy;
use ratatosk_relay::Server;

use super::support::{Person, config, pair, relay, url, within};

/// A connection to somebody's node, with a key that nobody knows.
async fn stranger(relay: &Server, to: &Person) -> Session {
    let connector =
        Connector { local: KeyPair::generate(os_entropy().as_mut()), remote: *to.node.instance_key().public() };
    within(connect(&Environment::default(), &ConnectorConfig { url: url(relay), connector })).await.unwrap()
}

fn group(name: &str) -> Payload {
    Payload::text(format!(r#"{{"command":"connection_group","connectionGroupName":"{name}"}}"#))
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_is_answered_by_a_close_with_the_reason() {
    let relay = relay().await;
    let anna = Person::new("anna", &url(&relay)).await;
    let cases = [
        (Payload::text("hello"), "Close called: "),
        (Payload::binary(vec![0; 104]), "Close called: "),
        (group("debug"), "Close called: Error: ConnectionRoutesGroupName debug not supported"),
        (group(&"x".repeat(100_000)), "Close called: "),
    ];
    for (message, reason) in cases {
        let mut session = stranger(&relay, &anna).await;
        session.send(message).await.unwrap();
        let closed = within(session.closed()).await;
        assert!(closed.reason.starts_with(reason), "{closed:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_strangers_run_into_the_deadline() {
    let relay = relay().await;
    let hurried = Deadlines { completion: Duration::from_millis(300), ..Deadlines::default() };
    let anna = Person::new("anna", &url(&relay)).await.with_deadlines(hurried).await;
    let mut session = stranger(&relay, &anna).await;
    session.send(group("pairing")).await.unwrap();
    let closed = within(session.closed()).await;
    assert_eq!(closed.reason, "Terminate called: completion: Connection timed out");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_of_silent_strangers_keeps_no_contact_out() {
    let relay = relay().await;
    let mut narrow = config(&url(&relay));
    narrow.strangers = 4;
    let (mut anna, mut bert) = (Person::with("anna", narrow).await, Person::new("bert", &url(&relay)).await);
    pair(&mut anna, &mut bert).await;
    let topic = anna.topic(bert.id());
    let away = bert.stop().await;
    let mut crowd = Vec::new();
    for _ in 0..4 {
        let mut session = stranger(&relay, &anna).await;
        session.send(group("pairing")).await.unwrap();
        // It is in phase 6 for sure.
        assert_eq!(within(session.recv()).await, Some(Payload::text(r#"{"command":"sync"}"#)));
        crowd.push(session);
    }
    let mut turned_away = stranger(&relay, &anna).await;
    turned_away.send(group("pairing")).await.unwrap();
    let closed = within(turned_away.closed()).await;
    assert_eq!(closed.reason, "Close called: Too many connections are being established");
    bert = away.start().await;
    anna.say(&topic, "can you hear me?");
    bert.hears("can you hear me?").await;
    drop(crowd);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_who_sends_without_end_is_cut_off() {
    let relay = relay().await;
    let anna = Person::new("anna", &url(&relay)).await;
    let mut session = stranger(&relay, &anna).await;
    let sender = session.sender();
    // More than goes into all buffers on the way; nobody waits for it.
    let sending = tokio::spawn(async move { sender.send(Payload::binary(vec![0; 64 << 20])).await });
    let closed = within(session.closed()).await;
    assert_eq!(closed.reason, "Close called: Error: Too much was sent before it was proven who sends it");
    sending.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_who_take_every_spare_do_not_make_anybody_seem_offline() {
    let relay = relay().await;
    let mut alone = config(&url(&relay));
    alone.spares = SparePolicy::Sequential;
    let mut anna = Person::with("anna", alone).await;
    for _ in 0..10 {
        // The next one waits at the relay until there is a spare again.
        stranger(&relay, &anna).await.close(CloseRequest::Close(None)).await;
    }
    let told = anna.told();
    assert!(!told.iter().any(|news| matches!(news, News::Online(_))), "{told:?}");
}
