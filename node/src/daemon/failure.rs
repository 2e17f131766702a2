//! Why something could not be done, for programs and for people.

use crate::model::{HomeError, ModelError};
use crate::models::CatalogueError;
use crate::service::ServiceError;

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What was asked for cannot be.
    Invalid,
    /// It does not exist here.
    NotFound,
    /// It does not fit what is there.
    Conflict,
    /// Too much at a time.
    Busy,
    /// Something that it needs is not there: a CommServer, the other end.
    Unavailable,
    /// It took too long.
    TimedOut,
    /// Something broke here.
    Failed,
}

/// Why something could not be done. Texts of other ends are escaped in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What kind.
    pub kind: Kind,
    /// What happened, for a person.
    pub message: String,
    /// What to do about it; empty if there is nothing to say.
    pub help: String,
}

impl Failure {
    /// A failure.
    pub fn new(kind: Kind, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { kind, message: message.into(), help: help.into() }
    }

    /// Something that was asked for and cannot be.
    pub fn invalid(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, message, help)
    }

    /// Something that does not exist here.
    pub fn not_found(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(Kind::NotFound, message, help)
    }

    /// Something of ours that broke.
    pub fn broken(error: impl std::fmt::Display) -> Self {
        Self::new(Kind::Failed, error.to_string(), "look into the log; `ratatosk doctor` examines the node")
    }
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        let message = error.to_string();
        match error {
            ModelError::Home(error) => error.into(),
            ModelError::UnknownContact(_) => Self::not_found(message, "GET /v1/contacts lists all that there are"),
            ModelError::UnknownTopic => Self::not_found(message, "GET /v1/topics lists all that there are"),
            ModelError::UnknownMessage => Self::not_found(message, "files come after their message; try again later"),
            ModelError::UnknownAgent(_) => Self::not_found(message, "`ratatosk agent list` lists all that there are"),
            ModelError::BadSlug => {
                Self::invalid(message, "take one like `my-helper`; the name that people see can be any (--title)")
            }
            ModelError::OutOfRange { .. } | ModelError::OfAgent => Self::invalid(message, ""),
            ModelError::AgentExists(_) => Self::new(Kind::Conflict, message, "give it another short name"),
            ModelError::AgentInUse(_) | ModelError::AgentRemoving(_) => {
                Self::new(Kind::Conflict, message, "try again in a moment")
            }
            ModelError::AgentKeysLost(_) => {
                Self::new(Kind::Failed, message, "restore a backup, or remove it: `ratatosk agent remove`")
            }
            ModelError::NobodyElse | ModelError::TooMuch { .. } | ModelError::Unusable { .. } => {
                Self::invalid(message, "")
            }
            ModelError::KeysChanged { .. } | ModelError::OwnPerson => Self::new(Kind::Conflict, message, ""),
            ModelError::File(_) => Self::new(Kind::Failed, message, ""),
            _ => Self::broken(message),
        }
    }
}

impl From<CatalogueError> for Failure {
    fn from(error: CatalogueError) -> Self {
        let kind = match &error {
            CatalogueError::Unknown { .. } => Kind::NotFound,
            CatalogueError::Exists { .. } | CatalogueError::InUse { .. } => Kind::Conflict,
            CatalogueError::Facts { .. } => Kind::Failed,
            _ => Kind::Invalid,
        };
        Self::new(kind, error.to_string(), error.help())
    }
}

impl From<HomeError> for Failure {
    fn from(error: HomeError) -> Self {
        let kind = match &error {
            HomeError::Missing(_) => Kind::NotFound,
            HomeError::Exists(_) | HomeError::Busy(_) => Kind::Conflict,
            HomeError::WrongPassphrase(_) | HomeError::Refused { .. } => Kind::Invalid,
            _ => Kind::Failed,
        };
        Self::new(kind, error.to_string(), "")
    }
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        let message = error.to_string();
        match error {
            ServiceError::Storage(error) => error.into(),
            ServiceError::Address(_) => Self::invalid(message, "a CommServer's address is like wss://host"),
            ServiceError::Invitations(_) => {
                Self::new(Kind::Busy, message, "invitations that nobody uses expire by themselves")
            }
            ServiceError::NotPaired(_) => {
                // What both ends say then (`spec/one.md §2`).
                let help = if message.contains("EP-KEYMISSMATCH") {
                    "one of you has begun anew; the other one knows the keys of before: `ratatosk forget-keys`, then pair again"
                } else {
                    "an invitation is good once, and for a short time"
                };
                Self::new(Kind::Unavailable, format!("this invitation led to nothing: {message}"), help)
            }
            ServiceError::Stopped => Self::new(Kind::Unavailable, message, ""),
            _ => Self::broken(message),
        }
    }
}
