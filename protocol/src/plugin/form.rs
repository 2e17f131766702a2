//! In which form a plugin runs.

use std::fmt;

/// How a plugin runs: what timelines and metrics show beside its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// Linked into the program.
    Native,
    /// As a WebAssembly module.
    Wasm,
}

impl Form {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Native, Self::Wasm];

    /// The name that configurations, timelines and metrics use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Wasm => "wasm",
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
