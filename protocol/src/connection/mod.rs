//! One connection from its first byte to its last, as a machine (`spec/phases.md`, phases 1 to 5).
//!
//! The same machine is a listener's spare connection, an acceptor that was dialled directly, and a connector. Whoever
//! drives it tells it what happens at the socket (`handle_*`) and does what it asks for (`poll_*`). Every state is a
//! struct of its own that a transition consumes, so that data exists only in the phase that has it; keys and challenges
//! are wiped when their state is left, whichever way, and those of the plugins when the connection is closed.

mod config;
mod error;
mod event;
mod flight;
mod handshake;
mod spare;
mod tracker;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

pub use config::{Config, Connector, KeyRing, RequestPolicy};
pub use error::{Cause, ConnectionError, Fault};
pub use event::{CloseFrame, Closed, Event};

use self::flight::Flight;
use self::handshake::{AwaitAcceptorKey, AwaitConnectorKey, AwaitReady, AwaitRequest};
use self::spare::{AwaitChallenge, AwaitSuccess, Spare};
use self::tracker::Tracker;
use crate::close::CloseRequest;
use crate::entropy::Entropy;
use crate::message::Payload;
use crate::phase::{Completed, Outcome, Phase, Role};
use crate::plugin::{Counters, Incoming, Origin, Outgoing, SendError, Stack, Statistics};
use crate::trace::Timeline;

/// The machine of one connection.
pub struct Connection {
    state: State,
    flight: Flight,
}

/// Where the connection is. `Opening` waits for the socket; what comes next is in [`Purpose`].
enum State {
    Opening(Purpose),
    AwaitChallenge(AwaitChallenge),
    AwaitSuccess(AwaitSuccess),
    Spare(Spare),
    AwaitRequest(AwaitRequest),
    AwaitReady(AwaitReady),
    AwaitAcceptorKey(AwaitAcceptorKey),
    AwaitConnectorKey(AwaitConnectorKey),
    /// Encryption is attached; the peer's first message has to decrypt before the application may speak.
    AwaitProof,
    Established,
    /// A close was asked for, or the connection has failed. What still arrives after a plugin's failure is delivered.
    Closing {
        deliver: bool,
    },
    Closed,
}

/// What a connection is for.
enum Purpose {
    /// Register a key at a CommServer and wait there.
    Spare(Arc<KeyRing>),
    /// A peer has dialled us directly.
    Accept(Arc<KeyRing>),
    /// We dial a peer.
    Connect(Connector),
}

impl Connection {
    /// A listener's connection to a CommServer: registers the first key of the ring.
    #[must_use]
    pub fn spare(now: Instant, keys: Arc<KeyRing>, config: Arc<Config>, entropy: Box<dyn Entropy>) -> Self {
        Self::new(now, Role::Listener, Purpose::Spare(keys), config, entropy)
    }

    /// A connection that a peer opened to us without a CommServer.
    #[must_use]
    pub fn accept(now: Instant, keys: Arc<KeyRing>, config: Arc<Config>, entropy: Box<dyn Entropy>) -> Self {
        Self::new(now, Role::Listener, Purpose::Accept(keys), config, entropy)
    }

    /// A connection to a peer, through a CommServer or straight to it: the messages are the same.
    #[must_use]
    pub fn connect(now: Instant, connector: Connector, config: Arc<Config>, entropy: Box<dyn Entropy>) -> Self {
        Self::new(now, Role::Initiator, Purpose::Connect(connector), config, entropy)
    }

    fn new(now: Instant, role: Role, purpose: Purpose, config: Arc<Config>, entropy: Box<dyn Entropy>) -> Self {
        let flight = Flight::new(now, role, config, entropy);
        Self { state: State::Opening(purpose), flight }
    }

    /// The WebSocket is open.
    pub fn handle_opened(&mut self, now: Instant) {
        self.flight.stack.handle_incoming(now, Incoming::Opened);
        self.step(now);
    }

    /// A message has come.
    pub fn handle_message(&mut self, now: Instant, message: Payload) {
        let plain = self.flight.is_plain();
        self.flight.tracker.received(now, &message, plain);
        self.flight.stack.handle_incoming(now, Incoming::Message(message));
        self.step(now);
    }

    /// The socket is closed. `frame` is the other end's close frame, if it sent one. To be called exactly once, also after
    /// a close that this end asked for.
    pub fn handle_closed(&mut self, now: Instant, frame: Option<CloseFrame>) {
        self.end(now, Cause::ClosedByPeer(frame));
    }

    /// The socket could not be opened, or broke. `what` says how, for a person.
    pub fn handle_io_error(&mut self, now: Instant, what: String) {
        self.end(now, Cause::Io(what));
    }

    /// [`Self::poll_timeout`] has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        if let Some(cause) = self.flight.overdue(now) {
            self.fail(now, cause);
        }
        self.flight.stack.handle_timeout(now);
        self.step(now);
    }

    /// When [`Self::handle_timeout`] is to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        [self.flight.deadline(), self.flight.stack.poll_timeout()].into_iter().flatten().min()
    }

    /// The next thing for the socket. After a close nothing follows.
    pub fn poll_transmit(&mut self) -> Option<Outgoing> {
        self.flight.stack.poll_transmit()
    }

    /// Bytes that wait for the socket.
    #[must_use]
    pub fn transmit_bytes(&self) -> usize {
        self.flight.stack.transmit_bytes()
    }

    /// The next thing to know.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.flight.events.pop_front()
    }

    /// Sends a message of the application.
    ///
    /// # Errors
    ///
    /// [`SendError`]: before [`Event::Established`] and after a close nothing can be sent.
    pub fn send(&mut self, now: Instant, message: Payload) -> Result<(), SendError> {
        if !matches!(self.state, State::Established) {
            return Err(SendError::NotOpen);
        }
        self.flight.tracker.step_sent(now, &message);
        let result = self.flight.stack.send(now, message);
        self.step(now);
        result
    }

    /// Phase 6 has ended, as the application says that runs it ([`Config::completion`]). Nothing happens outside of that phase.
    pub fn complete(&mut self, now: Instant, completed: Completed) {
        self.flight.complete(now, completed);
    }

    /// Whether phase 6 is under way: [`Self::complete`] is due.
    #[must_use]
    pub fn is_completing(&self) -> bool {
        self.flight.tracker.phase() == Some(Phase::Completion)
    }

    /// Closes in the name of the application.
    pub fn close(&mut self, now: Instant, request: CloseRequest) {
        let reason = request.reason();
        self.flight.leave_phase(now, Outcome::Error);
        self.shut(now, request, Cause::ClosedHere { reason });
    }

    /// What has happened so far, for a person.
    #[must_use]
    pub fn timeline(&self) -> &Timeline {
        self.flight.tracker.timeline()
    }

    /// The numbers of this connection.
    #[must_use]
    pub fn counters(&self) -> &Arc<Counters> {
        &self.flight.counters
    }

    /// Whether [`Event::Established`] has been told.
    #[must_use]
    pub fn is_established(&self) -> bool {
        matches!(self.state, State::Established | State::Closing { deliver: true })
    }

    /// Whether the peer has proven its key: a message of it has decrypted.
    #[must_use]
    pub fn is_proven(&self) -> bool {
        self.is_established() && self.flight.proven()
    }

    /// Whether a close was asked for here: the socket is to end soon, whatever the other end does.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        matches!(self.state, State::Closing { .. })
    }

    /// Whether [`Event::Closed`] has been told.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Lets the state take what the stack has for it.
    fn step(&mut self, now: Instant) {
        self.flight.take_notes(now);
        while let Some(event) = self.flight.stack.poll_event() {
            match event {
                Incoming::Opened => self.advance(now, Flight::opened),
                Incoming::Message(message) => {
                    self.advance(now, |flight, now, state| flight.message(now, state, message));
                }
                Incoming::Closed { .. } => {}
            }
        }
        if let Some(reason) = self.flight.stack.close_reason()
            && !matches!(self.state, State::Closing { .. } | State::Closed)
        {
            let cause = match self.flight.stack.failure() {
                Some(failure) => Cause::Plugin(failure.clone()),
                None => Cause::Silence { reason: reason.to_owned() },
            };
            self.flight.leave_phase(now, cause.outcome());
            self.flight.error.get_or_insert(cause);
            let deliver = matches!(self.state, State::Established);
            self.state = State::Closing { deliver };
        } else if matches!(self.state, State::AwaitProof) && self.flight.proven() {
            self.advance(now, |flight, now, _| Ok(flight.established(now)));
        }
    }

    fn advance(&mut self, now: Instant, transition: impl FnOnce(&mut Flight, Instant, State) -> Result<State, Cause>) {
        let state = std::mem::replace(&mut self.state, State::Closed);
        match transition(&mut self.flight, now, state) {
            Ok(next) => self.state = next,
            Err(cause) => {
                self.state = State::Closing { deliver: false };
                self.fail(now, cause);
            }
        }
    }

    /// Gives the connection up: the phase ends, and the other end is told why.
    fn fail(&mut self, now: Instant, cause: Cause) {
        self.flight.leave_phase(now, cause.outcome());
        self.shut(now, cause.close_request(), cause);
    }

    fn shut(&mut self, now: Instant, request: CloseRequest, cause: Cause) {
        if matches!(self.state, State::Closed) {
            return;
        }
        self.flight.error.get_or_insert(cause);
        self.state = State::Closing { deliver: false };
        self.flight.stack.close(now, request);
    }

    fn end(&mut self, now: Instant, cause: Cause) {
        if matches!(self.state, State::Closed) {
            return;
        }
        self.state = State::Closed;
        self.flight.closed(now, cause);
    }
}

/// Events wait here until they are polled. Their number is bounded by the phases and by the messages that were handed in.
type Events = VecDeque<Event>;
