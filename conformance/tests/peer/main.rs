//! Implementations of peers as processes: pairs of them, and each before a partner that breaks the protocol.
//!
//! Ours are always there. The others are skipped with a line that says what to do about it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod persons;
mod support;

use std::time::Duration;

use ratatosk_conformance::client::black_box::hostile_scripts;
use ratatosk_conformance::client::{self, Subprocess};
use ratatosk_conformance::peer::known::Known;
use ratatosk_conformance::peer::scenarios::pair_scripts;
use ratatosk_conformance::peer::{self, Implementation, Launch, Options, Relay, Via};
use ratatosk_conformance::report::{Outcome, Summary, Verdict, line};

use support::{Running, find, programs, say, slow};

const PATIENCE: Duration = Duration::from_secs(60);

/// How many peers may run side by side on a small machine.
const JOBS: usize = 4;

/// Plays with a pair in both roles, and compares with what is known.
async fn pair(a: &Implementation, b: &Implementation, wanted: impl Fn(&str) -> bool) -> Vec<Outcome> {
    let relay = Relay::start(&programs().join("commserver")).await.unwrap();
    let via = Via::Own { url: relay.url().to_owned(), program: programs().join("commserver") };
    let options = Options { via, patience: PATIENCE, jobs: JOBS, launch: Launch::default() };
    let mut scripts = pair_scripts().unwrap();
    scripts.retain(|script| wanted(&script.id));
    assert!(!scripts.is_empty());
    let known = Known::load().unwrap().pair(a.known.as_ref().unwrap(), b.known.as_ref().unwrap()).unwrap();
    let mut summary = Summary::default();
    let outcomes = peer::run(&scripts, a, b, &options, |outcome| show(outcome, &mut summary, known.as_ref())).await;
    println!("{} and {}: {summary}", a.name, b.name);
    assert_eq!((summary.surprises(), outcomes.len()), (0, scripts.len() * 2), "{summary}");
    outcomes
}

fn show(outcome: &Outcome, summary: &mut Summary, known: Option<&ratatosk_conformance::report::Implementation>) {
    let surprise = summary.add(outcome, known);
    if surprise.is_some() {
        println!("{}", line(outcome, surprise.as_ref()));
    }
}

/// Plays before a hostile partner, and compares with what is known.
async fn alone(implementation: &Implementation, wanted: impl Fn(&str) -> bool) {
    let mut scripts = hostile_scripts().unwrap();
    scripts.retain(|script| wanted(&script.id));
    assert!(!scripts.is_empty());
    let known = Known::load().unwrap().alone(implementation.known.as_ref().unwrap()).unwrap();
    let process = Subprocess { implementation: implementation.clone(), launch: Launch::default() };
    let options =
        client::Options { patience: PATIENCE, jobs: JOBS, process: Some(process), ..client::Options::default() };
    let mut summary = Summary::default();
    let outcomes = client::run(&scripts, &options, |outcome| show(outcome, &mut summary, known.as_ref())).await;
    println!("{}: {summary}", implementation.name);
    assert_eq!((summary.surprises(), outcomes.len()), (0, scripts.len()), "{summary}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_peers_understand_each_other_in_every_form() {
    let _running = Running::alone().await;
    let (a, b) = (find("ratatosk-wasm").unwrap(), find("ratatosk-native").unwrap());
    pair(&a, &b, |id| !slow(id)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_peer_stands_a_hostile_partner() {
    let _running = Running::alone().await;
    // Without modules a peer starts at once.
    alone(&find("ratatosk-native").unwrap(), |id| !slow(id)).await;
    alone(&find("ratatosk-wasm").unwrap(), |id| id.starts_with("outgoing/")).await;
}

/// A few of each kind; `conformance peer` plays them all.
fn some(id: &str) -> bool {
    let kinds = ["handshake/", "data/", "keywords/", "fragments/text-16384", "fragments/binary-65537", "several/both"];
    kinds.iter().any(|kind| id.starts_with(kind)) || id == "reconnect/connector-leaves"
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_peer_and_others_understand_each_other() {
    let _running = Running::alone().await;
    let ours = find("ratatosk").unwrap();
    for name in ["js", "reference"] {
        match find(name) {
            Ok(other) => drop(pair(&ours, &other, some).await),
            Err(missing) => say(&format!("skipped: {missing}")),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_others_stand_a_hostile_partner() {
    let _running = Running::alone().await;
    for name in ["js", "reference"] {
        match find(name) {
            Ok(other) => alone(&other, |id| id.starts_with("hostile/")).await,
            Err(missing) => say(&format!("skipped: {missing}")),
        }
    }
}

/// One scenario of a pair in which a command is no peer.
async fn verdict(command: &str) -> (Verdict, String) {
    let relay = Relay::start(&programs().join("commserver")).await.unwrap();
    let via = Via::Given(relay.url().to_owned());
    let patience = Duration::from_secs(5);
    let options = Options { via, patience, jobs: 1, launch: Launch::default() };
    let script = pair_scripts().unwrap().into_iter().find(|script| script.id == "handshake/first").unwrap();
    let broken = Implementation { name: "x".to_owned(), known: None, command: command.to_owned() };
    let observation = peer::run_one(&script, &broken, &find("ratatosk").unwrap(), &options).await.result.unwrap();
    (observation.verdict, observation.got())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_is_no_peer_fails_with_what_it_did() {
    let key = "09".repeat(32);
    let ready = format!(r#"echo '{{"event":"ready","publicKey":"{key}"}}'"#);
    let cases = [
        ("true".to_owned(), "a it has ended"),
        ("no-such-program-anywhere".to_owned(), "a it has ended"),
        ("echo hello".to_owned(), "a its line hello is no JSON"),
        ("cat".to_owned(), "a nothing"),
        (format!("{ready}; cat > /dev/null"), "a no answer"),
        (format!("{ready}; read line; echo '{{\"event\":\"result\",\"id\":1}}'; cat > /dev/null"), "b nothing"),
    ];
    for (command, got) in cases {
        let (verdict, told) = verdict(&command).await;
        assert_eq!(verdict, Verdict::Fails, "{command}");
        assert!(told.starts_with(got), "{command}: {told}");
    }
}
