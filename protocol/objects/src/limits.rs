//! What an object of somebody else may cost.

/// Bounds on a text that is read as microdata.
///
/// While a text is checked it is in memory once, and nothing is built from it. Reading it by its recipe makes a value of some
/// hundred bytes for each that it holds, and a copy of its texts: with the defaults at most 64 MiB and 64 MiB more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of the whole text.
    pub bytes: usize,
    /// The most levels of containers and nested objects. The parser calls itself once for each.
    pub depth: usize,
    /// The most values, those in containers included.
    pub values: usize,
}

impl Limits {
    /// 64 MiB, 32 levels, 262,144 values: far above what real peers write (a chat message is one text; the deepest of their types
    /// has four levels).
    pub const DEFAULT: Self = Self { bytes: 64 << 20, depth: 32, values: 1 << 18 };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
