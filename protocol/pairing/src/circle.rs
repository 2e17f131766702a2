//! What the machine asks whoever keeps contacts and invitations.

use ratatosk_objects::{InstanceId, PersonId};
use ratatosk_protocol::key::PublicKey;

use crate::invitation::Token;

/// Who stands behind a pair of instance keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The person.
    pub person: PersonId,
    /// The instance.
    pub instance: InstanceId,
}

/// The contacts could not be read; the text says why, for a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unavailable(pub String);

/// The people that this end knows.
pub trait Acquaintances {
    /// The encryption keys that the stored endpoints of a person name. None means that the person is new.
    ///
    /// # Errors
    ///
    /// [`Unavailable`]: then nobody is let in.
    fn person_keys(&self, person: &PersonId) -> Result<Vec<PublicKey>, Unavailable>;

    /// Who is on record for a connection between our instance key `local` and the instance key `remote`.
    ///
    /// # Errors
    ///
    /// [`Unavailable`]: then nobody is let in.
    fn expected(&self, local: &PublicKey, remote: &PublicKey) -> Result<Option<Known>, Unavailable>;
}

/// Why a token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such invitation, or not any more: it has expired, or it is used.
    NotExisting,
    /// The invitation was made by another person of this end.
    OtherPerson,
}

/// The invitations that are open.
pub trait Invitations {
    /// Takes an invitation that `addressed`, the person of this end, has made. From now on nobody else can take it.
    /// `now` is in milliseconds of Unix time.
    ///
    /// # Errors
    ///
    /// [`Refusal`].
    fn redeem(&mut self, token: &Token, addressed: &PersonId, now: u64) -> Result<(), Refusal>;

    /// The taken invitation has led to a contact: it is used up.
    fn settle(&mut self, token: &Token);

    /// The taken invitation has led to nothing: it can be taken again while it lives.
    fn release(&mut self, token: &Token);
}

/// Both, as the machine wants them.
pub trait Circle: Acquaintances + Invitations {}

impl<T: Acquaintances + Invitations> Circle for T {}
