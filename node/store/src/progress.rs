//! How far a long work has come.

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// SQLite checks its file.
    Database,
    /// Objects are checked.
    Objects,
    /// Id objects are checked.
    IdObjects,
    /// BLOBs and CLOBs are checked; counted in bytes.
    Blobs,
    /// Version nodes, shared roots, pins and what is known of others are checked.
    Roots,
    /// What is needed is marked. Of how many objects is not known before.
    Mark,
    /// Rows without a mark are looked for.
    Sweep,
    /// Free pages of the file are given back.
    Shrink,
}

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub step: Step,
    /// How much of it is done.
    pub done: u64,
    /// How much there is; at least `done`, and for [`Step::Mark`] an upper bound.
    pub of: u64,
}
