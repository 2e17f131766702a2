//! Timers: each time one goes off, it moves on or closes; no timer keeps its driver busy.

use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;
use ratatosk_protocol::crypto::SharedKey;
use ratatosk_protocol::entropy::Entropy;
use ratatosk_protocol::message::{PING, PONG, Payload};
use ratatosk_protocol::plugin::{
    Encryption, Incoming, KeepAlive, KeepAliveSettings, NonceParity, Outgoing, Ping, Plugin, Pong, Stack, Statistics,
};

struct Zeros;

impl Entropy for Zeros {
    fn fill(&mut self, buffer: &mut [u8]) {
        buffer.fill(0);
    }
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Ping,
    Pong,
    KeepAlive,
    EncryptedKeepAlive,
}

fn plugins(kind: Kind, first: Duration, second: Duration) -> Vec<Box<dyn Plugin>> {
    match kind {
        Kind::Ping => vec![Box::new(Statistics::default()), Box::new(Ping::new(first, second))],
        Kind::Pong => vec![Box::new(Pong::new(first, second))],
        Kind::KeepAlive => vec![Box::new(KeepAlive::with_settings(KeepAliveSettings {
            first_pulse: true,
            ..KeepAliveSettings::new(first, second)
        }))],
        Kind::EncryptedKeepAlive => vec![
            Box::new(Encryption::new(&SharedKey::from_bytes([3; 32]), NonceParity::Even)),
            Box::new(KeepAlive::new(first, second)),
        ],
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Wait(u64),
    Receive(&'static str),
    Send,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0_u64..400).prop_map(Step::Wait),
        prop::sample::select(vec![PING, PONG, "keepalive", "x"]).prop_map(Step::Receive),
        Just(Step::Send),
    ]
}

/// Whether the close has gone out.
fn closed(stack: &mut Stack) -> bool {
    let sent: Vec<_> = std::iter::from_fn(|| stack.poll_transmit()).collect();
    let closes = sent.iter().filter(|event| matches!(event, Outgoing::Close(_))).count();
    assert!(closes == 0 || closes == 1 && matches!(sent.last(), Some(Outgoing::Close(_))));
    closes == 1
}

proptest! {
    #[test]
    fn a_timer_that_went_off_moves_on_or_closes(
        kind in prop::sample::select(vec![Kind::Ping, Kind::Pong, Kind::KeepAlive, Kind::EncryptedKeepAlive]),
        (first, second) in (0_u64..300, 0_u64..300),
        steps in vec(step(), 0..30),
    ) {
        let millis = Duration::from_millis;
        let mut now = Instant::now();
        let mut stack = Stack::new(plugins(kind, millis(first), millis(second)), Box::new(Zeros)).unwrap();
        prop_assert_eq!(stack.poll_timeout(), None);
        stack.handle_incoming(now, Incoming::Opened);
        prop_assert!(stack.poll_timeout().is_some());
        let mut is_closed = closed(&mut stack);
        for step in steps {
            match step {
                Step::Receive(text) => stack.handle_incoming(now, Incoming::Message(Payload::text(text))),
                Step::Send => prop_assert_eq!(stack.send(now, Payload::text("x")).is_ok(), !is_closed),
                Step::Wait(time) => {
                    let until = now + millis(time);
                    let mut at_once = 0;
                    while let Some(deadline) = stack.poll_timeout().filter(|&deadline| deadline <= until) {
                        prop_assert!(!is_closed);
                        now = now.max(deadline);
                        stack.handle_timeout(now);
                        is_closed |= closed(&mut stack);
                        // Without any patience a ping and the end of waiting for its pong fall together.
                        let moved = stack.poll_timeout().is_none_or(|next| next > now);
                        at_once = if moved { 0 } else { at_once + 1 };
                        prop_assert!(at_once <= 1, "a timer goes off again and again");
                    }
                    now = until;
                }
            }
            is_closed |= closed(&mut stack);
            prop_assert_eq!(stack.poll_timeout().is_none(), is_closed);
        }
    }

    #[test]
    fn nothing_happens_before_its_time(
        kind in prop::sample::select(vec![Kind::Ping, Kind::Pong, Kind::KeepAlive]),
        (first, second) in (1_u64..300, 1_u64..300),
        early in 1_u64..300,
    ) {
        let now = Instant::now();
        let millis = Duration::from_millis;
        let mut stack = Stack::new(plugins(kind, millis(first), millis(second)), Box::new(Zeros)).unwrap();
        stack.handle_incoming(now, Incoming::Opened);
        while stack.poll_transmit().is_some() {}
        let deadline = stack.poll_timeout().unwrap();
        stack.handle_timeout((deadline - millis(early)).max(now).min(deadline - Duration::from_nanos(1)));
        prop_assert_eq!(stack.poll_transmit(), None);
        prop_assert_eq!(stack.poll_timeout(), Some(deadline));
        stack.handle_timeout(deadline);
        prop_assert!(stack.poll_transmit().is_some());
    }
}
