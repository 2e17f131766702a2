//! A spare connection from registration to talk, with a scripted CommServer between it and the connector, under random
//! faults: it connects or ends with a typed error, and nothing stays behind.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed assumption in a test is a failed test")]
#![allow(missing_docs, unreachable_pub, dead_code, reason = "tests share one support module, each uses a part")]

mod support;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use ratatosk_protocol::connection::{CloseFrame, Config, Connection, Connector, Event, KeyRing};
use ratatosk_protocol::crypto::{SharedKey, challenge::Challenge};
use ratatosk_protocol::message::{self, Payload};
use ratatosk_protocol::phase::Role;
use ratatosk_protocol::plugin::Outgoing;
use support::{End, Repeatable, entropy, key};

/// The spare, the connector, and a CommServer that says what its script says.
struct World {
    now: Instant,
    spare: End,
    connector: End,
    to_spare: VecDeque<Payload>,
    registered: bool,
    paired: bool,
    talked: bool,
}

#[derive(Clone, Debug)]
enum Step {
    /// One message of the spare reaches the server, or after the hand-over the connector.
    FromSpare,
    /// One message of the server, or after the hand-over of the connector, reaches the spare.
    ToSpare,
    Ping,
    HandOver,
    Garble,
    Lose,
    Duplicate,
    Advance(u64),
    Cut,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => Just(Step::FromSpare),
        20 => Just(Step::ToSpare),
        2 => Just(Step::Ping),
        4 => Just(Step::HandOver),
        1 => Just(Step::Garble),
        1 => Just(Step::Lose),
        1 => Just(Step::Duplicate),
        3 => (0_u64..20_000).prop_map(Step::Advance),
        1 => Just(Step::Cut),
    ]
}

impl World {
    fn new() -> Self {
        let now = Instant::now();
        let config = Arc::new(Config::default());
        let spare = Connection::spare(now, Arc::new(KeyRing::new(key(1))), config.clone(), entropy(1));
        let connector = Connector { local: key(2), remote: *key(1).public() };
        let connector = Connection::connect(now, connector, config, entropy(2));
        let mut world = Self {
            now,
            spare: End::new(Role::Listener, spare),
            connector: End::new(Role::Initiator, connector),
            to_spare: VecDeque::new(),
            registered: false,
            paired: false,
            talked: false,
        };
        world.spare.machine.handle_opened(now);
        world.spare.collect();
        world
    }

    fn apply(&mut self, step: &Step) {
        match *step {
            Step::FromSpare => self.carry_from_spare(),
            Step::ToSpare => self.carry_to_spare(),
            Step::Ping if self.registered && !self.paired => self.to_spare.push_back(Payload::text(message::PING)),
            Step::HandOver if self.registered && !self.paired => {
                self.paired = true;
                self.connector.machine.handle_opened(self.now);
                self.connector.collect();
                self.to_spare.push_back(Payload::text(message::CONNECTION_HANDOVER));
            }
            Step::Garble => {
                if let Some(message) = self.to_spare.front_mut() {
                    *message = Payload::text("{\"command\":");
                }
            }
            Step::Lose => drop(self.to_spare.pop_front()),
            Step::Duplicate => self.to_spare.extend(self.to_spare.front().cloned()),
            Step::Advance(millis) => self.advance(Duration::from_millis(millis)),
            Step::Cut => self.cut(),
            Step::Ping | Step::HandOver => {}
        }
    }

    fn carry_from_spare(&mut self) {
        match self.spare.outbox.pop_front() {
            Some(Outgoing::Message(message)) if self.paired && !self.connector.told_closed => {
                self.connector.machine.handle_message(self.now, message);
                self.connector.collect();
            }
            Some(Outgoing::Message(_)) if self.paired => {}
            Some(Outgoing::Message(message)) => self.serve(&message),
            Some(Outgoing::Close(request)) => {
                let frame = CloseFrame { code: 1000, reason: request.reason() };
                self.spare.closed(self.now, Some(frame.clone()));
                if self.paired {
                    self.connector.closed(self.now, Some(frame));
                }
            }
            None => {}
        }
    }

    /// What a CommServer answers.
    fn serve(&mut self, message: &Payload) {
        let Payload::Text(text) = message else { return };
        let own = key(9);
        if text.contains("\"register\"") {
            let shared = SharedKey::between(own.secret(), key(1).public());
            let (_, boxed) = Challenge::issue(&shared, &mut Repeatable(3));
            self.to_spare.push_back(message::authentication_request(own.public(), &boxed));
        } else if text.contains("authentication_response") {
            self.registered = true;
            self.to_spare.push_back(message::authentication_success(Duration::from_secs(25)));
        }
    }

    fn carry_to_spare(&mut self) {
        let from_connector = |world: &mut Self| match world.connector.outbox.pop_front() {
            Some(Outgoing::Message(message)) => Some(message),
            Some(Outgoing::Close(request)) => {
                let frame = CloseFrame { code: 1000, reason: request.reason() };
                world.connector.closed(world.now, Some(frame.clone()));
                world.spare.closed(world.now, Some(frame));
                None
            }
            None => None,
        };
        let message = match self.to_spare.pop_front() {
            Some(message) => Some(message),
            None if self.paired => from_connector(self),
            None => None,
        };
        if let (Some(message), false) = (message, self.spare.told_closed) {
            self.spare.machine.handle_message(self.now, message);
            self.spare.collect();
        }
        if self.spare.is_established() && !self.talked {
            // Refused if the connection is ending already.
            self.talked = self.spare.machine.send(self.now, Payload::text("hello")).is_ok();
            self.spare.collect();
        }
    }

    fn advance(&mut self, by: Duration) {
        self.now += by;
        for end in [&mut self.spare, &mut self.connector] {
            if end.machine.poll_timeout().is_some_and(|at| at <= self.now) {
                end.machine.handle_timeout(self.now);
                end.collect();
            }
        }
    }

    fn cut(&mut self) {
        self.spare.closed(self.now, None);
        self.connector.closed(self.now, None);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn a_spare_connects_or_ends(steps in prop::collection::vec(step(), 0..80)) {
        let mut world = World::new();
        for step in &steps {
            world.apply(step);
        }
        // Nobody says anything any more.
        world.to_spare.clear();
        for _ in 0..8 {
            world.advance(Duration::from_secs(30));
        }
        prop_assert!(world.spare.told_closed || world.spare.close_sent.is_some(), "{:?}", world.spare.events);
        world.cut();
        for end in [&mut world.spare, &mut world.connector] {
            prop_assert_eq!(end.open_phases(), vec![]);
            prop_assert_eq!(end.machine.poll_timeout(), None);
            prop_assert!(end.machine.is_closed());
            prop_assert!(matches!(end.events.last(), Some(Event::Closed(_))));
        }
    }
}

#[test]
fn without_faults_the_spare_talks() {
    let mut world = World::new();
    for step in
        [Step::FromSpare, Step::ToSpare, Step::FromSpare, Step::ToSpare, Step::Ping, Step::ToSpare, Step::FromSpare]
    {
        world.apply(&step);
    }
    world.apply(&Step::HandOver);
    for _ in 0..10 {
        world.apply(&Step::ToSpare);
        world.apply(&Step::FromSpare);
    }
    assert!(world.spare.is_established() && world.connector.is_established());
    assert_eq!(world.connector.messages(), [Payload::text("hello")]);
}
