//! Language models for a node.
//!
//! [`Engine`] is what the rest of the node sees: a request goes in, a bounded stream of events comes out, and a queue says who
//! waits. Behind it may be a model on this machine or, one day, a provider elsewhere.

mod error;
mod generation;
pub mod gguf;
pub mod ipc;
pub mod local;
pub mod prompt;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod types;
pub mod worker;

pub use error::{EngineError, Wait};
pub use generation::{Generation, Outlet, generation, generation_with};
pub use types::{
    Busy, Description, Engine, Event, Finish, Place, Preset, Request, Role, Sampling, Turn, Usage, Waiting,
};
