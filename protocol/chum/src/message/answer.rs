//! What an answer carries.

use std::fmt;

use super::UNKNOWN_SERVICE;

/// The longest piece of a remote error that is kept, in bytes.
const MAX_KEPT: usize = 200;

/// The data of an answer. Nothing that a peer of this version answers is anything else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A text: microdata, or a list as JSON.
    Text(String),
    /// A whole number: the version.
    Number(i64),
    /// `undefined`, or no data at all.
    Undefined,
    /// Anything else.
    Other,
}

/// An error that the other side answers with. Bounded, and escaped when shown.
#[derive(Clone, PartialEq, Eq)]
pub struct RemoteError {
    /// The stable part, for instance `CES-GO1`; empty if there is none.
    pub code: String,
    /// What it means, for people.
    pub message: String,
}

impl RemoteError {
    /// An error with these texts, cut to a bounded length.
    #[must_use]
    pub fn new(code: &str, message: &str) -> Self {
        Self { code: cut(code), message: cut(message) }
    }

    /// Whether the service is not there (yet).
    #[must_use]
    pub fn is_unknown_service(&self) -> bool {
        self.code == UNKNOWN_SERVICE
    }
}

impl fmt::Debug for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message.escape_debug(), self.code.escape_debug())
    }
}

fn cut(text: &str) -> String {
    let end = text.char_indices().map(|(at, _)| at).take_while(|at| *at <= MAX_KEPT).last().unwrap_or(0);
    if text.len() <= MAX_KEPT { text.to_owned() } else { text.get(..end).unwrap_or_default().to_owned() }
}
