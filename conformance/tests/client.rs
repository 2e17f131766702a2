//! The recordings of the reference's clients, replayed against this project's listener, connector and acceptor.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ratatosk_conformance::client::parse::parse;
use ratatosk_conformance::client::recordings::{NOT_REPLAYED, client_scripts};
use ratatosk_conformance::client::{Options, known, run, run_one};
use ratatosk_conformance::report::{Summary, Verdict, line};
use ratatosk_protocol::connection::{Config, Connection, Connector};
use ratatosk_protocol::driver::os_entropy;
use ratatosk_protocol::key::{KeyPair, SecretKey};
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::plugin::SendError;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_peers_do_what_was_recorded_or_what_is_known() {
    let known = known().unwrap();
    let scripts = client_scripts().unwrap();
    let mut summary = Summary::default();
    let outcomes = run(&scripts, &Options::default(), |outcome| {
        let surprise = summary.add(outcome, Some(&known));
        let conforms = outcome.result.as_ref().is_ok_and(|observation| observation.verdict == Verdict::Conforms);
        if surprise.is_some() || !conforms {
            println!("{}", line(outcome, surprise.as_ref()));
        }
    })
    .await;

    let mut by_recording = BTreeMap::<_, Summary>::new();
    for outcome in &outcomes {
        let (recording, _) = outcome.id.split_once('/').unwrap();
        by_recording.entry(recording).or_default().add(outcome, Some(&known));
    }
    for (recording, summary) in by_recording {
        println!("{recording:<3} {summary}");
    }
    print!("all {summary}\n{}", summary.by_rule());
    for (entry, why) in NOT_REPLAYED {
        println!("not replayed: {entry}: {why}");
    }
    assert_eq!(outcomes.len(), scripts.len());
    assert_eq!(summary.surprises(), 0, "{summary}");
    for id in known.ids() {
        assert!(outcomes.iter().any(|outcome| outcome.id == id), "{id} is known, but no script");
    }
}

/// A script in which one thing is not what the peer under test does.
async fn verdict(steps: &str, config: Config) -> Verdict {
    let script = parse(&format!("== x/1 wrong\nspec §1\n{steps}")).unwrap().remove(0);
    let options = Options { patience: Duration::from_secs(1), config, ..Options::default() };
    run_one(&script, &options).await.result.unwrap().verdict
}

#[tokio::test]
async fn a_difference_is_noticed() {
    let cases = [
        // The right end in the right words.
        (
            "it connects\ns serves\ns <key\ns > x\ns <close 1000 Close called: Error: Received message that is not a binary message.",
            Verdict::Conforms,
        ),
        // Another reason, another code.
        ("it connects\ns serves\ns <key\ns > x\ns <close 1000 Close called: x", Verdict::Deviates),
        ("it connects\ns serves\ns <key\ns > x\ns <close 1002 <any>", Verdict::Deviates),
        ("it connects\ns encrypts\nit <connected\ns >close 1000 bye\nit <ended here bye", Verdict::Deviates),
        ("it connects-nowhere\nit <failed something else", Verdict::Deviates),
        // Other, fewer and more messages.
        ("it connects\ns open\ns < hello", Verdict::Fails),
        ("it connects\ns encrypts\ns >e a\nit <connected\nit < b", Verdict::Fails),
        ("it connects\ns encrypts\nit <connected\nit < a", Verdict::Fails),
        ("it connects\ns encrypts\ns >e a\nit <connected\nit quiet 50", Verdict::Fails),
        ("it connects\ns encrypts\nit <connected\nit > a\ns <e b", Verdict::Fails),
        ("it connects\ns open\ns quiet 50", Verdict::Fails),
        ("it connects\ns serves\ns <key\ns > x\ns alive", Verdict::Fails),
        ("it accepts\nc dials\nc >key-other\nc <key", Verdict::Fails),
        // A right answer to the challenge, but of another length.
        ("it listens 1 250\ns open\ns < <any>\ns >challenge 64\ns <answer 105", Verdict::Fails),
        // More and fewer connections, spares and attempts.
        ("it listens 2 250\ns registers\nalone 50", Verdict::Fails),
        ("it listens 1 250\ns registers\nt open", Verdict::Fails),
        ("it listens 1 250\ns registers\nit <ready 2", Verdict::Fails),
        ("it listens 1 250\ns drops\ns drops", Verdict::Fails),
        ("it listens 1 250\ns registers\nit <retries 250", Verdict::Fails),
        // Too early.
        ("keepalive 20 60000\nit accepts\nc dials\nc >key\nc <key\nc >e x\nc not-before 500\nc <pulse", Verdict::Fails),
        // The other branch, and none.
        (
            "it connects\ns encrypts\nit <connected\neither\nas conforms\ns <close 1000 x\nas better speak-first\ns quiet 50\nend",
            Verdict::Better,
        ),
        (
            "it connects\ns encrypts\nit <connected\ns >e a\neither\nas conforms\nit < b\nas better speak-first\nit < c\nend",
            Verdict::Fails,
        ),
    ];
    for (steps, expected) in cases {
        assert_eq!(verdict(steps, Config::default()).await, expected, "{steps}");
    }
}

#[tokio::test]
async fn a_peer_with_other_times_is_noticed() {
    let script = client_scripts().unwrap().into_iter().find(|script| script.id == "d2/13").unwrap();
    let config = Config { ping_grace: Duration::from_millis(100), ..Config::default() };
    let options = Options { config, ..Options::default() };
    let observation = run_one(&script, &options).await.result.unwrap();
    assert_eq!(observation.verdict, Verdict::Fails);
    assert!(observation.got().contains("too early"), "{}", observation.got());
}

/// What takes the place of `sendBeforeOpen` in the recording.
#[test]
fn nothing_can_be_sent_before_a_connection_is_established() {
    let key = |seed| KeyPair::from(SecretKey::from_bytes([seed; 32]));
    let connector = Connector { local: key(1), remote: *key(2).public() };
    let mut machine = Connection::connect(Instant::now(), connector, Arc::default(), os_entropy());
    assert_eq!(machine.send(Instant::now(), Payload::text("x")), Err(SendError::NotOpen));
}
