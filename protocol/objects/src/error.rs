//! Why an object could not be written or read.

use crate::recipe::is_name;

/// Why an object has no microdata. These are mistakes of the caller, or data of others that fits no recipe.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// There is no recipe of that name.
    #[error("no recipe for this type")]
    UnknownType(String),
    /// The recipe has no property that belongs to the identity, so there is no id object.
    #[error("objects of this type have no versions")]
    NotVersioned(String),
    /// A property without which the object is not complete.
    #[error("property {0} is missing")]
    Missing(String),
    /// Properties that the recipe does not have.
    #[error("a property that the recipe does not have")]
    Unknown(String),
    /// A value of another kind than the recipe says.
    #[error("property {property} should be {expected}, not {found}")]
    Kind {
        /// The property.
        property: String,
        /// What the recipe says.
        expected: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// A text that does not match the pattern, or a number with a fraction where none may be.
    #[error("property {0} has a value that its recipe does not allow")]
    Value(String),
    /// Two equal items in a set or two equal keys in a map.
    #[error("property {0} holds something twice")]
    Duplicate(String),
    /// A name that cannot stand in a tag.
    #[error("a name that cannot stand in microdata")]
    Name,
    /// Larger or deeper than [`crate::Limits::DEFAULT`]: no other peer would take it.
    #[error("larger than any object may be")]
    TooLarge,
}

/// Why a text is not microdata, or not that of a recipe, or not that of a typed object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// There is no recipe for this type. The object can be kept and passed on, not understood.
    #[error("no recipe for type {}", shown(.0))]
    UnknownType(String),
    /// An object of another type was expected.
    #[error("the type is {}, not {expected}", shown(.found))]
    OtherType {
        /// The type that was asked for.
        expected: &'static str,
        /// The type of the object.
        found: String,
    },
    /// More bytes, levels or values than the limits allow.
    #[error("{0} above the limit")]
    Limit(&'static str),
    /// Not what the writer would have written: at this byte something else was expected.
    #[error("not canonical microdata: expected {expected} at byte {at}")]
    Syntax {
        /// Where, in bytes from the start.
        at: usize,
        /// What should be there.
        expected: &'static str,
    },
    /// An object was expected, and this is an id object, or the other way round.
    #[error("an id object in place of an object, or the other way round")]
    IdObject,
    /// A property of a typed object is missing, or has a value that its type does not have.
    #[error("property {0} is missing or out of range")]
    Field(&'static str),
}

/// A name of somebody else, for messages.
fn shown(name: &str) -> &str {
    if is_name(name) { name } else { "(unprintable)" }
}
