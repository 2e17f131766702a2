//! What went wrong, what that means, and what to do about it.

use std::fmt;

use ratatosk_node::backup::BackupError;
use ratatosk_node::client::ClientError;
use ratatosk_node::daemon::Failure;
use ratatosk_node::daemon::config::ConfigError;
use ratatosk_node::model::{HomeError, ModelError};
use ratatosk_node::service::ServiceError;

use super::text;

/// A problem, in words for whoever sits at the terminal. It is safe to be shown.
#[derive(Debug)]
pub(super) struct Problem {
    what: String,
    /// What that means, if `what` does not say so already.
    meaning: Option<String>,
    /// What to do, if `what` does not say so already.
    help: Option<String>,
}

impl Problem {
    pub(super) fn new(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { what: what.into(), meaning: None, help: Some(help.into()) }
    }

    /// The same, with what it means.
    pub(super) fn meaning(self, meaning: impl Into<String>) -> Self {
        Self { meaning: Some(meaning.into()), ..self }
    }

    /// The same, with something else to do.
    pub(super) fn help(self, help: &str) -> Self {
        Self { help: Some(help.to_owned()), ..self }
    }

    /// The same, with what to do unless it says so already.
    pub(super) fn or_help(self, help: &str) -> Self {
        Self { help: self.help.or_else(|| Some(help.to_owned())), ..self }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        self.meaning.as_ref().map_or(Ok(()), |meaning| write!(f, "\n  {meaning}"))?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, "\n  → {help}"))
    }
}

impl From<HomeError> for Problem {
    fn from(error: HomeError) -> Self {
        let help = match &error {
            HomeError::Missing(_) => Some("or name another folder with --dir"),
            HomeError::Busy(_) => Some("if that is a node that starts or ends just now, try again"),
            HomeError::WrongPassphrase(_) => Some("try again; without the passphrase nobody can open it, you included"),
            _ => None,
        };
        Self { what: text::line(&error.to_string()), meaning: None, help: help.map(str::to_owned) }
    }
}

impl From<ModelError> for Problem {
    fn from(error: ModelError) -> Self {
        match error {
            ModelError::Home(error) => error.into(),
            error => Self { what: text::line(&error.to_string()), meaning: None, help: None },
        }
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        Self { what: text::line(&error.to_string()), meaning: None, help: None }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let help = (!failure.help.is_empty()).then(|| text::line(&failure.help));
        Self { what: text::line(&failure.message), meaning: None, help }
    }
}

impl From<BackupError> for Problem {
    fn from(error: BackupError) -> Self {
        let help = text::line(error.help());
        Self { what: text::line(&error.to_string()), meaning: None, help: (!help.is_empty()).then_some(help) }
    }
}

impl From<ConfigError> for Problem {
    fn from(error: ConfigError) -> Self {
        Self::new(error.to_string(), "mend the file; `ratatosk serve --print-config` shows all settings")
    }
}

impl From<ClientError> for Problem {
    fn from(error: ClientError) -> Self {
        let what = text::line(&error.to_string());
        let (meaning, help) = match error {
            ClientError::Refused { help, .. } => {
                (None, help.filter(|help| !help.is_empty()).map(|help| text::line(&help)))
            }
            ClientError::Gone(_) => (
                Some("it has been stopped, or has ended by itself; what was said is kept".to_owned()),
                Some("start it again: ratatosk serve".to_owned()),
            ),
            ClientError::Silent => (None, Some("look at what it does: ratatosk status".to_owned())),
            ClientError::Answer(_) => (
                Some("the program that runs may be of another version".to_owned()),
                Some("restart ratatosk serve".to_owned()),
            ),
            _ => (None, None),
        };
        Self { what, meaning, help }
    }
}
