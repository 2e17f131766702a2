//! Nodes of one process that synchronise without a network.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ratatosk_node::service::{Ear, News, Status, link};
use ratatosk_protocol::message::Payload;

use super::support::{Person, converge, introduce, pair, relay, url, within};

/// Nobody listens there.
const NOWHERE: &str = "ws://127.0.0.1:9";

/// Waits until a link to somebody is in use, and nothing else.
async fn linked(person: &mut Person, to: &Person) {
    let to = to.id();
    let open = |news: &News| match news {
        News::Connection(info) if info.remote_person == to && info.local => Some(info.status),
        _ => None,
    };
    assert_eq!(person.find(open).await, Status::Open);
    let connections = person.service.connections();
    assert_eq!(connections.len(), 1, "{connections:?}");
    assert!(connections[0].local);
}

async fn unlinked(person: &mut Person) {
    person.find(|news| matches!(news, News::Connection(info) if info.status == Status::Closed).then_some(())).await;
    assert!(person.service.connections().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_reach_no_comm_server_synchronise() {
    let (mut anna, mut robot) = (Person::offline("anna", NOWHERE).await, Person::offline("robot", NOWHERE).await);
    introduce(&anna, &robot);
    let link = link(&anna.service, &robot.service);
    linked(&mut anna, &robot).await;
    linked(&mut robot, &anna).await;
    let topic = anna.topic(robot.id());
    for number in 0..20 {
        let text = format!("question {number} {}", "long ".repeat(10_000));
        anna.say(&topic, &text);
        robot.hears(&text).await;
        let text = format!("answer {number}");
        robot.say(&topic, &text);
        anna.hears(&text).await;
    }
    converge(&anna, &robot, &topic).await;
    drop(link);
    unlinked(&mut anna).await;
    unlinked(&mut robot).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_becomes_a_contact_after_the_link_gets_everything() {
    let (anna, mut robot) = (Person::offline("anna", NOWHERE).await, Person::offline("robot", NOWHERE).await);
    let _link = link(&anna.service, &robot.service);
    linked(&mut robot, &anna).await;
    introduce(&anna, &robot);
    let topic = anna.topic(robot.id());
    anna.say(&topic, "do we know each other?");
    robot.hears("do we know each other?").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_either_service_ends_it_and_a_new_one_begins_it_again() {
    let (mut anna, mut robot) = (Person::offline("anna", NOWHERE).await, Person::offline("robot", NOWHERE).await);
    introduce(&anna, &robot);
    let topic = anna.topic(robot.id());
    for round in 0..3 {
        let _link = link(&anna.service, &robot.service);
        linked(&mut anna, &robot).await;
        linked(&mut robot, &anna).await;
        let text = format!("round {round}");
        anna.say(&topic, &text);
        robot.hears(&text).await;
        // It waits until nothing holds the node any more: the link does not, although it is still held itself.
        if round % 2 == 0 {
            let stopped = robot.stop().await;
            unlinked(&mut anna).await;
            robot = stopped.start_offline().await;
        } else {
            let stopped = anna.stop().await;
            unlinked(&mut robot).await;
            anna = stopped.start_offline().await;
        }
    }
}

/// Fails at a message, once.
#[derive(Default)]
struct Stumbles(AtomicBool);

impl Ear for Stumbles {
    fn message(&self, _: &'static str, _: u64, message: &Payload) {
        let is_it = matches!(message, Payload::Text(text) if text.contains("stumble"));
        assert!(!is_it || self.0.swap(true, Ordering::SeqCst), "this is meant to fail");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_failed_begins_anew() {
    let (anna, mut robot) = (Person::offline("anna", NOWHERE).await, Person::offline("robot", NOWHERE).await);
    let mut anna = anna.stop().await.start_heard(Arc::new(Stumbles::default())).await;
    introduce(&anna, &robot);
    let _link = link(&anna.service, &robot.service);
    linked(&mut anna, &robot).await;
    linked(&mut robot, &anna).await;
    let topic = anna.topic(robot.id());
    anna.say(&topic, "one may stumble");
    for person in [&mut anna, &mut robot] {
        person.find(|news| matches!(news, News::Connection(info) if info.status == Status::Closed).then_some(())).await;
    }
    robot.hears("one may stumble").await;
    linked(&mut anna, &robot).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_takes_the_place_of_a_connection_and_keeps_it() {
    let relay = relay().await;
    let (mut anna, mut robot) = (Person::new("anna", &url(&relay)).await, Person::new("robot", &url(&relay)).await);
    pair(&mut anna, &mut robot).await;
    let held = link(&anna.service, &robot.service);
    linked(&mut anna, &robot).await;
    linked(&mut robot, &anna).await;
    let topic = anna.topic(robot.id());
    anna.say(&topic, "by hand");
    robot.hears("by hand").await;
    // Longer than a duplicate is one, and than any delay here: nobody dials.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    for person in [&mut anna, &mut robot] {
        let starts = person.told().iter().filter(|news| matches!(news, News::ProtocolStart { .. })).count();
        assert!(starts <= 3, "{starts}");
        assert_eq!(person.service.connections().len(), 1);
        assert!(person.service.connections()[0].local);
    }
    drop(held);
    // Without it they find each other over the network again.
    let network = |news: &News| {
        matches!(news, News::Connection(info) if info.status == Status::Open && !info.local).then_some(())
    };
    anna.told.clear();
    within(anna.find(network)).await;
    anna.say(&topic, "over the relay");
    robot.hears("over the relay").await;
}
