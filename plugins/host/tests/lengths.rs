//! The cipher as a module gives what the linked one gives, which its own tests compare with the audited crates: any length.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::time::Instant;

use common::{Seeded, plugin};
use ratatosk_conformance::vectors::{Hex, Parity, PluginSpec};
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::plugin::{Form, Incoming, Outgoing, Stack};

fn end(form: Form, sends: Parity, now: Instant) -> Stack {
    let spec = PluginSpec::Encryption { key: Hex((0..32).collect()), sends };
    let encryption = plugin(form, spec, now, Box::new(Seeded(3))).unwrap();
    let mut stack = Stack::new(vec![encryption], Box::new(Seeded(3))).unwrap();
    stack.handle_incoming(now, Incoming::Opened);
    assert_eq!(stack.poll_event(), Some(Incoming::Opened));
    stack
}

#[test]
fn every_length_is_sealed_alike_and_opened() {
    let now = Instant::now();
    let mut senders = Form::ALL.map(|form| end(form, Parity::Even, now));
    let mut receivers = Form::ALL.map(|form| end(form, Parity::Odd, now));
    for len in (0..1500).chain([4095, 16_384, 65_535, 65_536, 65_537, 300_001]) {
        let message = Payload::binary((0..len).map(|at: usize| (at * 5 + len) as u8).collect::<Vec<_>>());
        let frames = senders.each_mut().map(|sender| {
            sender.send(now, message.clone()).unwrap();
            match sender.poll_transmit() {
                Some(Outgoing::Message(frame)) => frame,
                other => panic!("{len} bytes: {other:?}"),
            }
        });
        assert!(frames.iter().all(|frame| *frame == frames[0]), "{len} bytes are sealed differently");
        for receiver in &mut receivers {
            receiver.handle_incoming(now, Incoming::Message(frames[0].clone()));
            assert!(receiver.poll_event() == Some(Incoming::Message(message.clone())), "{len} bytes");
        }
    }
}
