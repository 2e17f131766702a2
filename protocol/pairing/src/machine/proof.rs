//! Both ends prove their person keys (`spec/one.md §2.8`): 64 random bytes go out boxed and come back bit-negated.

use ratatosk_protocol::crypto::SharedKey;
use ratatosk_protocol::crypto::boxed::OVERHEAD;
use ratatosk_protocol::crypto::challenge::{CHALLENGE_LEN, Challenge, respond};
use ratatosk_protocol::message::{MessageError, Payload};
use ratatosk_protocol::phase::Role;

use super::exchange::AwaitInstance;
use super::{Errand, Flight, Shown, State};
use crate::circle::{Circle, Known};
use crate::error::CompletionError;

/// Bytes of a challenge and of its answer on the wire.
const PROOF_LEN: usize = OVERHEAD + CHALLENGE_LEN;

/// The other end's challenge is due. An acceptor's peer is proven by now.
pub(super) struct AwaitChallenge {
    pub(super) errand: Errand,
    pub(super) shown: Shown,
    pub(super) shared: SharedKey,
}

impl AwaitChallenge {
    pub(super) fn message(
        self,
        flight: &mut Flight,
        message: &Payload,
        circle: &dyn Circle,
    ) -> Result<State, CompletionError> {
        let Self { errand, shown, shared } = self;
        let answer = respond(&shared, proof(message)?, flight.entropy.as_mut())?;
        flight.send(Payload::binary(answer));
        match flight.role {
            Role::Initiator => Ok(State::AwaitAnswer(AwaitAnswer::begin(flight, errand, shown, shared))),
            Role::Listener => proven(flight, errand, shown, circle),
        }
    }
}

/// Our challenge is out; its answer is due. An initiator has proven itself by now.
pub(super) struct AwaitAnswer {
    errand: Errand,
    shown: Shown,
    shared: SharedKey,
    challenge: Challenge,
}

impl AwaitAnswer {
    pub(super) fn begin(flight: &mut Flight, errand: Errand, shown: Shown, shared: SharedKey) -> Self {
        let (challenge, boxed) = Challenge::issue(&shared, flight.entropy.as_mut());
        flight.send(Payload::binary(boxed));
        Self { errand, shown, shared, challenge }
    }

    pub(super) fn message(
        self,
        flight: &mut Flight,
        message: &Payload,
        circle: &dyn Circle,
    ) -> Result<State, CompletionError> {
        let Self { errand, shown, shared, challenge } = self;
        if !challenge.accepts(&shared, proof(message)?)? {
            return Err(CompletionError::WrongProof);
        }
        match flight.role {
            Role::Listener => Ok(State::AwaitChallenge(AwaitChallenge { errand, shown, shared })),
            Role::Initiator => proven(flight, errand, shown, circle),
        }
    }
}

/// Insists on a binary message of the right length, so that nobody has other things negated by us.
fn proof(message: &Payload) -> Result<&[u8], CompletionError> {
    match message {
        Payload::Binary(data) if data.len() == PROOF_LEN => Ok(data),
        Payload::Binary(_) => Err(CompletionError::ProofLength),
        Payload::Text(_) => Err(MessageError::NotBinary.into()),
    }
}

/// Both keys are proven: now the other end is compared with what is on record. Not before, so that strangers learn nothing of it.
fn proven(flight: &mut Flight, errand: Errand, shown: Shown, circle: &dyn Circle) -> Result<State, CompletionError> {
    if matches!(errand, Errand::BePaired) && flight.ends.remote != shown.key {
        return Err(CompletionError::Unbound);
    }
    let known = known(flight, &shown, circle)?;
    Ok(State::AwaitInstance(AwaitInstance::begin(flight, errand, shown, known)))
}

fn known(flight: &Flight, shown: &Shown, circle: &dyn Circle) -> Result<Option<Known>, CompletionError> {
    let unavailable = |source| CompletionError::Unavailable { person: shown.person, source };
    let known = circle.expected(&flight.ends.local, &flight.ends.remote).map_err(unavailable)?;
    if known.is_some_and(|known| known.person != shown.person) {
        return Err(CompletionError::PersonMismatch);
    }
    let keys = circle.person_keys(&shown.person).map_err(unavailable)?;
    if !keys.is_empty() && !keys.contains(&shown.key) {
        return Err(CompletionError::KeyMismatch);
    }
    Ok(known)
}
