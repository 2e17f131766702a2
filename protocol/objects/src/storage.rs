//! Where objects are kept, as the rooms without IO see it.

use crate::hash::{IdHash, ObjectHash, Reference};
use crate::microdata::Microdata;

/// Objects that can be read.
pub trait Objects {
    /// Why a store could not answer.
    type Error;

    /// One version of an object.
    ///
    /// # Errors
    ///
    /// If the store cannot answer. That it is not there is no error.
    fn object(&self, hash: &ObjectHash) -> Result<Option<Microdata>, Self::Error>;

    /// An id object.
    ///
    /// # Errors
    ///
    /// If the store cannot answer. That it is not there is no error.
    fn id_object(&self, id: &IdHash) -> Result<Option<Microdata>, Self::Error>;

    /// Whether what this points at is there.
    ///
    /// # Errors
    ///
    /// If the store cannot answer.
    fn contains(&self, reference: &Reference) -> Result<bool, Self::Error>;
}

/// Objects that can also be added.
pub trait ObjectsMut: Objects {
    /// Keeps an object. One that is there already is left as it is.
    ///
    /// # Errors
    ///
    /// If the store cannot keep it.
    fn put(&mut self, object: &Microdata) -> Result<ObjectHash, Self::Error>;

    /// Keeps an id object. One that is there already is left as it is. The caller has made sure that it is one.
    ///
    /// # Errors
    ///
    /// If the store cannot keep it.
    fn put_id(&mut self, id_object: &Microdata) -> Result<IdHash, Self::Error>;
}

/// Versioned objects.
pub trait Versions: ObjectsMut {
    /// The hash of the current version node of an object.
    ///
    /// # Errors
    ///
    /// If the store cannot answer. That there is none is no error.
    fn current(&self, id: &IdHash) -> Result<Option<ObjectHash>, Self::Error>;

    /// Makes a node the current one.
    ///
    /// # Errors
    ///
    /// If the store cannot keep it.
    fn set_current(&mut self, id: IdHash, node: ObjectHash) -> Result<(), Self::Error>;
}
