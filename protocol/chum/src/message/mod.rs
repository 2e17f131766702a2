//! The messages of CHUM 8 as they stand on the wire (`spec/one.md §5`).

mod answer;
mod binary;
mod draft;
mod incoming;
mod loose;
mod outgoing;

pub use answer::{Answer, RemoteError};
pub use binary::{BINARY_HEAD_LEN, BinaryFrame};
pub(crate) use draft::read_draft;
pub use incoming::{Arguments, Invalid, Message, parse};
pub(crate) use outgoing::draft_request;
pub use outgoing::{
    answer_data, answer_error, answer_undefined, request, stream_chunk, stream_end, stream_error, write_stream_error,
};

/// What both sides send first, as plain text.
pub const SYNCHRONISATION: &str = "synchronisation";

/// The version of the protocol, the answer to service 1.
pub const PROTOCOL_VERSION: i64 = 8;

/// How `undefined` of JavaScript travels.
pub const UNDEFINED: &str = "$__undefined$";

/// The code of the error for a service that is not there, or not yet.
pub const UNKNOWN_SERVICE: &str = "UNKNOWN-SERVICE";

/// The largest number that JavaScript can count to: request numbers beyond it are not told apart.
pub const MAX_REQUEST_ID: i64 = (1 << 53) - 1;

/// What can be asked for, by its number (`spec/one.md §5`, table).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// 1: the version of the protocol.
    Version,
    /// 2: the roots that are shared with whoever asks.
    Roots,
    /// 3: tells the importer that there are new roots.
    NewRoot,
    /// 4: everything that an object needs.
    ObjectChildren,
    /// 5: everything that an id object needs.
    IdChildren,
    /// 6: an object.
    Object,
    /// 7: an id object.
    IdObject,
    /// 8: a BLOB, or a CLOB with the encoding `utf8`.
    Blob,
    /// 10: the importer is done.
    Fin,
    /// 100: a piece of a draft. No reference has it.
    Draft,
}

impl Service {
    /// The number on the wire.
    #[must_use]
    pub fn id(self) -> i64 {
        match self {
            Self::Version => 1,
            Self::Roots => 2,
            Self::NewRoot => 3,
            Self::ObjectChildren => 4,
            Self::IdChildren => 5,
            Self::Object => 6,
            Self::IdObject => 7,
            Self::Blob => 8,
            Self::Fin => 10,
            Self::Draft => 100,
        }
    }

    /// The service with this number. 9 is defined, but no peer serves it: it is unknown.
    #[must_use]
    pub fn of(id: i64) -> Option<Self> {
        Some(match id {
            1 => Self::Version,
            2 => Self::Roots,
            3 => Self::NewRoot,
            4 => Self::ObjectChildren,
            5 => Self::IdChildren,
            6 => Self::Object,
            7 => Self::IdObject,
            8 => Self::Blob,
            10 => Self::Fin,
            100 => Self::Draft,
            _ => return None,
        })
    }
}
