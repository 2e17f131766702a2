//! Runs plugins in the connection stack of `ratatosk-protocol`.
//!
//! A plugin is a WebAssembly module, held in check by wasmtime. It stands in a [`Stack`](ratatosk_protocol::plugin::Stack) like
//! any other plugin. The ABI is described in `plugins/README.md`.
//!
//! | Part | What it does |
//! | --- | --- |
//! | [`PluginHost`] | the engine, its clock, and the limits that all modules share |
//! | [`Manifest`] | what is said about a module, and which bytes are meant |
//! | [`Module`] | a module, compiled once, and the instances that run it |
//! | [`WasmPlugin`] | one connection's plugin in such an instance |
//! | [`Choices`] | which plugins the connections of a program have, and in which form: `plugins.toml` |
//! | [`PluginSet`] | makes them for each connection, counts, and changes them while the program runs |
//!
//! A module is never trusted: it has no imports but the five of the ABI, and its memory, its time and what it emits are
//! bounded. One that breaks a rule is ended, and with it the connections of that instance; everything else goes on.

mod choices;
mod engine;
mod fields;
mod imports;
mod inspect;
mod instance;
mod manifest;
mod module;
mod pool;
mod set;
mod stats;
mod stopped;
mod ticker;
mod verify;
mod wasm;

pub use choices::{Choices, ChoicesError};
pub use engine::{HostError, HostLimits, PluginHost};
pub use fields::FieldError;
pub use inspect::{Inspection, inspect};
pub use manifest::{Manifest, ManifestError};
pub use module::{LoadError, MAX_MODULE_LEN, Module, OpenError};
pub use set::{BuiltIn, Change, PluginInfo, PluginSet, SetError, Sources};
pub use stats::Stats;
pub use stopped::{Misuse, Stopped};
pub use verify::AbiError;
pub use wasm::WasmPlugin;
