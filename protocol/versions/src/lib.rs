//! Versions of objects: version nodes, and how two histories become one.
