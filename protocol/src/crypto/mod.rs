//! The NaCl constructions that the protocol uses. No IO, no randomness of its own.

pub mod boxed;
pub mod challenge;
mod shared;

pub use boxed::BoxError;
pub use shared::{SharedKey, TAG_LEN};
