//! What went wrong, and what to do about it.

use std::fmt;

use ratatosk_node::model::{HomeError, ModelError};
use ratatosk_node::service::ServiceError;

/// A problem, in words for whoever sits at the terminal.
#[derive(Debug)]
pub(super) struct Problem {
    what: String,
    /// What to do, if `what` does not say so already.
    help: Option<String>,
}

impl Problem {
    pub(super) fn new(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { what: what.into(), help: Some(help.into()) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, "\n  → {help}"))
    }
}

impl From<HomeError> for Problem {
    fn from(error: HomeError) -> Self {
        let help = match &error {
            HomeError::Missing(_) => Some("or name another folder with --dir"),
            HomeError::Busy(_) => Some("a chat that runs can invite and accept as well: /invite, /accept, /help"),
            HomeError::WrongPassphrase(_) => Some("try again; without the passphrase nobody can open it, you included"),
            _ => None,
        };
        Self { what: error.to_string(), help: help.map(str::to_owned) }
    }
}

impl From<ModelError> for Problem {
    fn from(error: ModelError) -> Self {
        match error {
            ModelError::Home(error) => error.into(),
            error => Self { what: error.to_string(), help: None },
        }
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        Self { what: error.to_string(), help: None }
    }
}
