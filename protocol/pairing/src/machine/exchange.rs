//! Group, sync, and the objects that name person and instance (`spec/one.md §2.6, §2.7, §2.9`).

use ratatosk_objects::PersonId;
use ratatosk_protocol::crypto::SharedKey;
use ratatosk_protocol::message::{MessageError, Payload};
use ratatosk_protocol::phase::Role;

use super::pairing::{AwaitIdentity, AwaitToken};
use super::proof::{AwaitAnswer, AwaitChallenge};
use super::{Errand, Flight, Group, Output, Purpose, Shown, State, Verified};
use crate::circle::Known;
use crate::error::CompletionError;
use crate::ids::{instance_id, person_id};
use crate::wire;

/// An acceptor waits for the initiator to say what it wants.
pub(super) struct AwaitGroup;

impl AwaitGroup {
    pub(super) fn message(self, flight: &mut Flight, message: &Payload) -> Result<AwaitPerson, CompletionError> {
        let name = wire::read_group(message)?;
        let errand = if name == Group::Pairing.name() {
            Errand::BePaired
        } else if name == Group::Chum.name() {
            Errand::Chum
        } else {
            return Err(CompletionError::UnsupportedGroup(name));
        };
        flight.send(wire::sync());
        Ok(AwaitPerson::begin(flight, errand))
    }
}

/// An initiator has said what it wants and waits for the acceptor to agree.
pub(super) struct AwaitSync {
    errand: Errand,
}

impl AwaitSync {
    pub(super) fn begin(flight: &mut Flight, purpose: Purpose) -> Self {
        let (group, errand) = match purpose {
            Purpose::Pair(token) => (Group::Pairing, Errand::Pair(token)),
            Purpose::Chum => (Group::Chum, Errand::Chum),
        };
        flight.send(wire::group(group.name()));
        Self { errand }
    }

    pub(super) fn message(self, flight: &mut Flight, message: &Payload) -> Result<AwaitPerson, CompletionError> {
        wire::read_sync(message)?;
        Ok(AwaitPerson::begin(flight, self.errand))
    }
}

/// Our person is shown; the other's is due.
pub(super) struct AwaitPerson {
    errand: Errand,
}

impl AwaitPerson {
    fn begin(flight: &mut Flight, errand: Errand) -> Self {
        flight.send(wire::person(flight.me.identity()));
        Self { errand }
    }

    pub(super) fn message(self, flight: &mut Flight, message: &Payload) -> Result<AwaitKeys, CompletionError> {
        let email = wire::read_person(message)?;
        let person = person_id(&email).map_err(|_| MessageError::FieldMismatch { expected: wire::PERSON })?;
        // The reference lets further instances of its own person in here. Ours has one, and the proof of our own key could be
        // made by ourselves, on another connection.
        if person == flight.me.person() {
            return Err(CompletionError::Ourselves);
        }
        flight.send(wire::keys(&flight.me));
        Ok(AwaitKeys { errand: self.errand, person, email })
    }
}

/// Our keys are shown; the other's are due.
pub(super) struct AwaitKeys {
    errand: Errand,
    person: PersonId,
    email: String,
}

impl AwaitKeys {
    /// The initiator proves its key first.
    pub(super) fn message(self, flight: &mut Flight, message: &Payload) -> Result<State, CompletionError> {
        let keys = wire::read_keys(message)?;
        if keys.owner != self.person.to_string() {
            return Err(CompletionError::OwnerMismatch);
        }
        let key = keys.key.map_err(|_| CompletionError::UnusableKey)?;
        let shared = SharedKey::between(flight.me.secret(), &key);
        let shown = Shown { person: self.person, email: self.email, key, sign_key: keys.sign_key };
        Ok(match flight.role {
            Role::Initiator => State::AwaitChallenge(AwaitChallenge { errand: self.errand, shown, shared }),
            Role::Listener => State::AwaitAnswer(AwaitAnswer::begin(flight, self.errand, shown, shared)),
        })
    }
}

/// Both keys are proven; the other's instance is due.
pub(super) struct AwaitInstance {
    errand: Errand,
    shown: Shown,
    known: Option<Known>,
}

impl AwaitInstance {
    pub(super) fn begin(flight: &mut Flight, errand: Errand, shown: Shown, known: Option<Known>) -> Self {
        flight.send(wire::instance(&flight.me));
        Self { errand, shown, known }
    }

    pub(super) fn message(self, flight: &mut Flight, message: &Payload) -> Result<State, CompletionError> {
        let Self { errand, shown, known } = self;
        let object = wire::read_instance(message)?;
        if object.owner != shown.person.to_string() {
            return Err(CompletionError::InstanceOwnerMismatch);
        }
        let instance = instance_id(&object.name, shown.person)
            .map_err(|_| MessageError::FieldMismatch { expected: wire::INSTANCE })?;
        if known.is_some_and(|known| known.instance != instance) {
            return Err(CompletionError::InstanceMismatch);
        }
        match errand {
            Errand::BePaired => {
                flight.pairs = true;
                Ok(State::AwaitToken(AwaitToken { shown, instance }))
            }
            Errand::Pair(token) => {
                flight.pairs = true;
                flight.send(wire::token(&token));
                Ok(State::AwaitIdentity(AwaitIdentity { shown, instance, token }))
            }
            // Said as late as the reference says it: one that hears it before `sync` does not try again.
            Errand::Chum if known.is_none() => Err(match flight.role {
                Role::Listener => CompletionError::Unknown,
                Role::Initiator => CompletionError::DialledUnknown,
            }),
            Errand::Chum => {
                let Shown { person, key: person_key, .. } = shown;
                let verified = Verified { person, instance, person_key, group: Group::Chum };
                flight.outputs.push_back(Output::Verified(verified));
                Ok(State::Over)
            }
        }
    }
}
