//! What travels through the stack, as a plugin sees it.

use crate::abi;

/// Which way an event travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the socket to the application.
    Incoming,
    /// From the application to the socket.
    Outgoing,
}

/// What an event is. Its data is described at the number of the same name in [`abi`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A text message: valid UTF-8, in both directions.
    Text,
    /// A binary message.
    Binary,
    /// The connection is open.
    Opened,
    /// The connection is closed.
    Closed,
    /// Close the connection.
    Close,
    /// A line about the connection, for its timeline and the log. Emitted only.
    Note,
}

impl Direction {
    /// Its number in the ABI.
    #[must_use]
    pub const fn code(self) -> u32 {
        match self {
            Self::Incoming => abi::INCOMING,
            Self::Outgoing => abi::OUTGOING,
        }
    }

    /// The direction of a number.
    #[must_use]
    pub const fn from_code(code: u32) -> Option<Self> {
        match code {
            abi::INCOMING => Some(Self::Incoming),
            abi::OUTGOING => Some(Self::Outgoing),
            _ => None,
        }
    }
}

impl Kind {
    /// Its number in the ABI.
    #[must_use]
    pub const fn code(self) -> u32 {
        match self {
            Self::Text => abi::TEXT,
            Self::Binary => abi::BINARY,
            Self::Opened => abi::OPENED,
            Self::Closed => abi::CLOSED,
            Self::Close => abi::CLOSE,
            Self::Note => abi::NOTE,
        }
    }

    /// The kind of a number. `None` for kinds that a newer host may have; they pass every plugin.
    #[must_use]
    pub const fn from_code(code: u32) -> Option<Self> {
        match code {
            abi::TEXT => Some(Self::Text),
            abi::BINARY => Some(Self::Binary),
            abi::OPENED => Some(Self::Opened),
            abi::CLOSED => Some(Self::Closed),
            abi::CLOSE => Some(Self::Close),
            abi::NOTE => Some(Self::Note),
            _ => None,
        }
    }
}

/// Data of the kind [`Kind::Close`].
pub mod close {
    use crate::abi;

    /// `Close called: ` and the text.
    #[must_use]
    pub fn because(text: &str) -> Vec<u8> {
        [&[abi::CLOSE_BECAUSE], text.as_bytes()].concat()
    }

    /// `Terminate called: ` and the text: a timer gives up.
    #[must_use]
    pub fn terminate(text: &str) -> Vec<u8> {
        [&[abi::CLOSE_TERMINATE], text.as_bytes()].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_belong_together() {
        for code in 0..10 {
            assert!(Direction::from_code(code).is_none_or(|direction| direction.code() == code));
            assert!(Kind::from_code(code).is_none_or(|kind| kind.code() == code));
        }
        assert_eq!((0..10).filter_map(Kind::from_code).count(), 6);
    }
}
