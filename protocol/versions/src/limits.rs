//! What one merge may cost.

/// Bounds on the work for one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most entries of lists that one call reads; each costs two objects. Those below the common tail do not count, for they
    /// are not read. What is above it is in memory, with about 150 bytes for an entry, or 300 if a list is not in order.
    pub entries: usize,
}

impl Limits {
    /// 1,048,576 entries: more than a real channel has.
    pub const DEFAULT: Self = Self { entries: 1 << 20 };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
