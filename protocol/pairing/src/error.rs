//! What goes wrong in phase 6, whose fault it is, and what the other end is told.

use ratatosk_objects::PersonId;
use ratatosk_protocol::close::CloseRequest;
use ratatosk_protocol::connection::Fault;
use ratatosk_protocol::crypto::BoxError;
use ratatosk_protocol::message::MessageError;
use ratatosk_protocol::phase::Outcome;

use crate::circle::{Refusal, Unavailable};

/// Why a connection did not come through phase 6.
///
/// `Display` gives the reference's text where it has one. The reference leaves a connection open after some of these errors; this
/// end closes after all of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CompletionError {
    /// Another message than the one that was due.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// The initiator wants a protocol that this end does not have. Said before anything of this end is shown. The name is the
    /// other end's, cut to the length of a reason.
    #[error("ConnectionRoutesGroupName {0} not supported")]
    UnsupportedGroup(String),
    /// The keys object names another person than the person object.
    #[error("EP-KEYS-OWNER-MISMATCH: Received keys object does not belong to the transmitted person id object")]
    OwnerMismatch,
    /// The person key is none: wrong length, or a low-order point, which proves nothing.
    #[error("CYENC-ENSPUB: Data is not a public key")]
    UnusableKey,
    /// A challenge, or the answer to one, does not have the length of one.
    #[error("Received a key proof that does not have 104 bytes.")]
    ProofLength,
    /// A challenge, or the answer to one, does not open with the person keys.
    #[error(transparent)]
    Proof(#[from] BoxError),
    /// The answer to the challenge is wrong.
    #[error("Failed to authenticate connection.")]
    WrongProof,
    /// The other end shows our own person: somebody reflects what we send, or uses our email address.
    #[error("The person id is the one of this end.")]
    Ourselves,
    /// Another person than the one on record for this pair of keys.
    #[error("EP-PERSONIDMISMATCH: The person id does not match the one we have on record.")]
    PersonMismatch,
    /// None of the keys that are on record for the person.
    #[error("EP-KEYMISSMATCH: Key does not match your previous visit")]
    KeyMismatch,
    /// The records could not be read.
    #[error("EP-KEYFAILED: Failed to load keys object for person {person}")]
    Unavailable {
        /// Whose.
        person: PersonId,
        /// Why, for a log.
        source: Unavailable,
    },
    /// Another instance than the one on record for this pair of keys.
    #[error(
        "The instance id we have on record for your specified public key does not match the instance id that you sent us."
    )]
    InstanceMismatch,
    /// The instance object names another owner than the person.
    #[error("Received instance id object does not belong to the transmitted person id object")]
    InstanceOwnerMismatch,
    /// Somebody wants to synchronise who is no contact of ours.
    #[error("Unable to start chum because you are unknown")]
    Unknown,
    /// We have dialled somebody who is no contact of ours.
    #[error("Locally initiated connections should never be unknown.")]
    DialledUnknown,
    /// The invitation does not exist: never, or not any more.
    #[error("Authentication token is not existing.")]
    TokenNotExisting,
    /// The invitation was made by another person of this end.
    #[error("The authentication token was not generated for the requested person.")]
    TokenOfOther,
    /// Pairing over a connection that was made with another key than the proven person key: the proof may be somebody else's.
    #[error("The connection was not made with the person key that was proven.")]
    Unbound,
    /// The identity differs from what was shown or proven on this connection.
    #[error("The {0} of the identity is not the one of this connection.")]
    IdentityMismatch(&'static str),
    /// The other end closed in the middle.
    #[error("The connection was closed.")]
    Closed,
}

impl CompletionError {
    /// Whose fault it is.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Unavailable { .. } | Self::DialledUnknown | Self::Unknown | Self::UnsupportedGroup(_) => Fault::Local,
            Self::TokenNotExisting | Self::TokenOfOther => Fault::Local,
            Self::Closed => Fault::PeerClosed,
            _ => Fault::PeerMisbehaved,
        }
    }

    /// How the phase ended.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::UnsupportedGroup(_)
            | Self::Ourselves
            | Self::PersonMismatch
            | Self::KeyMismatch
            | Self::InstanceMismatch
            | Self::Unknown
            | Self::TokenNotExisting
            | Self::TokenOfOther
            | Self::Closed => Outcome::Rejected,
            _ => Outcome::Error,
        }
    }

    /// What the other end is told. The reference's initiator prints no class in front of what goes wrong once both ends are
    /// verified (`pairs`), and says nothing at all about a wrong proof.
    #[must_use]
    pub(crate) fn close_request(&self, pairs: bool) -> CloseRequest {
        match self {
            Self::WrongProof | Self::Closed => CloseRequest::Close(None),
            Self::Message(error) if !pairs => CloseRequest::because(error.client_text()),
            _ if pairs => CloseRequest::because(self.to_string()),
            _ => CloseRequest::because(format!("Error: {self}")),
        }
    }
}

impl From<Refusal> for CompletionError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotExisting => Self::TokenNotExisting,
            Refusal::OtherPerson => Self::TokenOfOther,
        }
    }
}
