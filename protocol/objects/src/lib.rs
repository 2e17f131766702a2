//! Objects of the ONE network: recipes, microdata, hashes, typed objects, signatures (`spec/one.md §4`).
//!
//! An object is a type and properties. Its [`Recipe`] says which, in which order, of which kinds; by it the object is written as
//! [`Microdata`], a text that is the same wherever the same object is written, and whose SHA-256 names it. Of some types there
//! are versions: the properties that stay the same make an id object, whose hash names all versions.
//!
//! What comes from others goes through [`Microdata::check`] first, which needs no recipe, bounds what it costs, and refuses every
//! text that is not the only one for its object. Objects of unknown types can so be kept and passed on; those of known types are
//! read by [`Recipes::read`], or into the structs of [`typed`]:
//!
//! ```
//! use ratatosk_objects::typed::{Person, Typed, Versioned};
//! use ratatosk_objects::{Limits, Microdata};
//!
//! let text = r#"<div itemscope itemtype="//refin.io/Person"><span itemprop="email">a@peer.test</span></div>"#;
//! let person = Person::read(&Microdata::check(text, &Limits::DEFAULT)?)?;
//! assert_eq!(person.id_hash()?.to_string(), "0f4e59c20542b4320502e71e5a3397fb921bcaa1dbbcd4be01ffe5cd66637776");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! There is no IO here, and no clock. The rooms above reach objects through the traits of [`storage`].

pub mod affirm;
pub mod license;
pub mod memory;
pub mod recipe;
pub mod sign;
pub mod storage;
pub mod typed;

mod error;
mod escape;
mod hash;
pub mod json;
mod limits;
mod microdata;
mod number;
mod value;

pub use self::error::{ReadError, WriteError};
pub use self::hash::{
    BlobHash, ClobHash, HASH_LEN, HEX_LEN, HashError, IdHash, InstanceId, ObjectHash, PersonId, Reference,
};
pub use self::limits::Limits;
pub use self::microdata::Microdata;
pub use self::recipe::{ItemType, Pattern, Recipe, Recipes, Rule};
pub use self::storage::{Objects, ObjectsMut, Versions};
pub use self::typed::{Key, Typed, Versioned};
pub use self::value::{Fields, Object, Value};
