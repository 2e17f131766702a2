//! What goes wrong in the model, in words for the person whose node it is.

use ratatosk_objects::{IdHash, ObjectHash, PersonId, ReadError, WriteError};
use ratatosk_store::Error as StoreError;

use super::home::HomeError;

/// Why something was not done. Nothing is half done: what failed has changed nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The folder of the node.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The database.
    #[error("the database: {0}")]
    Store(#[from] StoreError),
    /// Versions or a list could not be read or merged.
    #[error("versions: {0}")]
    Versions(#[from] ratatosk_versions::Error<StoreError>),
    /// An object of ours could not be made.
    #[error("cannot make an object: {0}")]
    Write(#[from] WriteError),
    /// An object in the database is not what it should be.
    #[error("object {hash} cannot be read: {error}")]
    Read {
        /// Which one.
        hash: ObjectHash,
        /// What is wrong with it.
        error: ReadError,
    },
    /// Something that others refer to is not in the database.
    #[error("object {0} is missing; run `ratatosk check`")]
    MissingObject(ObjectHash),
    /// The id object of something is not in the database.
    #[error("id object {0} is missing; run `ratatosk check`")]
    MissingId(IdHash),
    /// The database belongs to somebody else than the keys.
    #[error(
        "the database belongs to person {found}, the keys to person {expected}; somebody mixed the files of two homes"
    )]
    OtherPerson {
        /// Whose database it is.
        found: PersonId,
        /// Whose keys.
        expected: PersonId,
    },
    /// Pairing with the same e-mail.
    #[error(
        "this is you: the other device has your e-mail, and the e-mail alone says who somebody is; several devices of one person \
         cannot pair in this version"
    )]
    OwnPerson,
    /// A contact comes with other keys than before.
    #[error(
        "{person} is a contact already, with other keys than now ({what}); somebody else may use that e-mail. If you know that \
         they have begun anew: `ratatosk forget-keys`, then pair again"
    )]
    KeysChanged {
        /// Who.
        person: PersonId,
        /// Which key.
        what: &'static str,
    },
    /// A person that is not a contact.
    #[error("person {0} is not a contact")]
    UnknownContact(PersonId),
    /// A topic that does not exist here.
    #[error("there is no such topic")]
    UnknownTopic,
    /// A message that does not exist here.
    #[error("there is no such message or attachment")]
    UnknownMessage,
    /// A topic needs others.
    #[error("a topic needs at least one other person")]
    NobodyElse,
    /// More of something than there may be.
    #[error("{what}: more than {limit}")]
    TooMuch {
        /// Of what.
        what: &'static str,
        /// The limit, in bytes or in pieces.
        limit: usize,
    },
    /// A text that cannot be used.
    #[error("{what} is empty or has characters that cannot be shown")]
    Unusable {
        /// Which text.
        what: &'static str,
    },
    /// A number that cannot be used.
    #[error("{what}: from {least} to {most}")]
    OutOfRange {
        /// Which one.
        what: &'static str,
        /// The least.
        least: i64,
        /// The most.
        most: i64,
    },
    /// A short name that an AI cannot have.
    #[error("the short name of an AI has lower-case letters, digits and single hyphens between them, at most 32")]
    BadSlug,
    /// An AI of this short name is there.
    #[error("there is an AI called {0} already")]
    AgentExists(String),
    /// No AI of this short name is there.
    #[error("there is no AI called {0}")]
    UnknownAgent(String),
    /// The folder of an AI is gone.
    #[error(
        "the folder of {0} is gone, and with it its keys: nobody can speak as it any more; restore the folder from a backup, or \
         remove it and make a new one"
    )]
    AgentKeysLost(String),
    /// The removal of an AI did not end.
    #[error("{0} is being removed; `ratatosk doctor --repair` ends what was interrupted")]
    AgentRemoving(String),
    /// An AI that is in use.
    #[error("{0} is in use; stop it first")]
    AgentInUse(String),
    /// The node of an AI is asked for what only people have.
    #[error("this is the node of an AI; AIs belong to people, and have none of their own")]
    OfAgent,
    /// Somebody pairs as an AI of ours.
    #[error("the other side calls itself an AI of yours, and it is none; nothing was stored")]
    NotOurAgent,
    /// A file could not be read.
    #[error("the file cannot be read: {0}")]
    File(#[source] std::io::Error),
    /// What is kept of settings or invitations is not what was written.
    #[error("{0} cannot be read; run `ratatosk check`")]
    Setting(&'static str),
}
