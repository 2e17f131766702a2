//! Phase 6 as the connection sees it: entered by itself, with a deadline, named steps, and left by whoever runs it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed assumption in a test is a failed test")]
#![allow(missing_docs, unreachable_pub, dead_code, reason = "tests share one support module, each uses a part")]

mod support;

use std::time::Duration;

use ratatosk_protocol::connection::{Cause, Config, Connector, Event, KeyRing};
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::metrics::Metrics;
use ratatosk_protocol::phase::{Completed, Deadlines, Outcome, Phase, Role};
use support::{End, Pair, key};

fn encrypted() -> Pair {
    let config = Config { completion: true, ..Config::default() };
    let mut pair = Pair::with(config, KeyRing::new(key(1)), Connector { local: key(2), remote: *key(1).public() });
    pair.open();
    pair.settle();
    assert!(pair.connector.is_established() && pair.acceptor.is_established());
    assert_eq!(
        (pair.connector.open_phases(), pair.acceptor.open_phases()),
        (vec![Phase::Completion], vec![Phase::Completion])
    );
    pair
}

fn metrics(end: &End) -> Metrics {
    let mut metrics = Metrics::default();
    end.events.iter().for_each(|event| metrics.observe(end.role, event));
    metrics
}

#[test]
fn a_pairing_is_told_counted_and_shown() {
    let mut pair = encrypted();
    let messages = [
        Payload::text(r#"{"command":"connection_group","connectionGroupName":"pairing"}"#),
        Payload::binary(vec![0; 104]),
        Payload::text(r#"{"command":"█ a name of the other end"}"#),
    ];
    for message in &messages {
        pair.connector.machine.send(pair.now, message.clone()).unwrap();
    }
    pair.collect();
    pair.settle();
    assert_eq!(pair.acceptor.messages(), messages);
    pair.now += Duration::from_secs(20);
    pair.connector.machine.complete(pair.now, Completed::Verified);
    pair.acceptor.machine.complete(pair.now, Completed::Paired);
    pair.connector.machine.send(pair.now, Payload::text("synchronisation")).unwrap();
    pair.collect();
    pair.settle();
    assert!(pair.acceptor.open_phases().is_empty() && pair.connector.open_phases().is_empty());

    assert!(pair.acceptor.events.contains(&Event::PairingSucceeded { remote: *key(2).public() }));
    assert_eq!(
        (metrics(&pair.acceptor).pairings(Role::Listener), metrics(&pair.connector).pairings(Role::Initiator)),
        (1, 0)
    );
    let numbers = metrics(&pair.acceptor);
    let numbers = numbers.phase(Role::Listener, Phase::Completion);
    assert_eq!((numbers.entries, numbers.exits, numbers.total), (1, [1, 0, 0, 0], Duration::from_secs(20)));

    let (ours, theirs) = (pair.connector.machine.timeline().to_string(), pair.acceptor.machine.timeline().to_string());
    for step in ["┌ phase 6 (completion)", "→ connection_group", "→ key proof", "→ unknown message", "= peer_verified"]
    {
        assert!(ours.contains(step), "{step} is missing in\n{ours}");
    }
    for step in ["← connection_group", "← key proof", "= pairing_complete", "└ complete in 20000.0 ms"] {
        assert!(theirs.contains(step), "{step} is missing in\n{theirs}");
    }
    assert!(!theirs.contains('█') && !ours.contains("15 B"), "of peers' texts and of what follows nothing is shown");
}

#[test]
fn a_phase_that_is_not_left_ends_the_connection() {
    let mut pair = encrypted();
    pair.advance(Deadlines::default().completion);
    pair.settle();
    assert_eq!(pair.acceptor.close_sent.as_deref(), Some("Terminate called: completion: Connection timed out"));
    assert_eq!(metrics(&pair.acceptor).phase(Role::Listener, Phase::Completion).exits, [0, 1, 0, 0]);
    let Some(Event::Closed(closed)) = pair.acceptor.events.last() else { panic!("not closed") };
    assert_eq!(
        (closed.error.phase, &closed.error.cause),
        (Some(Phase::Completion), &Cause::PhaseTimeout(Phase::Completion))
    );
}

#[test]
fn the_total_deadline_holds_in_this_phase_too() {
    let deadlines = Deadlines { completion: Duration::MAX, ..Deadlines::default() };
    let silence_limit = Duration::MAX;
    let config = Config { completion: true, deadlines, silence_limit, ..Config::default() };
    let mut pair = Pair::with(config, KeyRing::new(key(1)), Connector { local: key(2), remote: *key(1).public() });
    pair.open();
    pair.settle();
    pair.advance(Deadlines::default().total);
    assert_eq!(pair.connector.close_sent.as_deref(), Some("Terminate called: Connection establishment timed out"));
}

#[test]
fn a_failure_is_left_with_its_outcome() {
    let mut pair = encrypted();
    pair.acceptor.machine.complete(pair.now, Completed::Failed(Outcome::Rejected));
    pair.close(Role::Listener, "Error: Authentication token is not existing.");
    pair.settle();
    assert_eq!(metrics(&pair.acceptor).phase(Role::Listener, Phase::Completion).exits, [0, 0, 1, 0]);
    assert_eq!(metrics(&pair.connector).phase(Role::Initiator, Phase::Completion).exits, [0, 0, 1, 0]);
    assert!(!pair.acceptor.events.iter().any(|event| matches!(event, Event::PairingSucceeded { .. })));
    pair.acceptor.machine.complete(pair.now, Completed::Paired);
    pair.acceptor.collect();
    assert!(matches!(pair.acceptor.events.last(), Some(Event::Closed(_))), "outside of the phase it does nothing");
}
