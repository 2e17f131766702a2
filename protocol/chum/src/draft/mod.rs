//! Drafts: what somebody is writing at this moment, for whoever looks on (service 100, which only this implementation has).
//!
//! A draft is nobody's word: it is not signed, not stored, and gone with the connection. The message that follows replaces it. A peer that
//! does not know the service answers with an error, and gets nothing more of it on that connection.
//!
//! On the wire a request has the arguments `[topic, answer, offset, text, state]`: the id of the topic, the id of the answer in hex, how
//! many bytes of the draft come before `text`, and `writing`, `done`, `failed` or `cancelled`; the answer is `true`. A draft goes on where
//! it ended, or begins anew at 0. Of each topic only one request is under way, and what is written meanwhile is joined, so a slow peer gets
//! fewer and longer pieces, not more of them. Pieces go out only when there is nothing else to send.

mod exchange;
mod inbox;
mod outbox;

use std::fmt;
use std::str::FromStr;

pub(crate) use self::exchange::Drafts;
pub use self::outbox::Outbox;

/// The longest draft, in bytes.
pub const MAX_DRAFT: usize = 256 * 1024;
/// Drafts of one side of a connection at a time.
pub const MAX_DRAFTS: usize = 16;
/// The longest id of a topic, in bytes. One that names 64 persons has 4321.
pub const MAX_TOPIC: usize = 4608;
/// The longest piece that is sent, in bytes.
pub const MAX_PIECE: usize = 8 * 1024;

/// Tells the answers of one author apart: random.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AnswerId([u8; 16]);

impl AnswerId {
    /// An id of random bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for AnswerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for AnswerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// No id of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not 32 hex digits")]
pub struct InvalidAnswerId;

impl FromStr for AnswerId {
    type Err = InvalidAnswerId;

    fn from_str(text: &str) -> Result<Self, InvalidAnswerId> {
        let is_hex = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let number = u128::from_str_radix(text, 16).ok().filter(|_| is_hex).ok_or(InvalidAnswerId)?;
        Ok(Self(number.to_be_bytes()))
    }
}

/// How a draft stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DraftState {
    /// More is to come.
    Writing,
    /// All is written; the message follows.
    Done,
    /// It failed.
    Failed,
    /// Somebody has stopped it.
    Cancelled,
}

impl DraftState {
    /// As it stands on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Writing => "writing",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of this name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        [Self::Writing, Self::Done, Self::Failed, Self::Cancelled].into_iter().find(|state| state.name() == name)
    }

    /// Whether nothing comes after this.
    #[must_use]
    pub fn is_final(self) -> bool {
        self != Self::Writing
    }
}

/// A piece of a draft.
#[derive(Clone, PartialEq, Eq)]
pub struct Draft {
    /// The id of the topic.
    pub topic: String,
    /// Which answer.
    pub answer: AnswerId,
    /// Bytes of the draft before this piece: all there were, or 0 if it begins anew.
    pub offset: u64,
    /// What comes there. Text of the other end: not to be shown unescaped.
    pub text: String,
    /// How the draft stands after this piece.
    pub state: DraftState,
}

impl Draft {
    /// Where the draft ends with this piece.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.offset.saturating_add(self.text.len() as u64)
    }

    fn is_of(&self, other: &Self) -> bool {
        self.answer == other.answer && self.topic == other.topic
    }
}

/// Without the text: logs are no place for what people write.
impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { answer, offset, text, state, .. } = self;
        write!(f, "draft {answer} {offset}+{} {}", text.len(), state.name())
    }
}
