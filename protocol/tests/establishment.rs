//! The connection machine without a network: the main path, every failure, and random interleavings.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed assumption in a test is a failed test")]
#![allow(missing_docs, unreachable_pub, dead_code, reason = "tests share one support module, each uses a part")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use ratatosk_protocol::connection::{Cause, Closed, Config, Connection, Connector, Event, Fault, KeyRing};
use ratatosk_protocol::crypto::{SharedKey, challenge::Challenge};
use ratatosk_protocol::key::PublicKey;
use ratatosk_protocol::message::{self, AuthenticationResponse, FirstMessage, Payload};
use ratatosk_protocol::metrics::Metrics;
use ratatosk_protocol::phase::{Deadlines, Outcome, Phase, Role};
use ratatosk_protocol::plugin::{Origin, Outgoing, SendError};
use support::{End, Pair, Repeatable, entropy, key};

fn closed(end: &End) -> &Closed {
    match end.events.last() {
        Some(Event::Closed(closed)) => closed,
        other => panic!("not closed: {other:?}"),
    }
}

#[test]
fn two_peers_connect_and_talk() {
    let mut pair = Pair::new();
    pair.open();
    pair.settle();
    assert!(pair.connector.is_established() && pair.acceptor.is_established());
    assert_eq!((pair.connector.open_phases(), pair.acceptor.open_phases()), (vec![], vec![]));
    let messages = [
        Payload::text(""),
        Payload::text("Grüße 世界 🎉"),
        Payload::text("keepalive"),
        Payload::text("x".repeat(200_000)),
        Payload::binary(vec![7; 200_000]),
        Payload::binary(vec![]),
    ];
    for message in &messages {
        pair.connector.machine.send(pair.now, message.clone()).unwrap();
        pair.acceptor.machine.send(pair.now, message.clone()).unwrap();
    }
    pair.collect();
    pair.settle();
    assert_eq!(pair.connector.messages(), messages);
    assert_eq!(pair.acceptor.messages(), messages);
    pair.close(Role::Initiator, "done");
    pair.settle();
    assert_eq!(closed(&pair.acceptor).reason, "Close called: done");
    assert_eq!((closed(&pair.acceptor).origin, closed(&pair.connector).origin), (Origin::Remote, Origin::Local));
    let timeline = pair.connector.machine.timeline().to_string();
    for step in
        ["phase 1 (connect)", "→ communication_request", "← communication_ready", "encrypted in", "■ closed here"]
    {
        assert!(timeline.contains(step), "{step} is missing in\n{timeline}");
    }
}

/// A CommServer in three lines: enough to take a spare to any point of its life.
fn spare_after(steps: usize) -> (Pair, PublicKey) {
    let mut pair = Pair::new();
    let server = key(9);
    let config = Arc::new(Config::default());
    let spare = Connection::spare(pair.now, Arc::new(KeyRing::new(key(1))), config, entropy(3));
    pair.acceptor = End::new(Role::Listener, spare);
    pair.acceptor.machine.handle_opened(pair.now);
    pair.acceptor.collect();
    let shared = SharedKey::between(server.secret(), key(1).public());
    let mut sent = None;
    for step in 0..steps {
        let reply = match step {
            0 => {
                let Some(Outgoing::Message(message)) = pair.acceptor.outbox.pop_front() else { panic!("no register") };
                assert_eq!(FirstMessage::parse(&message), Ok(FirstMessage::Register(*key(1).public())));
                let (challenge, boxed) = Challenge::issue(&shared, &mut Repeatable(5));
                sent = Some(challenge);
                message::authentication_request(server.public(), &boxed)
            }
            1 => {
                let Some(Outgoing::Message(message)) = pair.acceptor.outbox.pop_front() else { panic!("no response") };
                let response = AuthenticationResponse::parse(&message).unwrap().response;
                assert_eq!(sent.as_ref().unwrap().accepts(&shared, &response), Ok(true));
                message::authentication_success(Duration::from_secs(25))
            }
            2 => Payload::text(message::PING),
            3 => {
                assert_eq!(pair.acceptor.outbox.pop_front(), Some(Outgoing::Message(Payload::text(message::PONG))));
                Payload::text(message::CONNECTION_HANDOVER)
            }
            _ => message::communication_request(key(2).public(), key(1).public()),
        };
        pair.acceptor.machine.handle_message(pair.now, reply);
        pair.acceptor.collect();
    }
    (pair, *server.public())
}

#[test]
fn a_spare_registers_waits_and_is_handed_over() {
    let (mut pair, _) = spare_after(4);
    assert!(
        pair.acceptor.events.contains(&Event::SpareOpened) && pair.acceptor.events.contains(&Event::SpareHandedOver)
    );
    pair.connector.machine.handle_opened(pair.now);
    pair.connector.collect();
    pair.settle();
    assert!(pair.connector.is_established() && pair.acceptor.is_established());
    let phases: Vec<u8> = pair
        .acceptor
        .events
        .iter()
        .filter_map(|event| if let Event::PhaseEntered(phase) = event { Some(phase.number()) } else { None })
        .collect();
    assert_eq!(phases, [1, 2, 3, 4, 5]);
}

#[test]
fn silence_ends_every_phase_with_its_own_error() {
    // (steps of the CommServer, seconds of silence, phase, close reason)
    let cases = [
        (0, 5, Phase::Registration, "Terminate called: registration: Connection timed out"),
        (1, 5, Phase::Registration, "Terminate called: registration: Connection timed out"),
        (2, 29, Phase::PairingRequest, "Terminate called: Pong: Connection timed out"),
        (4, 5, Phase::PairingRequest, "Terminate called: pairing_request: Connection timed out"),
        (5, 10, Phase::Encryption, "Terminate called: encryption: Connection timed out"),
    ];
    for (steps, seconds, phase, reason) in cases {
        let (mut pair, _) = spare_after(steps);
        pair.advance(Duration::from_millis(seconds * 1000 - 1));
        assert_eq!(pair.acceptor.close_sent, None, "{phase} after {steps} steps");
        pair.advance(Duration::from_millis(1));
        assert_eq!(pair.acceptor.close_sent.as_deref(), Some(reason), "{phase} after {steps} steps");
        pair.acceptor.closed(pair.now, None);
        let closed = closed(&pair.acceptor);
        assert_eq!((closed.error.phase, closed.reason.as_str()), (Some(phase), reason));
        assert_eq!(pair.acceptor.machine.poll_timeout(), None);
        assert!(pair.acceptor.events.iter().any(
            |event| matches!(event, Event::PhaseExited { phase: p, outcome: Outcome::Timeout, .. } if *p == phase)
        ));
    }
}

#[test]
fn a_spare_waits_longer_than_all_deadlines_while_it_is_pinged() {
    let (mut pair, _) = spare_after(2);
    for _ in 0..100 {
        pair.advance(Duration::from_secs(25));
        pair.acceptor.machine.handle_message(pair.now, Payload::text(message::PING));
        pair.acceptor.collect();
    }
    assert_eq!(pair.acceptor.close_sent, None);
    pair.acceptor.machine.handle_message(pair.now, Payload::text(message::CONNECTION_HANDOVER));
    pair.acceptor.collect();
    assert!(pair.acceptor.events.contains(&Event::SpareHandedOver));
}

#[test]
fn an_unexpected_message_closes_a_spare_with_a_reason() {
    let (mut pair, _) = spare_after(2);
    pair.acceptor.machine.handle_message(pair.now, Payload::text(r#"{"command":"comm_ping"}"#));
    pair.acceptor.collect();
    let reason = "Close called: Error: Received unexpected type 'comm_ping'. Expected type 'connection_handover'.";
    assert_eq!(pair.acceptor.close_sent.as_deref(), Some(reason));
}

#[test]
fn nobody_may_speak_before_the_keys_are_proven() {
    let mut pair = Pair::new();
    pair.open();
    for role in [Role::Initiator, Role::Listener, Role::Initiator] {
        pair.carry(role);
    }
    // The acceptor has sent its key and attached encryption, and still has to see one encrypted message.
    assert_eq!(pair.acceptor.machine.send(pair.now, Payload::text("early")), Err(SendError::NotOpen));
    pair.settle();
    pair.acceptor.machine.send(pair.now, Payload::text("now")).unwrap();
}

#[test]
fn a_request_for_another_key_or_an_unwanted_peer_is_refused() {
    let refusal = "Close called: Error: We do not accept connections for this target public key";
    let wrong_target = Connector { local: key(2), remote: *key(3).public() };
    let unwanted = KeyRing::new(key(1)).with_policy(Arc::new(|_, _| false));
    let right_target = Connector { local: key(2), remote: *key(1).public() };
    for (keys, connector) in [(KeyRing::new(key(1)), wrong_target), (unwanted, right_target)] {
        let mut pair = Pair::with(Config::default(), keys, connector);
        pair.open();
        pair.settle();
        assert_eq!(closed(&pair.connector).reason, refusal);
        assert_eq!(closed(&pair.acceptor).error.phase, Some(Phase::PairingRequest));
        assert!(matches!(closed(&pair.acceptor).error.cause, Cause::NotOurKey(_) | Cause::Refused(_)));
        let asked =
            |event: &Event| matches!(event, Event::PairingRequested { source, .. } if source == key(2).public());
        assert!(pair.acceptor.events.iter().any(asked), "who asked can be seen, also when it is refused");
    }
}

#[test]
fn a_second_key_of_the_ring_can_be_asked_for() {
    let keys = KeyRing::new(key(1)).with_key(key(4));
    let mut pair = Pair::with(Config::default(), keys, Connector { local: key(2), remote: *key(4).public() });
    pair.open();
    pair.settle();
    assert!(pair.acceptor.is_established());
}

#[test]
fn our_own_key_sent_back_proves_nothing() {
    let mut pair = Pair::new();
    pair.open();
    pair.carry(Role::Initiator);
    pair.carry(Role::Listener);
    // The connector has sent its temporary key; whoever sits between sends it back.
    let Some(Outgoing::Message(own_key)) = pair.connector.outbox.pop_front() else { panic!("no key") };
    pair.connector.machine.handle_message(pair.now, own_key);
    pair.connector.collect();
    assert!(!pair.connector.is_established() && pair.connector.close_sent.is_some());
    pair.connector.closed(pair.now, None);
    assert_eq!(closed(&pair.connector).error.cause.fault(), Fault::PeerMisbehaved);
}

#[test]
fn a_frame_that_does_not_decrypt_proves_nothing() {
    for honest in [true, false] {
        let mut pair = Pair::new();
        pair.open();
        pair.settle();
        assert!(pair.connector.is_established() && !pair.connector.machine.is_proven());
        if honest {
            pair.acceptor.machine.send(pair.now, Payload::text("hello")).unwrap();
            pair.collect();
            pair.settle();
        } else {
            pair.connector.machine.handle_message(pair.now, Payload::binary(vec![7; 100]));
        }
        assert_eq!(pair.connector.machine.is_proven(), honest);
    }
}

#[test]
fn an_acceptor_says_nothing_before_the_connector_has() {
    let config = Config { keepalive_after: Duration::from_secs(3), ..Config::default() };
    let connector = Connector { local: key(2), remote: *key(1).public() };
    let mut pair = Pair::with(config, KeyRing::new(key(1)), connector);
    pair.open();
    for role in [Role::Initiator, Role::Listener, Role::Initiator] {
        pair.carry(role);
    }
    assert_eq!(pair.acceptor.outbox.len(), 1, "its key");
    pair.advance(Duration::from_secs(4));
    assert_eq!(pair.acceptor.outbox.len(), 1, "a pulse would outrun the connector's decryption");
    pair.settle();
    pair.advance(Duration::from_secs(4));
    assert_eq!(pair.acceptor.outbox.len(), 1, "but then it sends pulses");
}

#[test]
fn a_deadline_can_be_switched_off() {
    let never = Duration::MAX;
    let deadlines = Deadlines { connect: never, request: never, handover: never, total: never, ..Deadlines::default() };
    let config =
        Config { deadlines, keepalive_after: never, silence_limit: never, ping_grace: never, ..Config::default() };
    let mut pair = Pair::with(config, KeyRing::new(key(1)), Connector { local: key(2), remote: *key(1).public() });
    pair.open();
    pair.advance(Duration::from_secs(100_000));
    assert_eq!((&pair.connector.close_sent, &pair.acceptor.close_sent), (&None, &None));
    pair.settle();
    assert!(pair.connector.is_established());
}

#[test]
fn faults_are_told_apart() {
    let fault = |act: fn(&mut Pair)| {
        let mut pair = Pair::new();
        pair.open();
        act(&mut pair);
        pair.settle();
        let now = pair.now;
        pair.acceptor.closed(now, None);
        closed(&pair.acceptor).error.cause.fault()
    };
    assert_eq!(fault(|pair| pair.close(Role::Initiator, "no")), Fault::PeerClosed);
    assert_eq!(fault(|pair| pair.close(Role::Listener, "no")), Fault::Local);
    assert_eq!(fault(|pair| pair.advance(Duration::from_secs(10))), Fault::Network);
    assert_eq!(fault(|pair| apply(pair, &Step::Corrupt(Role::Initiator, 0))), Fault::PeerMisbehaved);
}

/// What the simulated world does next.
#[derive(Clone, Debug)]
enum Step {
    Carry(Role),
    Corrupt(Role, usize),
    Duplicate(Role),
    Lose(Role),
    Cut,
    Advance(u64),
    Send(Role, usize),
    Close(Role),
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Initiator), Just(Role::Listener)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => role().prop_map(Step::Carry),
        1 => (role(), any::<usize>()).prop_map(|(role, at)| Step::Corrupt(role, at)),
        1 => role().prop_map(Step::Duplicate),
        1 => role().prop_map(Step::Lose),
        1 => Just(Step::Cut),
        3 => (0_u64..30_000).prop_map(Step::Advance),
        4 => (role(), 0_usize..100_000).prop_map(|(role, len)| Step::Send(role, len)),
        1 => role().prop_map(Step::Close),
    ]
}

fn apply(pair: &mut Pair, step: &Step) {
    fn end(pair: &mut Pair, role: Role) -> &mut End {
        if role == Role::Initiator { &mut pair.connector } else { &mut pair.acceptor }
    }
    let now = pair.now;
    match *step {
        Step::Carry(role) => {
            pair.carry(role);
        }
        Step::Corrupt(role, at) => match end(pair, role).outbox.front_mut() {
            Some(Outgoing::Message(Payload::Text(text))) => *text = text.chars().rev().collect(),
            Some(Outgoing::Message(Payload::Binary(data))) if !data.is_empty() => {
                let mut bytes = data.to_vec();
                let at = at % bytes.len();
                bytes[at] ^= 0x40;
                *data = bytes.into();
            }
            _ => {}
        },
        Step::Duplicate(role) => {
            let outbox = &mut end(pair, role).outbox;
            if let Some(first @ Outgoing::Message(_)) = outbox.front().cloned() {
                outbox.push_front(first);
            }
        }
        Step::Lose(role) => {
            let outbox = &mut end(pair, role).outbox;
            if matches!(outbox.front(), Some(Outgoing::Message(_))) {
                outbox.pop_front();
            }
        }
        Step::Cut => {
            pair.connector.closed(now, None);
            pair.acceptor.closed(now, None);
        }
        Step::Advance(millis) => pair.advance(Duration::from_millis(millis)),
        Step::Send(role, len) => {
            let end = end(pair, role);
            let allowed = end.is_established() && end.close_sent.is_none() && !end.told_closed;
            let sent = end.machine.send(now, Payload::binary(vec![1; len]));
            assert_eq!(sent.is_ok(), allowed);
            end.collect();
        }
        Step::Close(role) => pair.close(role, "enough"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// Whatever happens between two machines, they connect or end with a typed error, and nothing stays behind.
    #[test]
    fn random_interleavings_connect_or_end(steps in prop::collection::vec(step(), 0..60)) {
        let mut pair = Pair::new();
        pair.open();
        for step in &steps {
            apply(&mut pair, step);
        }
        // Nothing is delivered any more: every deadline and keepalive passes, and every socket ends.
        for _ in 0..8 {
            pair.advance(Duration::from_secs(30));
        }
        pair.settle();
        let now = pair.now;
        for end in [&mut pair.connector, &mut pair.acceptor] {
            prop_assert!(end.told_closed || end.close_sent.is_some(), "neither connected nor ended: {:?}", end.events);
            end.closed(now, None);
            prop_assert_eq!(end.open_phases(), vec![]);
            prop_assert_eq!(end.machine.poll_timeout(), None);
            prop_assert_eq!(end.machine.poll_transmit(), None);
            prop_assert_eq!(end.machine.transmit_bytes(), 0);
            prop_assert!(end.machine.is_closed());
            let error = &closed(end).error;
            prop_assert_eq!(error.phase.is_none(), end.is_established(), "{}", error);
            let mut metrics = Metrics::default();
            end.events.iter().for_each(|event| metrics.observe(end.role, event));
            for phase in Phase::ALL {
                prop_assert_eq!(metrics.phase(end.role, phase).live(), 0);
            }
        }
    }
}
