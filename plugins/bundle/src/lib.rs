//! The three plugins of the protocol as WebAssembly modules, each with its manifest.
//!
//! They are built from `plugins/{encryption,fragmentation,keepalive}` whenever this crate is, so the modules are never older
//! than their sources, and a checkout needs nothing but cargo and the target `wasm32-unknown-unknown`.

/// A module and what is said about it.
#[derive(Clone, Copy, Debug)]
pub struct Module {
    /// The manifest, in TOML, with the hash of the module.
    pub manifest: &'static str,
    /// The module.
    pub wasm: &'static [u8],
}

macro_rules! built {
    ($name:literal) => {
        Module {
            manifest: include_str!(concat!(env!("OUT_DIR"), "/", $name, ".toml")),
            wasm: include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".wasm")),
        }
    };
}

/// Encryption.
pub const ENCRYPTION: Module = built!("encryption");
/// Fragmentation.
pub const FRAGMENTATION: Module = built!("fragmentation");
/// Keepalive.
pub const KEEPALIVE: Module = built!("keepalive");
