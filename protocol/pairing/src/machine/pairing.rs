//! Pairing proper: the token, and the identities both ways (`spec/one.md §3`).

use ratatosk_objects::InstanceId;
use ratatosk_protocol::close::CloseRequest;
use ratatosk_protocol::message::Payload;
use ratatosk_protocol::phase::Role;

use super::{Flight, Output, Paired, Shown, State};
use crate::circle::{Circle, Known};
use crate::error::CompletionError;
use crate::identity::Identity;
use crate::invitation::Token;
use crate::wire;

/// An acceptor waits for the token of one of its invitations.
pub(super) struct AwaitToken {
    pub(super) shown: Shown,
    pub(super) instance: InstanceId,
}

impl AwaitToken {
    pub(super) fn message(
        self,
        flight: &mut Flight,
        now: u64,
        message: &Payload,
        circle: &mut dyn Circle,
    ) -> Result<AwaitIdentity, CompletionError> {
        let token = wire::read_token(message)?;
        circle.redeem(&token, &flight.me.person(), now)?;
        flight.taken = Some(token.clone());
        flight.send(wire::identity(flight.me.identity()));
        Ok(AwaitIdentity { shown: self.shown, instance: self.instance, token })
    }
}

/// The other end's identity is due. The acceptor shows its own first.
pub(super) struct AwaitIdentity {
    pub(super) shown: Shown,
    pub(super) instance: InstanceId,
    pub(super) token: Token,
}

impl AwaitIdentity {
    pub(super) fn message(
        self,
        flight: &mut Flight,
        message: &Payload,
        circle: &mut dyn Circle,
    ) -> Result<State, CompletionError> {
        let Self { shown, instance, token } = self;
        let identity = wire::read_identity(message)?;
        check(&identity, &shown, instance, flight)?;
        check_instance_key(&identity, &shown, instance, flight, circle)?;
        if let Some(token) = flight.taken.take() {
            circle.settle(&token);
        }
        let paired = Paired { identity, person: shown.person, instance, role: flight.role, token };
        flight.outputs.push_back(Output::Paired(Box::new(paired)));
        if flight.role == Role::Initiator {
            flight.send(wire::identity(flight.me.identity()));
        }
        // Nothing acknowledges the last identity. The reference's acceptor leaves the close to the initiator; an initiator that does
        // not close would keep the connection, so ours closes too.
        flight.outputs.push_back(Output::Close(CloseRequest::Close(None)));
        Ok(State::Over)
    }
}

/// The identity has to be of the one who is there: everything of it that was seen before has to be the same.
fn check(identity: &Identity, shown: &Shown, instance: InstanceId, flight: &Flight) -> Result<(), CompletionError> {
    // The instance key of an acceptor is the one that was dialled. That of an initiator is not proven before it connects with it.
    let instance_key = match flight.role {
        Role::Initiator => flight.ends.remote,
        Role::Listener => identity.instance_key,
    };
    let checks = [
        (identity.email == shown.email, "person"),
        (identity.ids() == Ok((shown.person, instance)), "instance"),
        (identity.person_key == shown.key, "person key"),
        (identity.person_sign_key == shown.sign_key, "person sign key"),
        (identity.instance_key == instance_key, "instance key"),
    ];
    match checks.into_iter().find(|(same, _)| !same) {
        Some((_, what)) => Err(CompletionError::IdentityMismatch(what)),
        None => Ok(()),
    }
}

/// Nobody takes over the record of another instance, or ours, by naming its key.
fn check_instance_key(
    identity: &Identity,
    shown: &Shown,
    instance: InstanceId,
    flight: &Flight,
    circle: &dyn Circle,
) -> Result<(), CompletionError> {
    let ours = &flight.me.identity().instance_key;
    let unavailable = |source| CompletionError::Unavailable { person: shown.person, source };
    let known = circle.expected(ours, &identity.instance_key).map_err(unavailable)?;
    let this = Known { person: shown.person, instance };
    if identity.instance_key == *ours || known.is_some_and(|known| known != this) {
        return Err(CompletionError::IdentityMismatch("instance key"));
    }
    Ok(())
}
