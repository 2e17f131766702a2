//! Peers with identities: pairs of them, and ours before a partner that behaves as no contact may.

use ratatosk_conformance::peer::known::Known;
use ratatosk_conformance::peer::table::Places;
use ratatosk_conformance::peer::{Implementation, Launch, Options, Relay, Via};
use ratatosk_conformance::person::scenarios::{hostile_scripts, pair_scripts};
use ratatosk_conformance::person::{self, Partners};
use ratatosk_conformance::report::Summary;

use crate::support::{Running, find, peers, programs, say};
use crate::{JOBS, PATIENCE, show};

/// It ends with the relay.
fn options(relay: &Relay) -> Options {
    Options { via: Via::Given(relay.url().to_owned()), patience: PATIENCE, jobs: JOBS, launch: Launch::default() }
}

/// Plays with a pair in both roles, and compares with what is known.
async fn pair(a: &Implementation, b: &Implementation, wanted: impl Fn(&str) -> bool) {
    let relay = Relay::start(&programs().join("commserver")).await.unwrap();
    let mut scripts = pair_scripts().unwrap();
    scripts.retain(|script| wanted(&script.id));
    assert!(!scripts.is_empty());
    let known = Known::load().unwrap().pair(a.known.as_ref().unwrap(), b.known.as_ref().unwrap()).unwrap();
    let mut summary = Summary::default();
    let report = |outcome: &_| show(outcome, &mut summary, known.as_ref());
    let outcomes = person::run(&scripts, a, b, &options(&relay), report).await;
    println!("{} and {}, persons: {summary}", a.name, b.name);
    assert_eq!((summary.surprises(), outcomes.len()), (0, scripts.len() * 2), "{summary}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_persons_understand_each_other() {
    let _running = Running::alone().await;
    let ours = find("ratatosk-native").unwrap();
    pair(&ours, &ours, |id| !id.starts_with("idle/")).await;
}

/// One or two of each kind; `conformance peer` plays them all.
fn some(id: &str) -> bool {
    let kinds =
        ["pairing/contacts", "pairing/reused", "chat/unicode", "chat/long", "chat/burst", "again/killed", "file/large"];
    kinds.contains(&id)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_persons_and_others_understand_each_other() {
    let _running = Running::alone().await;
    let ours = find("ratatosk").unwrap();
    for (name, wanted) in [("js", some as fn(&str) -> bool), ("reference", |id| id == "chat/both-ways")] {
        match find(name) {
            Ok(other) => pair(&ours, &other, wanted).await,
            Err(missing) => say(&format!("skipped: {missing}")),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_person_stands_a_hostile_partner() {
    let _running = Running::alone().await;
    let partners = Partners::find(Places { programs: programs(), peers: &peers() }).unwrap();
    if let Some(missing) = partners.missing() {
        return say(&format!("skipped: {missing}"));
    }
    let relay = Relay::start(&programs().join("commserver")).await.unwrap();
    let ours = find("ratatosk-native").unwrap();
    let mut scripts = hostile_scripts().unwrap();
    // What waits for deadlines takes too long here.
    scripts.retain(|script| !script.id.contains("silent") && !script.id.contains("many"));
    let known = Known::load().unwrap().alone(ours.known.as_ref().unwrap()).unwrap();
    let mut summary = Summary::default();
    let report = |outcome: &_| show(outcome, &mut summary, known.as_ref());
    let outcomes = partners.play(&scripts, &ours, "", &options(&relay), report).await;
    println!("{}, before the hostile partner as a person: {summary}", ours.name);
    assert_eq!((summary.surprises(), outcomes.len()), (0, scripts.len()), "{summary}");
}
