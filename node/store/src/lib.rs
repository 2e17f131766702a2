//! Where a node keeps its objects: one crash-safe file.
