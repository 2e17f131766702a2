//! Versions of objects: version nodes, and how two histories become one (`spec/one.md §4` and `§5`).
//!
//! An object that has an identity has a current version node, which names its data and when they came to be. A change of ours
//! adds a node before which the old one stands; data of somebody else are merged with ours, property by property, as the recipe
//! says. What we tell others is one node that holds nothing but the data and their time ([`published`]): two peers that know the
//! same announce the same, and so they come to rest.
//!
//! ```text
//! store_version   a change of ours               Edge, or Change on top of the current node
//! merge_remote    a node of somebody else        nothing, or an Edge, or a Merge of ours and theirs
//! published       what we announce               always an Edge, made of the current node alone
//! list            the entries of a channel       append, insert, merge, iterate_back, difference
//! ```
//!
//! # How properties merge
//!
//! | kind | result |
//! |---|---|
//! | list of a channel | all entries of both ([`list::merge`]) |
//! | array, bag, set | all items of both |
//! | map | all keys of both, values of common keys by their own kind |
//! | optional property | there if it is there on one side |
//! | object inside | property by property |
//! | everything else | the value of the node with the later `creationTime` |
//!
//! All that is what real peers compute when they import a node, with four differences where theirs depends on who merges, so
//! that two of them would not agree: of two values of the same millisecond the greater one wins (theirs: the node with the
//! greater hash); a changed array is sorted, and so are the keys of a map unless they are the same in the same order (theirs: own
//! ones first); the time of a value is that of the node that holds it (theirs: of the node of the local history that changed it
//! last); two entries of a list with one `CreationTime` and different metadata become one with the metadata of both (theirs:
//! each takes the metadata of the other).
//!
//! Merging is commutative, associative and idempotent, with one exception: an optional property with a plain value that
//! somebody takes away and somebody else changes. Peers that go on telling each other what they have agree on that, too.
//!
//! # What others may send
//!
//! Nothing is written before all of it was read and found in order; yet a store may fail between two writes, so whoever calls
//! this does it in a transaction, and rolls back after every error. Lists of others may be out of order, or have an entry twice:
//! a real peer whose clock is behind everything in a channel puts its post on top. Such a list costs reading all of it each time;
//! what becomes of it is in order.
//!
//! No function here reads a clock or does anything but call the store that it was given.

mod announce;
mod error;
mod limits;
pub mod list;
mod merge;
mod node;
mod read;
mod remote;
mod store;
mod timestamp;

pub use self::announce::{Published, published};
pub use self::error::Error;
pub use self::limits::Limits;
pub use self::node::{Kind, Node};
pub use self::remote::{Became, Merged, merge_remote};
pub use self::store::{Stored, store_version};
pub use self::timestamp::{MAX_TIMESTAMP, Timestamp};
