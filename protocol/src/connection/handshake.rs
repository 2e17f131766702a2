//! Phases 3 to 5 between the peers: request, ready, keys (`spec/wire.md §3`).

use std::sync::Arc;
use std::time::Instant;

use super::flight::{Flight, Peers};
use super::{Cause, Connector, Event, KeyRing, Outcome, Payload, Phase};
use crate::crypto::{SharedKey, boxed};
use crate::key::{KEY_LEN, KeyPair, PublicKey};
use crate::message::{self, CommunicationRequest};
use crate::plugin::NonceParity;

/// Acceptor: the peer's request is due.
pub(super) struct AwaitRequest {
    keys: Arc<KeyRing>,
}

impl AwaitRequest {
    /// A peer has dialled us directly.
    pub(super) fn begin(flight: &mut Flight, now: Instant, keys: Arc<KeyRing>) -> Self {
        flight.enter_phase(now, Phase::PairingRequest);
        Self { keys }
    }

    /// A CommServer has handed a spare over; the phase goes on.
    pub(super) fn after_handover(keys: Arc<KeyRing>) -> Self {
        Self { keys }
    }

    pub(super) fn message(
        self,
        flight: &mut Flight,
        now: Instant,
        message: &Payload,
    ) -> Result<AwaitConnectorKey, Cause> {
        let request = CommunicationRequest::parse(message)?;
        let remote = request.source;
        let target = request.target.map_err(message::MessageError::from)?;
        flight.events.push_back(Event::PairingRequested { source: remote, target });
        let local = self.keys.find(&target).cloned();
        let verdict = match local {
            None => Err(Cause::NotOurKey(target)),
            Some(_) if !self.keys.wants(&remote, &target) => Err(Cause::Refused(remote)),
            Some(local) => Ok(local),
        };
        if verdict.is_ok() {
            flight.leave_phase(now, Outcome::Ok);
            flight.enter_phase(now, Phase::Handover);
        }
        // The reference answers before it looks whether the key is one of its own, and peers may count on the order.
        flight.send(now, Payload::text(message::COMMUNICATION_READY));
        let local = verdict?;
        flight.leave_phase(now, Outcome::Ok);
        flight.events.push_back(Event::HandoverComplete);
        flight.enter_phase(now, Phase::Encryption);
        Ok(AwaitConnectorKey { local, remote })
    }
}

/// Acceptor: the connector's temporary key is due.
pub(super) struct AwaitConnectorKey {
    local: KeyPair,
    remote: PublicKey,
}

impl AwaitConnectorKey {
    pub(super) fn message(self, flight: &mut Flight, now: Instant, message: &Payload) -> Result<(), Cause> {
        let long_term = SharedKey::between(self.local.secret(), &self.remote);
        let theirs = open_key(&long_term, message)?;
        let ours = KeyPair::generate(flight.entropy());
        let boxed = boxed::seal(&long_term, ours.public().as_bytes(), flight.entropy());
        flight.send(now, Payload::binary(boxed));
        flight.peers = Some(Peers { local: *self.local.public(), remote: self.remote });
        flight.encrypt(now, &SharedKey::between(ours.secret(), &theirs), NonceParity::Even)
    }
}

/// Connector: the acceptor's readiness is due.
pub(super) struct AwaitReady {
    connector: Connector,
}

impl AwaitReady {
    pub(super) fn begin(flight: &mut Flight, now: Instant, connector: Connector) -> Self {
        flight.enter_phase(now, Phase::PairingRequest);
        flight.send(now, message::communication_request(connector.local.public(), &connector.remote));
        flight.leave_phase(now, Outcome::Ok);
        flight.enter_phase(now, Phase::Handover);
        Self { connector }
    }

    pub(super) fn message(
        self,
        flight: &mut Flight,
        now: Instant,
        message: &Payload,
    ) -> Result<AwaitAcceptorKey, Cause> {
        message::expect_communication_ready(message)?;
        flight.leave_phase(now, Outcome::Ok);
        flight.events.push_back(Event::HandoverComplete);
        flight.enter_phase(now, Phase::Encryption);
        let long_term = SharedKey::between(self.connector.local.secret(), &self.connector.remote);
        let ours = KeyPair::generate(flight.entropy());
        let boxed = boxed::seal(&long_term, ours.public().as_bytes(), flight.entropy());
        flight.send(now, Payload::binary(boxed));
        Ok(AwaitAcceptorKey { connector: self.connector, long_term, ours })
    }
}

/// Connector: the acceptor's temporary key is due.
pub(super) struct AwaitAcceptorKey {
    connector: Connector,
    long_term: SharedKey,
    ours: KeyPair,
}

impl AwaitAcceptorKey {
    pub(super) fn message(self, flight: &mut Flight, now: Instant, message: &Payload) -> Result<(), Cause> {
        let theirs = open_key(&self.long_term, message)?;
        // The box would open as well if somebody sent our own one back: both directions use one long-term key.
        if theirs == *self.ours.public() {
            return Err(Cause::EphemeralKey { wrong_length: false });
        }
        flight.peers = Some(Peers { local: *self.connector.local.public(), remote: self.connector.remote });
        flight.encrypt(now, &SharedKey::between(self.ours.secret(), &theirs), NonceParity::Odd)
    }
}

/// Opens a box that holds a temporary public key.
fn open_key(long_term: &SharedKey, message: &Payload) -> Result<PublicKey, Cause> {
    let plain = boxed::open(long_term, Flight::binary(message)?)?;
    let bytes: [u8; KEY_LEN] = plain.try_into().map_err(|_| Cause::EphemeralKey { wrong_length: true })?;
    PublicKey::from_bytes(bytes).map_err(|_| Cause::EphemeralKey { wrong_length: false })
}
