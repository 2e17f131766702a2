//! What a module is, for somebody who looks at it.

use sha2::{Digest, Sha256};
use wasmtime::{ExternType, Module};

use crate::engine::PluginHost;
use crate::verify::{self, AbiError};

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
    let module = Module::from_binary(host.engine(), wasm).map_err(|error| format!("{error:#}"))?;
    let imports = module.imports().map(|import| (format!("{}.{}", import.module(), import.name()), import.ty()));
    let exports = module.exports().map(|export| (export.name().to_owned(), export.ty()));
    Ok(Inspection {
        sha256: hex::encode(Sha256::digest(wasm)),
        exports: exports.map(|(name, kind)| describe(&name, &kind)).collect(),
        imports: imports.map(|(name, kind)| describe(&name, &kind)).collect(),
        abi: verify::check(&module),
    })
}

/// Names are a stranger's: they are shown escaped.
fn describe(name: &str, kind: &ExternType) -> String {
    let name = name.escape_debug();
    match kind {
        ExternType::Func(function) => format!("{name} {}", verify::signature(function)),
        ExternType::Memory(memory) => format!("{name} memory, {} pages of 64 KiB at first", memory.minimum()),
        ExternType::Table(_) => format!("{name} table"),
        ExternType::Global(_) => format!("{name} global"),
        _ => format!("{name} of another kind"),
    }
}
