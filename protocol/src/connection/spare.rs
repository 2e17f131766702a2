//! Phases 2 and 3 of a listener: registration, then the wait as a spare connection (`spec/wire.md §2`).

use std::sync::Arc;
use std::time::Instant;

use super::flight::Flight;
use super::handshake::AwaitRequest;
use super::{Cause, Event, KeyRing, Outcome, Payload, Phase};
use crate::crypto::{SharedKey, challenge};
use crate::message::{self, AuthenticationRequest, MessageError, SpareMessage};
use crate::plugin::{Layer, Pong};

/// `register` is sent; the challenge is due.
pub(super) struct AwaitChallenge {
    keys: Arc<KeyRing>,
}

impl AwaitChallenge {
    pub(super) fn begin(flight: &mut Flight, now: Instant, keys: Arc<KeyRing>) -> Self {
        flight.enter_phase(now, Phase::Registration);
        flight.send(now, message::register(keys.registered().public()));
        Self { keys }
    }

    pub(super) fn message(self, flight: &mut Flight, now: Instant, message: &Payload) -> Result<AwaitSuccess, Cause> {
        let request = AuthenticationRequest::parse(message)?;
        let key = SharedKey::between(self.keys.registered().secret(), &request.server);
        let response = challenge::respond(&key, &request.challenge, flight.entropy())?;
        flight.send(now, message::authentication_response(&response));
        Ok(AwaitSuccess { keys: self.keys })
    }
}

/// The challenge is answered; the verdict is due.
pub(super) struct AwaitSuccess {
    keys: Arc<KeyRing>,
}

impl AwaitSuccess {
    pub(super) fn message(self, flight: &mut Flight, now: Instant, message: &Payload) -> Result<Spare, Cause> {
        let interval = message::parse_authentication_success(message)?;
        flight.leave_phase(now, Outcome::Ok);
        flight.enter_phase(now, Phase::PairingRequest);
        flight.pause_deadlines(now);
        let pong = Pong::new(interval, flight.config.ping_grace);
        flight.stack.push(now, Box::new(pong))?;
        flight.events.push_back(Event::SpareOpened);
        Ok(Spare { keys: self.keys })
    }
}

/// Registered; pings are answered by the pong plugin, and what comes through is the hand-over.
pub(super) struct Spare {
    keys: Arc<KeyRing>,
}

impl Spare {
    pub(super) fn message(self, flight: &mut Flight, now: Instant, message: &Payload) -> Result<AwaitRequest, Cause> {
        match SpareMessage::parse(message)? {
            SpareMessage::ConnectionHandover => {}
            // The pong plugin keeps pings to itself, so one here means that it is not attached.
            SpareMessage::Ping => {
                let (received, expected) = ("ping".to_owned(), "connection_handover");
                return Err(MessageError::UnexpectedCommand { received, expected }.into());
            }
        }
        flight.stack.remove(Layer::PingPong);
        flight.resume_deadlines(now);
        flight.events.push_back(Event::SpareHandedOver);
        Ok(AwaitRequest::after_handover(self.keys))
    }
}
