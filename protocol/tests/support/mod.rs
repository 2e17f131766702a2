//! What the tests of the machines share: known randomness, keys, and two machines joined without a network.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ratatosk_protocol::close::CloseRequest;
use ratatosk_protocol::connection::{CloseFrame, Config, Connection, Connector, Event, KeyRing};
use ratatosk_protocol::entropy::Entropy;
use ratatosk_protocol::key::{KeyPair, SecretKey};
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::phase::{Phase, Role};
use ratatosk_protocol::plugin::Outgoing;

/// SplitMix64: repeatable, and good enough for bytes that only have to differ.
pub struct Repeatable(pub u64);

impl Entropy for Repeatable {
    fn fill(&mut self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = self.0;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes()[..chunk.len()]);
        }
    }
}

pub fn key(seed: u8) -> KeyPair {
    SecretKey::from_bytes([seed; 32]).into()
}

pub fn entropy(seed: u64) -> Box<dyn Entropy> {
    Box::new(Repeatable(seed))
}

/// One machine and what has come out of it.
pub struct End {
    pub machine: Connection,
    pub role: Role,
    pub outbox: VecDeque<Outgoing>,
    pub events: Vec<Event>,
    pub close_sent: Option<String>,
    pub told_closed: bool,
}

impl End {
    pub fn new(role: Role, machine: Connection) -> Self {
        Self { machine, role, outbox: VecDeque::new(), events: Vec::new(), close_sent: None, told_closed: false }
    }

    /// Collects what the machine wants.
    pub fn collect(&mut self) {
        while let Some(out) = self.machine.poll_transmit() {
            assert!(self.close_sent.is_none(), "{out:?} was sent after a close");
            if let Outgoing::Close(request) = &out {
                self.close_sent = Some(request.reason());
            }
            self.outbox.push_back(out);
        }
        while let Some(event) = self.machine.poll_event() {
            let closed = self.events.iter().any(|event| matches!(event, Event::Closed(_)));
            assert!(!closed, "{event:?} came after the end");
            self.events.push(event);
        }
    }

    pub fn closed(&mut self, now: Instant, frame: Option<CloseFrame>) {
        if !self.told_closed {
            self.told_closed = true;
            self.machine.handle_closed(now, frame);
            self.collect();
        }
    }

    pub fn is_established(&self) -> bool {
        self.events.iter().any(|event| matches!(event, Event::Established { .. }))
    }

    pub fn messages(&self) -> Vec<Payload> {
        self.events
            .iter()
            .filter_map(|event| match event {
                Event::Message(message) => Some(message.clone()),
                _ => None,
            })
            .collect()
    }

    /// Every phase that was entered was left once, in the order of entering, except one that is still open.
    pub fn open_phases(&self) -> Vec<Phase> {
        let mut open = Vec::new();
        for event in &self.events {
            match event {
                Event::PhaseEntered(phase) => {
                    assert!(open.is_empty(), "{phase} was entered inside {open:?}");
                    open.push(*phase);
                }
                Event::PhaseExited { phase, .. } => assert_eq!(open.pop(), Some(*phase)),
                _ => {}
            }
        }
        open
    }
}

/// A connector and a directly dialled acceptor.
pub struct Pair {
    pub now: Instant,
    pub connector: End,
    pub acceptor: End,
}

impl Pair {
    pub fn new() -> Self {
        Self::with(Config::default(), KeyRing::new(key(1)), Connector { local: key(2), remote: *key(1).public() })
    }

    pub fn with(config: Config, keys: KeyRing, connector: Connector) -> Self {
        let now = Instant::now();
        let config = Arc::new(config);
        let connect = Connection::connect(now, connector, config.clone(), entropy(1));
        let accept = Connection::accept(now, Arc::new(keys), config, entropy(2));
        Self { now, connector: End::new(Role::Initiator, connect), acceptor: End::new(Role::Listener, accept) }
    }

    pub fn open(&mut self) {
        self.connector.machine.handle_opened(self.now);
        self.acceptor.machine.handle_opened(self.now);
        self.collect();
    }

    pub fn collect(&mut self) {
        self.connector.collect();
        self.acceptor.collect();
    }

    /// Carries one message or close frame from one end to the other. False if there was none.
    pub fn carry(&mut self, from: Role) -> bool {
        let now = self.now;
        let (from, to) = match from {
            Role::Initiator => (&mut self.connector, &mut self.acceptor),
            Role::Listener => (&mut self.acceptor, &mut self.connector),
        };
        let Some(out) = from.outbox.pop_front() else { return false };
        match out {
            Outgoing::Message(message) if !to.told_closed => {
                to.machine.handle_message(now, message);
                to.collect();
            }
            Outgoing::Message(_) => {}
            Outgoing::Close(request) => {
                let frame = CloseFrame { code: 1000, reason: request.reason() };
                to.closed(now, Some(frame.clone()));
                from.closed(now, Some(frame));
            }
        }
        true
    }

    /// Carries everything until both ends are quiet.
    pub fn settle(&mut self) {
        while self.carry(Role::Initiator) || self.carry(Role::Listener) {}
    }

    pub fn advance(&mut self, by: Duration) {
        self.now += by;
        for end in [&mut self.connector, &mut self.acceptor] {
            if end.machine.poll_timeout().is_some_and(|at| at <= self.now) {
                end.machine.handle_timeout(self.now);
                end.collect();
            }
        }
    }

    pub fn close(&mut self, role: Role, reason: &str) {
        let now = self.now;
        let end = if role == Role::Initiator { &mut self.connector } else { &mut self.acceptor };
        end.machine.close(now, CloseRequest::because(reason));
        end.collect();
    }
}
