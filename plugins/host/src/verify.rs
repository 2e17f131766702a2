//! Whether a module follows the ABI: its imports and exports are looked at before any of its code runs.

use ratatosk_plugin::abi;
use wasmtime::{ExternType, FuncType, Module, ValType};

/// How a module breaks the ABI.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AbiError {
    /// It is made for another version.
    #[error(
        "the module is made for version {} of the plugin ABI, this host speaks version {}",
        shown(found),
        abi::VERSION
    )]
    Version {
        /// What follows the marker's prefix.
        found: String,
    },
    /// It is no plugin.
    #[error("the module is no plugin: it does not export {}", abi::MARKER)]
    NoMarker,
    /// It needs something that the ABI does not have.
    #[error("the module imports {}.{}, which plugins are not given", shown(module), shown(name))]
    Import {
        /// From where.
        module: String,
        /// What.
        name: String,
    },
    /// An export is missing, or is something else.
    #[error("the module has to export {name} as {expected}")]
    Export {
        /// Its name.
        name: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
}

/// A name that a stranger has chosen, for a person: in one line, escaped, and not too long.
pub(crate) fn shown(name: &str) -> String {
    let mut text: String = name.chars().take(MAX_SHOWN).flat_map(char::escape_debug).collect();
    if name.chars().nth(MAX_SHOWN).is_some() {
        text.push('…');
    }
    text
}

/// Characters of a name that are shown. A module may have names of 100,000 bytes.
const MAX_SHOWN: usize = 100;

/// Name and signature.
const IMPORTS: [(&str, &str); 5] = [
    ("emit", "(i32 i32 i32 i32) -> ()"),
    ("random", "(i32 i32) -> ()"),
    ("now_ms", "() -> (i64)"),
    ("set_timer", "(i32 i64) -> ()"),
    ("fail", "(i32 i32) -> ()"),
];

/// Name and signature.
const EXPORTS: [(&str, &str); 6] = [
    (abi::MARKER, "() -> ()"),
    ("alloc", "(i32) -> (i32)"),
    ("open", "(i32) -> (i32)"),
    ("on_event", "(i32 i32 i32 i32) -> (i32)"),
    ("on_timer", "(i32) -> (i32)"),
    ("close", "(i32) -> ()"),
];

/// The exports that a module may leave out.
pub(crate) const SUBSCRIBE: (&str, &str) = ("subscribe", "() -> (i32)");
pub(crate) const STEADY: (&str, &str) = ("steady", "() -> (i32)");

/// Checks everything that can be checked without running the module.
pub(crate) fn check(module: &Module) -> Result<(), AbiError> {
    if module.get_export(abi::MARKER).is_none() {
        let other =
            module.exports().find_map(|export| export.name().strip_prefix(abi::MARKER_PREFIX).map(str::to_owned));
        return Err(other.map_or(AbiError::NoMarker, |found| AbiError::Version { found }));
    }
    for import in module.imports() {
        let known = IMPORTS.iter().any(|&(name, expected)| {
            import.module() == abi::MODULE && import.name() == name && is_function(&import.ty(), expected)
        });
        if !known {
            return Err(AbiError::Import { module: import.module().to_owned(), name: import.name().to_owned() });
        }
    }
    for (name, expected) in EXPORTS {
        if !module.get_export(name).is_some_and(|export| is_function(&export, expected)) {
            return Err(AbiError::Export { name, expected });
        }
    }
    for (name, expected) in [SUBSCRIBE, STEADY] {
        if module.get_export(name).is_some_and(|export| !is_function(&export, expected)) {
            return Err(AbiError::Export { name, expected });
        }
    }
    match module.get_export("memory") {
        Some(ExternType::Memory(_)) => Ok(()),
        _ => Err(AbiError::Export { name: "memory", expected: "a memory" }),
    }
}

fn is_function(found: &ExternType, expected: &str) -> bool {
    matches!(found, ExternType::Func(function) if signature(function) == expected)
}

pub(crate) fn signature(function: &FuncType) -> String {
    let list = |types: &mut dyn Iterator<Item = ValType>| {
        let names: Vec<_> = types.map(|kind| kind.to_string()).collect();
        names.join(" ")
    };
    format!("({}) -> ({})", list(&mut function.params()), list(&mut function.results()))
}
