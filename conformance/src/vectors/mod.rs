//! Test vectors: inputs and exact outputs that were generated with the reference, replayed against any codec.
//!
//! A codec is whatever can do the operations of [`Op`]: [`Ratatosk`] here, or a program in another language behind a
//! [`Pipe`]. The files lie in `conformance/vectors`; `README.md` there describes them.
//!
//! Nothing of the protocol is implemented in this room; it asks, compares and counts.

mod file;
mod known;
mod objects;
mod op;
mod outcome;
mod pipe;
mod ratatosk;
mod recipe;
mod recipes;
mod replay;
mod serve;
mod surrogates;

pub use file::{Case, FileError, Group, Step, VectorFile};
pub use known::{Deviation, Known, Rule, Surprise};
pub use op::{Answer, CheckKind, Event, Happening, Hex, Layer, Message, Op, Parity, PluginSpec};
pub use outcome::{Judge, implementation, run};
pub use pipe::Pipe;
pub use ratatosk::{MakePlugin, Ratatosk, native_plugin};
pub use recipe::RecipeError;
pub use replay::{Codec, CodecError, Difference, FileReport, ReplayError, replay};
pub use serve::serve;

/// Most bytes of a line between this program and a codec in another process, in either direction, without its end.
pub const MAX_LINE: usize = 8 << 20;
