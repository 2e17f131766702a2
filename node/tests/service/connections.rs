//! Connections to contacts: one, whatever happens, and again after every end.

use std::time::Duration;

use ratatosk_node::service::News;

use super::support::{Person, converge, pair, relay, relay_at, url, within};

/// How often a connection has begun to synchronise.
fn starts(person: &mut Person) -> usize {
    person.told().iter().filter(|news| matches!(news, News::ProtocolStart { .. })).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_dial_each_other_at_once_settle_on_one_connection() {
    let relay = relay().await;
    let (mut anna, mut bert) = (Person::new("anna", &url(&relay)).await, Person::new("bert", &url(&relay)).await);
    pair(&mut anna, &mut bert).await;
    let topic = anna.topic(bert.id());
    bert.topic(anna.id());
    for round in 0..5 {
        let (a, b) = (anna.stop().await, bert.stop().await);
        (anna, bert) = tokio::join!(a.start(), b.start());
        anna.connected(bert.id()).await;
        bert.connected(anna.id()).await;
        let text = format!("round {round}");
        anna.say(&topic, &text);
        bert.hears(&text).await;
        // Longer than a duplicate is one, and than any delay here.
        tokio::time::sleep(Duration::from_millis(2500)).await;
        for person in [&mut anna, &mut bert] {
            assert_eq!(person.service.connections().len(), 1);
            assert!(starts(person) <= 2, "a storm: {}", starts(person));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_either_side_ends_nothing() {
    let relay = relay().await;
    let (mut anna, mut bert) = (Person::new("anna", &url(&relay)).await, Person::new("bert", &url(&relay)).await);
    pair(&mut anna, &mut bert).await;
    let topic = anna.topic(bert.id());
    bert.topic(anna.id());
    anna = anna.restart().await;
    anna.say(&topic, "anna was away");
    bert.hears("anna was away").await;
    let away = bert.stop().await;
    anna.say(&topic, "bert is away");
    bert = away.start().await;
    bert.hears("bert is away").await;
    bert.say(&topic, "bert was away");
    anna.hears("bert was away").await;
    converge(&anna, &bert, &topic).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_the_relay_ends_nothing() {
    let server = relay().await;
    let address = server.local_addr();
    let (mut anna, mut bert) = (Person::new("anna", &url(&server)).await, Person::new("bert", &url(&server)).await);
    pair(&mut anna, &mut bert).await;
    let topic = anna.topic(bert.id());
    within(server.shutdown(Duration::ZERO)).await;
    for person in [&mut anna, &mut bert] {
        person.find(|news| matches!(news, News::Online(false)).then_some(())).await;
    }
    anna.say(&topic, "while nobody listens");
    let _server = relay_at(address).await;
    bert.hears("while nobody listens").await;
    bert.say(&topic, "back");
    anna.hears("back").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_stopped_leaves_no_connection_and_no_task() {
    let relay = relay().await;
    let (mut anna, mut bert) = (Person::new("anna", &url(&relay)).await, Person::new("bert", &url(&relay)).await);
    pair(&mut anna, &mut bert).await;
    let a = anna.id();
    // It waits until nothing holds the node any more.
    let _stopped = anna.stop().await;
    let closed = |news: &News| {
        matches!(news, News::Connection(info) if info.remote_person == a && info.status == ratatosk_node::service::Status::Closed).then_some(())
    };
    bert.find(closed).await;
    assert!(bert.service.connections().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_takes_no_news_can_still_stop() {
    let relay = relay().await;
    let (mut anna, mut bert) = (Person::new("anna", &url(&relay)).await, Person::new("bert", &url(&relay)).await);
    pair(&mut anna, &mut bert).await;
    let topic = bert.topic(anna.id());
    bert.say(&topic, "nobody takes this");
    within(anna.service.stop()).await;
    within(bert.service.stop()).await;
}
