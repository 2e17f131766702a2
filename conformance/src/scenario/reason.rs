//! The reasons for which a server may do something else than the recorded one.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What allows a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Rule {
    /// A row of the table in `spec/wire.md §10`: a defect that is mended.
    Mended,
    /// The first paragraph of `spec/wire.md §10`: reason texts are kept, unless they are accidents of the engine.
    EngineAccident,
    /// Nothing in `spec/wire.md`: what a relay allows before it knows its client, which no honest client reaches.
    RelayLimits,
    /// RFC 6455 asks for it, or leaves it open, and the recorded server's library does otherwise.
    WebSocket,
    /// Nothing in `spec/wire.md`: a local function of the recorded implementation that no byte on the wire depends on.
    NotOnTheWire,
    /// `spec/one.md §5` and `§6`: what the reference does not check.
    Unchecked,
    /// Nothing in `spec/wire.md`: a defect that its table does not have, mended in a way that every peer understands.
    Unlisted,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mended => "a row of §10",
            Self::EngineAccident => "JavaScript engine accident, §10 first paragraph",
            Self::WebSocket => "RFC 6455",
            Self::RelayLimits => "relay limits, no row of §10",
            Self::Unchecked => "spec/one.md: what the reference does not check",
            Self::Unlisted => "a mended defect, no row of §10",
            Self::NotOnTheWire => "no row of §10: a local function",
        })
    }
}

/// Why a difference is allowed, under one of the [`Rule`]s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Reason {
    /// Early data after the communication request is kept.
    EarlyData,
    /// A slow receiver slows its sender.
    BackPressure,
    /// One deadline from accept to registered or paired.
    RegistrationDeadline,
    /// Keys that are no keys are refused before a challenge is made.
    RegisterKeys,
    /// The whole request is validated before a spare is popped.
    SourceKey,
    /// A failed hand-over takes the next spare.
    DeadSpare,
    /// A spare whose requester has left goes back to the pool or is closed.
    RequesterLeft,
    /// Nothing is re-assembled after the hand-over.
    NoReassembly,
    /// Stopping closes everything.
    Stop,
    /// The text is an accident of the JavaScript engine.
    EngineAccident,
    /// Messages before authentication are capped at 4 KiB.
    EarlyCap,
    /// Of several pings the newest is answered.
    NewestPing,
    /// Upgrades need HTTP/1.1.
    OldHttp,
    /// Lengths of frames of 2^63 bytes and more are malformed, not too large.
    LengthSign,
    /// A listener never has more spares than it may.
    SpareLimit,
    /// A listener closes a spare that got an unexpected message.
    HalfDeadSpare,
    /// Each phase has its own deadline.
    PhaseDeadline,
    /// Nothing that an acceptor says is lost.
    SpeakFirst,
    /// Another answer of a local function that no peer sees.
    NotOnTheWire,
    /// A temporary key is refused whose shared secret is nobody's.
    TemporaryKey,
    /// A byte order mark hides no keyword.
    HiddenKeyword,
    /// Whoever does not prove who he is does not become a contact.
    Unproven,
    /// What a contact may not say is not taken, and the rest goes on.
    LyingContact,
    /// It is said of a message whether its author has signed it.
    VerifiedAuthor,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 24] = [
        Self::EarlyData,
        Self::BackPressure,
        Self::RegistrationDeadline,
        Self::RegisterKeys,
        Self::SourceKey,
        Self::DeadSpare,
        Self::RequesterLeft,
        Self::NoReassembly,
        Self::Stop,
        Self::EngineAccident,
        Self::EarlyCap,
        Self::NewestPing,
        Self::OldHttp,
        Self::LengthSign,
        Self::SpareLimit,
        Self::HalfDeadSpare,
        Self::PhaseDeadline,
        Self::SpeakFirst,
        Self::NotOnTheWire,
        Self::TemporaryKey,
        Self::HiddenKeyword,
        Self::Unproven,
        Self::LyingContact,
        Self::VerifiedAuthor,
    ];

    /// The word that stands for it in scenario files and lists of deviations.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::EarlyData => "early-data",
            Self::BackPressure => "back-pressure",
            Self::RegistrationDeadline => "registration-deadline",
            Self::RegisterKeys => "register-keys",
            Self::SourceKey => "source-key",
            Self::DeadSpare => "dead-spare",
            Self::RequesterLeft => "requester-left",
            Self::NoReassembly => "no-reassembly",
            Self::Stop => "stop",
            Self::EngineAccident => "engine-accident",
            Self::EarlyCap => "early-cap",
            Self::NewestPing => "newest-ping",
            Self::OldHttp => "old-http",
            Self::LengthSign => "length-sign",
            Self::SpareLimit => "spare-limit",
            Self::HalfDeadSpare => "half-dead-spare",
            Self::PhaseDeadline => "phase-deadline",
            Self::SpeakFirst => "speak-first",
            Self::TemporaryKey => "temporary-key",
            Self::HiddenKeyword => "hidden-keyword",
            Self::Unproven => "unproven",
            Self::LyingContact => "lying-contact",
            Self::VerifiedAuthor => "verified-author",
            Self::NotOnTheWire => "not-on-the-wire",
        }
    }

    /// The reason, mostly in the words of the specification.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::EarlyData => "early data is kept, bounded, delivered in order after the handover",
            Self::BackPressure => "reading from the sender stops while the receiver is slow",
            Self::RegistrationDeadline => "one deadline from accept to registered or paired",
            Self::RegisterKeys => "non-hex and low-order keys are refused with a clear reason, before a challenge",
            Self::SourceKey => "the whole request is validated before a spare is popped",
            Self::DeadSpare => "a failed hand-over takes the next spare; the requester notices nothing",
            Self::RequesterLeft => "the spare goes back to the pool (nothing was sent) or is closed",
            Self::NoReassembly => "frames are passed on as they arrive; nothing is re-assembled",
            Self::Stop => "drain, then close everything, within a deadline",
            Self::EngineAccident => {
                "what was recorded is how the engine words or orders it, and no rule of the protocol"
            }
            Self::EarlyCap => "messages before authentication at most 4 KiB",
            Self::NewestPing => "of several pings the newest alone may be answered (§5.5.3)",
            Self::OldHttp => "an upgrade needs HTTP/1.1 (§4.1)",
            Self::LengthSign => "the highest bit of a length has to be 0 (§5.2)",
            Self::SpareLimit => "the limit is never exceeded",
            Self::HalfDeadSpare => "the listener closes the spare, with a reason, and opens the next",
            Self::PhaseDeadline => "each phase has its own deadline",
            Self::SpeakFirst => "an acceptor speaks second, and a connector is ready before it sends its key",
            Self::TemporaryKey => "a temporary key of low order, or one that was sent back, is refused",
            Self::HiddenKeyword => "a text that a receiver would take for a keyword is marked, byte order mark or not",
            Self::Unproven => "whoever does not prove who he is does not become a contact, and is told so",
            Self::LyingContact => "what a contact may not say is not taken, and nothing else suffers from it",
            Self::VerifiedAuthor => "the signature of a message is verified",
            Self::NotOnTheWire => "no byte on the wire depends on what was recorded",
        }
    }

    /// What allows it.
    #[must_use]
    pub fn rule(self) -> Rule {
        match self {
            Self::EngineAccident => Rule::EngineAccident,
            Self::EarlyCap => Rule::RelayLimits,
            Self::NewestPing | Self::LengthSign | Self::OldHttp => Rule::WebSocket,
            Self::TemporaryKey | Self::HiddenKeyword => Rule::Unlisted,
            Self::Unproven | Self::LyingContact | Self::VerifiedAuthor => Rule::Unchecked,
            Self::NotOnTheWire => Rule::NotOnTheWire,
            Self::EarlyData
            | Self::BackPressure
            | Self::RegistrationDeadline
            | Self::RegisterKeys
            | Self::SourceKey
            | Self::DeadSpare
            | Self::RequesterLeft
            | Self::NoReassembly
            | Self::Stop
            | Self::SpareLimit
            | Self::HalfDeadSpare
            | Self::PhaseDeadline
            | Self::SpeakFirst => Rule::Mended,
        }
    }

    /// Finds a reason by its word.
    #[must_use]
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.id() == id)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule(), self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_is_the_same_in_every_file() {
        for reason in Reason::ALL {
            assert_eq!(Reason::from_id(reason.id()), Some(reason));
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.id());
        }
    }
}
