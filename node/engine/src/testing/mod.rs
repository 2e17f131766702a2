//! Models for tests: GGUF files of a few hundred kB that llama.cpp loads and that say what a test wants them to say, and
//! files that are broken in a way that a test names.
//!
//! Nothing here is meant to be fast or clever; no test may depend on more than what [`Tiny`] promises.

mod broken;
mod random;
mod script;
mod tiny;
mod vocabulary;
mod writer;

pub use self::broken::{Broken, broken_model};
pub use self::tiny::{CHATML, Tiny, tiny_model};
pub use self::writer::{Value, Writer};
