//! What a module is, for somebody who looks at it.

use sha2::{Digest, Sha256};
use wasmtime::{ExternType, Module};

use crate::engine::PluginHost;
use crate::stopped::explain;
use crate::verify::{self, AbiError, shown};

/// What can be seen of a module without running it.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// In hex.
    pub sha256: String,
    /// Names and signatures.
    pub exports: Vec<String>,
    /// Names and signatures.
    pub imports: Vec<String>,
    /// Whether it follows the ABI.
    pub abi: Result<(), AbiError>,
}

/// Looks at a module.
///
/// # Errors
///
/// Why it is no valid WebAssembly.
pub fn inspect(host: &PluginHost, wasm: &[u8]) -> Result<Inspection, String> {
    let module = Module::from_binary(host.engine(), wasm).map_err(|error| explain(&error))?;
    let imports =
        module.imports().map(|import| (format!("{}.{}", shown(import.module()), shown(import.name())), import.ty()));
    let exports = module.exports().map(|export| (shown(export.name()), export.ty()));
    Ok(Inspection {
        sha256: hex::encode(Sha256::digest(wasm)),
        exports: exports.map(|(name, kind)| describe(&name, &kind)).collect(),
        imports: imports.map(|(name, kind)| describe(&name, &kind)).collect(),
        abi: verify::check(&module),
    })
}

fn describe(name: &str, kind: &ExternType) -> String {
    match kind {
        ExternType::Func(function) => format!("{name} {}", verify::signature(function)),
        ExternType::Memory(memory) => format!("{name} memory, {} pages of 64 KiB at first", memory.minimum()),
        ExternType::Table(_) => format!("{name} table"),
        ExternType::Global(_) => format!("{name} global"),
        _ => format!("{name} of another kind"),
    }
}
