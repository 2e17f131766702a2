//! What a connection carries through all its states: the stack, the deadlines, the record of what happened.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::handshake;
use super::spare::AwaitChallenge;
use super::{Cause, Closed, Config, ConnectionError, Counters, Event, Events, Incoming, Origin, Purpose, Stack, State};
use super::{Completed, Outcome, Payload, Phase, Role, Statistics, Tracker};
use crate::close::CloseRequest;
use crate::crypto::SharedKey;
use crate::entropy::Entropy;
use crate::key::PublicKey;
use crate::message::MessageError;
use crate::plugin::{KeepAliveSettings, NonceParity, Plugin, Setup, check_order};
use crate::time::after;

pub(super) struct Flight {
    pub(super) stack: Stack,
    pub(super) counters: Arc<Counters>,
    pub(super) config: Arc<Config>,
    pub(super) tracker: Tracker,
    pub(super) events: Events,
    /// Why the connection is being closed, once it is.
    pub(super) error: Option<Cause>,
    /// Both keys, once they are known.
    pub(super) peers: Option<Peers>,
    phase_deadline: Option<Instant>,
    total: Total,
    error_phase: Option<Phase>,
    plain_messages: Option<u64>,
}

/// The keys of both ends.
#[derive(Clone, Copy)]
pub(super) struct Peers {
    pub(super) local: PublicKey,
    pub(super) remote: PublicKey,
}

/// The total deadline; it stands still while the connection is a spare.
#[derive(Clone, Copy)]
enum Total {
    Until(Instant),
    Paused(Duration),
    Over,
}

impl Flight {
    pub(super) fn new(now: Instant, role: Role, config: Arc<Config>, entropy: Box<dyn Entropy>) -> Self {
        let counters = Arc::new(Counters::default());
        let statistics: Box<dyn Plugin> = Box::new(Statistics::new(counters.clone()));
        let mut flight = Self {
            stack: Stack::of_one(statistics, entropy),
            counters,
            tracker: Tracker::new(now, role),
            events: Events::new(),
            error: None,
            peers: None,
            phase_deadline: None,
            total: Total::Until(after(now, config.deadlines.total)),
            error_phase: None,
            plain_messages: None,
            config,
        };
        flight.enter_phase(now, Phase::Connect);
        flight
    }

    /// The socket is open.
    pub(super) fn opened(&mut self, now: Instant, state: State) -> Result<State, Cause> {
        let State::Opening(purpose) = state else { return Ok(state) };
        self.leave_phase(now, Outcome::Ok);
        match purpose {
            Purpose::Spare(keys) => Ok(State::AwaitChallenge(AwaitChallenge::begin(self, now, keys))),
            Purpose::Accept(keys) => Ok(State::AwaitRequest(handshake::AwaitRequest::begin(self, now, keys))),
            Purpose::Connect(connector) => Ok(State::AwaitReady(handshake::AwaitReady::begin(self, now, connector))),
        }
    }

    /// A message has passed the stack.
    pub(super) fn message(&mut self, now: Instant, state: State, message: Payload) -> Result<State, Cause> {
        match state {
            State::Opening(_) | State::Closed => Ok(state),
            State::AwaitChallenge(state) => state.message(self, now, &message).map(State::AwaitSuccess),
            State::AwaitSuccess(state) => state.message(self, now, &message).map(State::Spare),
            State::Spare(state) => state.message(self, now, &message).map(State::AwaitRequest),
            State::AwaitRequest(state) => state.message(self, now, &message).map(State::AwaitConnectorKey),
            State::AwaitReady(state) => state.message(self, now, &message).map(State::AwaitAcceptorKey),
            State::AwaitConnectorKey(state) => state.message(self, now, &message).map(|()| State::AwaitProof),
            State::AwaitAcceptorKey(state) => {
                state.message(self, now, &message)?;
                Ok(self.established(now))
            }
            State::AwaitProof => {
                let next = self.established(now);
                self.deliver(now, message);
                Ok(next)
            }
            State::Established | State::Closing { deliver: true } => {
                self.deliver(now, message);
                Ok(state)
            }
            State::Closing { deliver: false } => Ok(state),
        }
    }

    /// The keys are exchanged; those of an acceptor's peer are proven as well.
    pub(super) fn established(&mut self, now: Instant) -> State {
        self.leave_phase(now, Outcome::Ok);
        if let Some(Peers { local, remote }) = self.peers {
            self.events.push_back(Event::Established { local, remote });
        }
        if self.config.completion {
            self.enter_phase(now, Phase::Completion);
        } else {
            self.total = Total::Over;
        }
        State::Established
    }

    /// Phase 6 has ended.
    pub(super) fn complete(&mut self, now: Instant, completed: Completed) {
        if self.tracker.phase() != Some(Phase::Completion) {
            return;
        }
        self.tracker.completed(now, completed);
        self.leave_phase(now, completed.outcome());
        self.total = Total::Over;
        if let (Completed::Paired, Some(Peers { remote, .. })) = (completed, self.peers) {
            self.events.push_back(Event::PairingSucceeded { remote });
        }
    }

    fn deliver(&mut self, now: Instant, message: Payload) {
        self.tracker.step_received(now, &message);
        self.events.push_back(Event::Message(message));
    }

    /// Whether the peer's messages are still plain, so that their names can be told.
    pub(super) fn is_plain(&self) -> bool {
        self.plain_messages.is_none()
    }

    /// Whether a message has decrypted, which proves the peer's key. The counters are inside encryption: they count a message
    /// that does not decrypt as well, and then a plugin fails.
    pub(super) fn proven(&self) -> bool {
        let came = self.plain_messages.is_some_and(|plain| self.counters.messages_received() > plain);
        came && self.stack.failure().is_none()
    }

    /// Sends a handshake message.
    pub(super) fn send(&mut self, now: Instant, message: Payload) {
        self.tracker.sent(now, &message, self.is_plain());
        // A handshake message is never refused: no plugin but the statistics is attached yet.
        let _ = self.stack.send(now, message);
    }

    pub(super) fn entropy(&mut self) -> &mut dyn Entropy {
        self.stack.entropy()
    }

    /// Attaches encryption, keepalive, fragmentation, and whatever else the configuration has.
    pub(super) fn encrypt(&mut self, now: Instant, key: &SharedKey, sends: NonceParity) -> Result<(), Cause> {
        self.plain_messages = Some(self.counters.messages_received());
        let keepalive = KeepAliveSettings {
            // The acceptor may only speak when it has decrypted something, so the connector says something at once.
            first_pulse: sends == NonceParity::Odd,
            speaks_second: sends == NonceParity::Even,
            ..KeepAliveSettings::new(self.config.keepalive_after, self.config.silence_limit)
        };
        let (chunk_len, max_message_len) = (self.config.chunk_len, self.config.max_message_len);
        let setup = Setup { now, key, sends, keepalive, chunk_len, max_message_len };
        let plugins = self.config.plugins.make(&setup).map_err(Cause::PluginSetup)?;
        let order: Vec<_> = plugins.iter().map(|plugin| (plugin.name(), plugin.layer())).collect();
        check_order(&order)?;
        for plugin in plugins {
            self.tracker.attached(now, plugin.name(), plugin.form());
            self.stack.push(now, plugin)?;
        }
        Ok(())
    }

    /// Tells what plugins said.
    pub(super) fn take_notes(&mut self, now: Instant) {
        while let Some(note) = self.stack.poll_note() {
            self.tracker.noted(now, &note);
            self.events.push_back(Event::Note(note));
        }
    }

    pub(super) fn enter_phase(&mut self, now: Instant, phase: Phase) {
        self.tracker.enter(now, phase);
        self.phase_deadline = Some(after(now, self.config.deadlines.of(phase)));
        self.events.push_back(Event::PhaseEntered(phase));
    }

    /// Ends the current phase, if there is one.
    pub(super) fn leave_phase(&mut self, now: Instant, outcome: Outcome) {
        let Some((phase, duration)) = self.tracker.leave(now, outcome) else { return };
        self.phase_deadline = None;
        if outcome != Outcome::Ok {
            self.error_phase.get_or_insert(phase);
            self.total = Total::Over;
        }
        self.events.push_back(Event::PhaseExited { phase, outcome, duration });
    }

    /// The connection waits as a spare: only the pings decide how long.
    pub(super) fn pause_deadlines(&mut self, now: Instant) {
        self.phase_deadline = None;
        if let Total::Until(end) = self.total {
            self.total = Total::Paused(end.saturating_duration_since(now));
        }
    }

    /// The wait as a spare is over.
    pub(super) fn resume_deadlines(&mut self, now: Instant) {
        self.phase_deadline = Some(after(now, self.config.deadlines.request));
        if let Total::Paused(left) = self.total {
            self.total = Total::Until(after(now, left));
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let total = match self.total {
            Total::Until(end) => Some(end),
            Total::Paused(_) | Total::Over => None,
        };
        [self.phase_deadline, total].into_iter().flatten().min()
    }

    /// Which deadline has passed. The phase's own comes first, because it says more.
    pub(super) fn overdue(&self, now: Instant) -> Option<Cause> {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return None;
        }
        match (self.phase_deadline, self.tracker.phase()) {
            (Some(deadline), Some(phase)) if now >= deadline => Some(Cause::PhaseTimeout(phase)),
            _ => Some(Cause::TotalTimeout),
        }
    }

    /// The socket is gone. The first cause is the true one; what the socket said comes after it.
    pub(super) fn closed(&mut self, now: Instant, cause: Cause) {
        let (origin, reason) = match (&self.error, &cause) {
            (Some(first), _) => (Origin::Local, reason_of(first)),
            (None, Cause::ClosedByPeer(Some(frame))) => (Origin::Remote, frame.reason.clone()),
            (None, _) => (Origin::Remote, String::new()),
        };
        self.leave_phase(now, cause.outcome());
        let cause = self.error.take().unwrap_or(cause);
        self.stack.handle_incoming(now, Incoming::Closed { reason: reason.clone(), origin });
        self.take_notes(now);
        self.stack.clear();
        let error = ConnectionError { phase: self.error_phase, cause };
        self.tracker.closed(now, origin, &reason);
        self.events.push_back(Event::Closed(Closed { origin, reason, error }));
    }

    /// Insists on a binary message.
    pub(super) fn binary(message: &Payload) -> Result<&[u8], Cause> {
        match message {
            Payload::Binary(data) => Ok(data),
            Payload::Text(_) => Err(MessageError::NotBinary.into()),
        }
    }
}

/// The reason that went out for a cause.
fn reason_of(cause: &Cause) -> String {
    match cause {
        Cause::Silence { reason } | Cause::ClosedHere { reason } => reason.clone(),
        other => CloseRequest::reason(&other.close_request()),
    }
}
