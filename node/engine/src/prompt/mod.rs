//! How a conversation becomes a prompt: the template that a model carries, with the contents kept apart from it.
//!
//! A template is a program of whoever made the file, and contents are what anybody may write. So a template never sees
//! contents: it is rendered with sentinels in their place, and the result is cut into [`Piece`]s. Only pieces of the
//! template may become control tokens; whoever turns pieces into tokens has to keep to that.
//!
//! The steps of a template and what it writes are bounded. The memory of its variables is not, because the engine that runs it
//! cannot: it belongs into a process that may end, as the worker is one.

mod environment;
mod fit;
mod render;
mod sentinel;
mod shape;
mod template;

pub use self::fit::{Fitted, fit};
pub use self::sentinel::Piece;
pub use self::template::Template;

#[cfg(test)]
mod tests;
