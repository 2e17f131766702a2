//! The forms of a plugin against each other: they talk to each other, and answer any sequence of events alike.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::time::{Duration, Instant};

use common::{Seeded, plugin};
use proptest::prelude::*;
use ratatosk_conformance::vectors::{Hex, Parity, PluginSpec};
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::plugin::{Form, Incoming, Outgoing, Plugin, Stack};

/// One end, open since `now`, with the given form of each plugin from the socket outwards.
fn end(specs: &[PluginSpec], forms: impl Iterator<Item = Form>, now: Instant) -> Stack {
    let made = specs.iter().zip(forms).map(|(spec, form)| plugin(form, spec.clone(), now, Box::new(Seeded(9))));
    let plugins: Vec<Box<dyn Plugin>> = made.collect::<Result<_, _>>().unwrap();
    let mut stack = Stack::new(plugins, Box::new(Seeded(9))).unwrap();
    stack.handle_incoming(now, Incoming::Opened);
    assert_eq!(stack.poll_event(), Some(Incoming::Opened));
    stack
}

fn encryption(sends: Parity) -> PluginSpec {
    PluginSpec::Encryption { key: Hex(vec![7; 32]), sends }
}

fn transmitted(stack: &mut Stack) -> Vec<Outgoing> {
    std::iter::from_fn(|| stack.poll_transmit()).collect()
}

fn delivered(stack: &mut Stack) -> Vec<Incoming> {
    std::iter::from_fn(|| stack.poll_event()).collect()
}

#[test]
fn every_form_talks_to_every_form() {
    let specs = |sends| {
        let keepalive = PluginSpec::Keepalive { send_after_ms: None, close_after_ms: None };
        [encryption(sends), keepalive, PluginSpec::Fragmentation { chunk_len: None }]
    };
    let now = Instant::now();
    for one in Form::ALL {
        for other in Form::ALL {
            let mut ends = [(Parity::Even, one), (Parity::Odd, other)]
                .map(|(sends, form)| end(&specs(sends), std::iter::repeat(form), now));
            for len in [0, 1, 100, 16_383, 16_384, 65_536, 65_537, 300_000] {
                for message in [Payload::text("€".repeat(len / 3)), Payload::binary(vec![len as u8; len])] {
                    for from in [0, 1] {
                        ends[from].send(now, message.clone()).unwrap();
                        for frame in transmitted(&mut ends[from]) {
                            let Outgoing::Message(frame) = frame else { panic!("{one:?} {other:?}: closed") };
                            ends[1 - from].handle_incoming(now, Incoming::Message(frame));
                        }
                        assert_eq!(delivered(&mut ends[1 - from]), [Incoming::Message(message.clone())]);
                    }
                }
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// The application sends.
    Send(Payload),
    /// The peer's application sends, and what its stack makes of it arrives.
    Peer(Payload),
    /// Something arrives that no peer may have sent.
    Raw(Payload),
    /// Milliseconds pass.
    Wait(u64),
}

fn message() -> impl Strategy<Value = Payload> {
    let words =
        ["keepalive", "fragmentation_start_string", "fragmentation_start_binary", "fragmentation_end", "fragm", ""];
    let begun = (prop::sample::select(vec!["", "\u{FEFF}"]), prop::sample::select(words.to_vec()), "[x€🎉]{0,2}");
    prop_oneof![
        4 => begun.prop_map(|(mark, word, rest)| Payload::text(format!("{mark}{word}{rest}"))),
        2 => "[a€🎉\u{FEFF}]{0,40}".prop_map(Payload::text),
        3 => prop::collection::vec(any::<u8>(), 0..200).prop_map(Payload::binary),
        1 => Just(Payload::binary(&b"\xEF\xBB\xBFmark"[..])),
    ]
}

fn step(raw: u32) -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => message().prop_map(Step::Send),
        4 => message().prop_map(Step::Peer),
        raw => message().prop_map(Step::Raw),
        2 => (0_u64..60).prop_map(Step::Wait),
    ]
}

/// What an end shows of itself after a step.
type Shown = (Vec<Outgoing>, Vec<Incoming>, Option<Instant>, Option<String>, bool);

fn show(stack: &mut Stack, sent: bool) -> Shown {
    let failure = stack.failure().map(ToString::to_string);
    (transmitted(stack), delivered(stack), stack.poll_timeout(), failure, sent)
}

/// Gives the same steps to ends in all forms and mixtures, and compares everything that they show.
fn answer_alike(is_encrypted: bool, steps: &[Step]) -> Result<(), TestCaseError> {
    let specs = |sends, close_after_ms| {
        let keepalive = PluginSpec::Keepalive { send_after_ms: Some(50), close_after_ms: Some(close_after_ms) };
        let outer = [keepalive, PluginSpec::Fragmentation { chunk_len: Some(64) }];
        is_encrypted.then(|| encryption(sends)).into_iter().chain(outer).collect::<Vec<_>>()
    };
    let start = Instant::now();
    let mut now = start;
    let mut peer = end(&specs(Parity::Odd, u64::MAX), std::iter::repeat(Form::Native), now);
    let mixtures = (0..2).map(|shift| Form::ALL.into_iter().cycle().skip(shift));
    let mut ends: Vec<Stack> =
        Form::ALL.iter().map(|form| end(&specs(Parity::Even, 80), std::iter::repeat(*form), now)).collect();
    ends.extend(mixtures.map(|forms| end(&specs(Parity::Even, 80), forms, now)));
    for step in steps {
        if let Step::Wait(millis) = step {
            now += Duration::from_millis(*millis);
            peer.handle_timeout(now);
        }
        if let Step::Peer(message) = step {
            peer.send(now, message.clone()).unwrap();
        }
        let frames = transmitted(&mut peer);
        let act = |stack: &mut Stack| {
            let mut sent = false;
            match step {
                Step::Send(message) => sent = stack.send(now, message.clone()).is_ok(),
                Step::Raw(message) => stack.handle_incoming(now, Incoming::Message(message.clone())),
                Step::Wait(_) => stack.handle_timeout(now),
                Step::Peer(_) => {}
            }
            for frame in &frames {
                let Outgoing::Message(frame) = frame else { panic!("the peer has closed") };
                stack.handle_incoming(now, Incoming::Message(frame.clone()));
            }
            show(stack, sent)
        };
        let shown: Vec<Shown> = ends.iter_mut().map(act).collect();
        for other in &shown[1..] {
            prop_assert_eq!(&shown[0], other);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn encrypted_stacks_answer_alike(steps in prop::collection::vec(step(1), 1..40)) {
        answer_alike(true, &steps)?;
    }

    #[test]
    fn plain_stacks_answer_alike(steps in prop::collection::vec(step(4), 1..40)) {
        answer_alike(false, &steps)?;
    }
}
