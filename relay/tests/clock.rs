//! Time that stands still, jumps far ahead or seems to go back. The relay reads the monotonic clock alone, so nobody can
//! set it; what the states and the registry make of any order of times is shown here.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]

mod common;

use std::net::IpAddr;
use std::time::{Duration, Instant};

use common::{answer, key};
use proptest::prelude::*;
use ratatosk_protocol::entropy::OsEntropy;
use ratatosk_protocol::message::{AuthenticationRequest, PONG, Payload, register};
use ratatosk_relay::registry::{Clients, Limit, Limits, Network, Phase, Rate, Rates};
use ratatosk_relay::session::{Claimed, First, Fresh, Owed, Spare};

/// A spare that was registered at `now`.
fn spare(now: Instant, interval: Duration, patience: Duration) -> Spare {
    let (server, listener) = (key(1), key(2));
    let First::Register(registering) = Fresh.on_message(&register(listener.public())) else { panic!("it registers") };
    let (challenged, request) = registering.on_queue(0, &server, &mut OsEntropy).unwrap();
    let request = AuthenticationRequest::parse(&request).unwrap();
    let authenticated = challenged.on_message(&answer(&listener, &request)).unwrap();
    authenticated.on_registered(now, interval, patience).0
}

/// How far a clock goes between two looks at it: not at all, a little, or further than any machine runs.
fn jump() -> impl Strategy<Value = Duration> {
    let far = Duration::from_secs(1 << 40);
    prop_oneof![
        3 => Just(Duration::ZERO),
        3 => (0..60_000_u64).prop_map(Duration::from_millis),
        1 => Just(Duration::from_secs(365 * 86_400)),
        1 => Just(far),
    ]
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Timeout,
    Pong,
    Junk,
    Claim,
}

fn event() -> impl Strategy<Value = Event> {
    prop::sample::select(vec![Event::Timeout, Event::Timeout, Event::Pong, Event::Pong, Event::Junk, Event::Claim])
}

/// A time after `now`, or `now` where the clock has come to its end.
fn later(now: Instant, by: Duration) -> Instant {
    now.checked_add(by).unwrap_or(now)
}

/// What happens to a spare, as the task that owns it does it. `None` is its end.
fn step(spare: Spare, event: Event, now: Instant) -> Option<Spare> {
    match event {
        Event::Timeout => spare.on_timeout(now).ok().map(|(spare, _)| spare),
        Event::Pong => spare.on_message(&Payload::text(PONG), now).ok(),
        Event::Junk => spare.on_message(&Payload::text("junk"), now).ok(),
        Event::Claim => match spare.on_claim() {
            Claimed::Free(handed_over) => Some(handed_over.on_requester_left()),
            Claimed::Owing(owing) => match owing.on_message(&Payload::text(PONG), now).ok()? {
                Owed::Paid(handed_over) => Some(handed_over.on_requester_left()),
                Owed::Still(_) => panic!("it has paid"),
            },
        },
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_spare_outlives_every_clock(steps in prop::collection::vec((event(), jump()), 1..60)) {
        let (interval, patience) = (Duration::from_secs(25), Duration::from_secs(1));
        let mut now = Instant::now();
        let mut held = spare(now, interval, patience);
        for (event, jump) in steps {
            now = later(now, jump);
            // Nothing is due before its time, however often it is asked for.
            let due = held.deadline();
            match step(held, event, now) {
                Some(next) => held = next,
                None => {
                    prop_assert!(matches!(event, Event::Junk) || now >= due, "{event:?} at {now:?}, due {due:?}");
                    held = spare(now, interval, patience);
                }
            }
        }
        // Whatever has happened: a pong puts everything right, and the next ping is an interval away.
        held = match held.on_message(&Payload::text(PONG), now) {
            Ok(held) => held,
            Err(_) => spare(now, interval, patience),
        };
        prop_assert_eq!(held.deadline().checked_duration_since(now).map(|wait| wait <= interval), Some(true));
    }

    #[test]
    fn rates_outlive_every_clock(steps in prop::collection::vec((jump(), any::<bool>()), 1..200)) {
        let (limits, rate) = (Limits::default(), Rate { per_second: 10, burst: 3 });
        let rates = Rates { connections_per_ip: rate, requests_per_ip: rate, requests_per_key: rate, ..Rates::default() };
        let network = Network::from(IpAddr::from([192, 0, 2, 1]));
        let (start, mut clients) = (Instant::now(), Clients::default());
        let (mut now, mut at_once) = (start, 0_u32);
        for (jump, back) in steps {
            // Two processors may disagree a little about the time.
            let ahead = later(now, jump);
            at_once = if ahead > now { 0 } else { at_once };
            now = ahead;
            let seen = if back { now.checked_sub(Duration::from_millis(1)).unwrap_or(now) } else { now };
            clients.admit(&limits).unwrap();
            match clients.locate(network, &limits, &rates, seen) {
                Ok(()) => {
                    at_once += 1;
                    clients.leave(Some(network), Phase::Handshaking);
                }
                Err(limit) => {
                    prop_assert_eq!(limit, Limit::ConnectionRatePerIp);
                    clients.leave(None, Phase::Handshaking);
                }
            }
            prop_assert!(at_once <= rate.burst, "{at_once} at once");
            let _ = clients.may_request(key(1).public(), Some(network), &rates, seen);
        }
        // Nobody is locked out for longer than a burst takes to come back.
        let again = later(now, Duration::from_secs(1));
        prop_assert!(again == now || clients.may_request(key(1).public(), Some(network), &rates, again).is_ok());
    }
}
