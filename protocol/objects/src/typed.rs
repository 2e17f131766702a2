//! The objects of `spec/one.md §4` as structs.
//!
//! A struct holds what its type's recipe says, with the property names in snake case. What a property may hold in microdata but
//! no real peer puts there (a depth of 1.5, a key that is no hex) is refused when a struct is read: the object itself is still
//! microdata, and can be kept and passed on.

mod channel;
mod field;
mod model;
mod people;
mod trust;
mod version;

pub use self::channel::{
    Access, BlobDescriptor, ChannelInfo, ChatMessage, CreationTime, IdAccess, LinkedListEntry, Topic, direct_channel_id,
};
pub use self::field::Key;
pub use self::model::{Capability, Llm, ModelType};
pub use self::people::{
    Group, Instance, LEUTE_APP_ID, Leute, OneInstanceEndpoint, Person, PersonName, PersonStatus, Profile,
    ReverseMapTypes, Someone,
};
pub use self::trust::{AffirmationCertificate, Keys, License, SignKey, Signature, TrustKeysCertificate};
pub use self::version::{VersionNode, VersionNodeChange, VersionNodeEdge, VersionNodeMerge};

use crate::error::{ReadError, WriteError};
use crate::hash::IdHash;
use crate::microdata::Microdata;
use crate::recipe::Recipes;
use crate::value::Object;

/// A struct that is an object of one of the standard types.
pub trait Typed: Sized {
    /// The name of the type.
    const TYPE: &'static str;

    /// The same as data.
    fn to_object(&self) -> Object;

    /// Takes it out of an object of that type.
    ///
    /// # Errors
    ///
    /// [`ReadError::OtherType`], or [`ReadError::Field`] for a property that is missing or out of range.
    fn from_object(object: &Object) -> Result<Self, ReadError>;

    /// The canonical text.
    ///
    /// # Errors
    ///
    /// If the values fit no object: something twice in a set or map, or more of something than an object may hold.
    fn microdata(&self) -> Result<Microdata, WriteError> {
        Recipes::standard().write(&self.to_object())
    }

    /// Reads the canonical text.
    ///
    /// # Errors
    ///
    /// [`ReadError::IdObject`] for an id object, otherwise as [`Recipes::read`] and [`Typed::from_object`].
    fn read(microdata: &Microdata) -> Result<Self, ReadError> {
        if microdata.is_id_object() {
            return Err(ReadError::IdObject);
        }
        // Cheaper than reading it and then finding out, and the type that was found can be said even if it is unknown.
        if microdata.type_name() != Self::TYPE {
            return Err(ReadError::OtherType { expected: Self::TYPE, found: microdata.type_name().to_owned() });
        }
        Self::from_object(&Recipes::standard().read(microdata)?)
    }
}

/// An object that has versions.
pub trait Versioned: Typed {
    /// The canonical text of the id object: what all versions have in common.
    ///
    /// # Errors
    ///
    /// As [`Typed::microdata`].
    fn id_microdata(&self) -> Result<Microdata, WriteError> {
        Recipes::standard().write_id(&self.to_object())
    }

    /// The hash that names all versions.
    ///
    /// # Errors
    ///
    /// As [`Typed::microdata`].
    fn id_hash(&self) -> Result<IdHash, WriteError> {
        self.id_microdata().map(|microdata| IdHash::from_bytes(*microdata.hash().as_bytes()))
    }
}
