//! Keeps the current phase, so that each one that is entered is left exactly once, and writes the timeline.

use std::time::{Duration, Instant};

use crate::message::{Envelope, Payload};
use crate::phase::{Completed, Outcome, Phase, Role};
use crate::plugin::{Form, Note, Origin};
use crate::trace::{Entry, Timeline};

pub(super) struct Tracker {
    phase: Option<(Phase, Instant)>,
    timeline: Timeline,
}

impl Tracker {
    pub(super) fn new(now: Instant, role: Role) -> Self {
        Self { phase: None, timeline: Timeline::new(now, role) }
    }

    pub(super) fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    pub(super) fn phase(&self) -> Option<Phase> {
        self.phase.map(|(phase, _)| phase)
    }

    pub(super) fn enter(&mut self, now: Instant, phase: Phase) {
        debug_assert!(self.phase.is_none(), "a phase is entered while another one is open");
        self.phase = Some((phase, now));
        self.timeline.push(now, Entry::Entered(phase));
    }

    pub(super) fn leave(&mut self, now: Instant, outcome: Outcome) -> Option<(Phase, Duration)> {
        let (phase, since) = self.phase.take()?;
        let duration = now.saturating_duration_since(since);
        self.timeline.push(now, Entry::Exited { phase, outcome, duration });
        Some((phase, duration))
    }

    pub(super) fn sent(&mut self, now: Instant, message: &Payload, plain: bool) {
        self.timeline.push(now, Entry::Sent { what: name(message, plain), bytes: message.len() });
    }

    /// Messages after the establishment are counted, not listed; neither are the pings of a spare, which may wait for days.
    pub(super) fn received(&mut self, now: Instant, message: &Payload, plain: bool) {
        let what = name(message, plain);
        if self.phase.is_some() && !self.completes() && what != "ping" {
            self.timeline.push(now, Entry::Received { what, bytes: message.len() });
        }
    }

    /// A message of phase 6 goes out; before encryption, so that its name can be told. Messages of the phases before are told by
    /// [`Self::sent`], those after by nobody.
    pub(super) fn step_sent(&mut self, now: Instant, message: &Payload) {
        if self.completes() {
            self.timeline.push(now, Entry::Sent { what: step(message), bytes: message.len() });
        }
    }

    /// A message of phase 6 has come, after decryption.
    pub(super) fn step_received(&mut self, now: Instant, message: &Payload) {
        if self.completes() {
            self.timeline.push(now, Entry::Received { what: step(message), bytes: message.len() });
        }
    }

    /// What a failure came to stands at the end of the phase anyway.
    pub(super) fn completed(&mut self, now: Instant, completed: Completed) {
        if !matches!(completed, Completed::Failed(_)) {
            self.timeline.push(now, Entry::Completed(completed));
        }
    }

    fn completes(&self) -> bool {
        self.phase() == Some(Phase::Completion)
    }

    pub(super) fn attached(&mut self, now: Instant, plugin: &str, form: Form) {
        self.timeline.push(now, Entry::Attached { plugin: plugin.to_owned(), form });
    }

    pub(super) fn noted(&mut self, now: Instant, note: &Note) {
        self.timeline.push(now, Entry::Noted(note.clone()));
    }

    pub(super) fn closed(&mut self, now: Instant, origin: Origin, reason: &str) {
        self.timeline.push(now, Entry::Closed { origin, reason: reason.to_owned() });
    }
}

/// A name from our own list: nothing that a peer wrote gets into a timeline by this way.
fn name(message: &Payload, plain: bool) -> &'static str {
    const COMMANDS: [&str; 9] = [
        "register",
        "authentication_request",
        "authentication_response",
        "authentication_success",
        "ping",
        "pong",
        "connection_handover",
        "communication_request",
        "communication_ready",
    ];
    match message {
        Payload::Binary(_) if plain => "key message",
        _ if !plain => "encrypted message",
        _ => command(message, &COMMANDS),
    }
}

/// The same for messages of phase 6.
fn step(message: &Payload) -> &'static str {
    const COMMANDS: [&str; 7] = [
        "connection_group",
        "sync",
        "person_id_object",
        "keys_object",
        "instance_id_object",
        "authentication_token",
        "identity",
    ];
    match message {
        Payload::Binary(_) => "key proof",
        Payload::Text(_) => command(message, &COMMANDS),
    }
}

fn command(message: &Payload, known: &[&'static str]) -> &'static str {
    let envelope = Envelope::parse(message).ok();
    let command = envelope.as_ref().and_then(Envelope::command);
    known.iter().copied().find(|name| command == Some(name)).unwrap_or("unknown message")
}
