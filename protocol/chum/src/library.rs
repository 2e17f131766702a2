//! What the machine asks of the storage and of those who decide what is shared.

use bytes::Bytes;
use ratatosk_objects::{BlobHash, IdHash, Microdata, ObjectHash, Reference};

use crate::root::Root;

/// A verified object to be stored: its hash was checked, and everything that it refers to is stored or stands before it in the
/// same batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// An object.
    Object(ObjectHash, Microdata),
    /// An id object.
    Id(IdHash, Microdata),
}

impl Item {
    /// What it is stored under.
    #[must_use]
    pub fn reference(&self) -> Reference {
        match self {
            Self::Object(hash, _) => Reference::Object(*hash),
            Self::Id(hash, _) => Reference::Id(*hash),
        }
    }

    /// The text.
    #[must_use]
    pub fn microdata(&self) -> &Microdata {
        match self {
            Self::Object(_, microdata) | Self::Id(_, microdata) => microdata,
        }
    }
}

/// What came of taking a root over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Imported {
    /// It is ours now.
    Taken,
    /// It cannot be merged, for instance because a list in it is not in order. Nothing of it was stored. The text is for people, and
    /// holds nothing of the peer that was not escaped.
    Refused(String),
}

/// The storage as one peer sees it: whoever implements this has bound it to one remote person and one remote instance.
///
/// Every call is blocking and short. An error ends the connection: it means that the storage is broken, not that the peer is.
/// BLOBs and CLOBs are both bytes under the SHA-256 of these bytes, so both are named by a [`BlobHash`] here.
pub trait Library {
    /// What a broken storage says.
    type Error: std::error::Error;

    // What we give.

    /// A number that changes whenever [`Self::roots`] would answer something else. Asked at every poll of the peer.
    ///
    /// # Errors
    ///
    /// The storage is broken.
    fn generation(&self) -> Result<u64, Self::Error>;

    /// What is shared with the remote person, and of an id with versions the one version node that we publish
    /// (`spec/one.md §6`, trap (c)). What comes from that person may refer to it and to everything below it.
    ///
    /// # Errors
    ///
    /// The storage is broken.
    fn roots(&self) -> Result<Vec<Root>, Self::Error>;

    /// An object.
    ///
    /// # Errors
    ///
    /// The storage is broken.
    fn object(&self, hash: &ObjectHash) -> Result<Option<Microdata>, Self::Error>;

    /// An id object.
    ///
    /// # Errors
    ///
    /// The storage is broken.
    fn id_object(&self, id: &IdHash) -> Result<Option<Microdata>, Self::Error>;

    /// At most `max` bytes of a BLOB or CLOB from `offset` on: empty at the end, none if it is not stored.
    ///
    /// # Errors
    ///
    /// The storage is broken.
    fn blob(&self, hash: &BlobHash, offset: u64, max: usize) -> Result<Option<Bytes>, Self::Error>;

    /// A version node of this id whose whole closure the remote instance is known to have, and we have too: lists of children are
    /// cut down to what is new since then.
    ///
    /// # Errors
    ///
    /// The storage is broken.
    fn known(&self, id: &IdHash) -> Result<Option<ObjectHash>, Self::Error>;

    /// Remembers, or with none forgets, what [`Self::known`] answers.
    ///
    /// # Errors
    ///
    /// The storage is broken.
    fn set_known(&mut self, id: &IdHash, node: Option<ObjectHash>) -> Result<(), Self::Error>;

    // What we take.

    /// Whether we want this root of the peer. Whoever answers yes takes an object of that type from that person, and lets them see all
    /// versions of an id of which it takes one. Asked once for each entry of a list that is new; roots that are taken already are not
    /// asked for.
    ///
    /// # Errors
    ///
    /// The storage is broken.
    fn wants(&self, root: &Root) -> Result<bool, Self::Error>;

    /// Whether this is stored.
    ///
    /// # Errors
    ///
    /// The storage is broken.
    fn contains(&self, reference: &Reference) -> Result<bool, Self::Error>;

    /// Whether there is nothing to be done for this root any more. That its object is stored may not be enough: anybody can refer to
    /// it in something else, and have it stored with that.
    ///
    /// # Errors
    ///
    /// The storage is broken.
    fn is_taken(&self, root: &Root) -> Result<bool, Self::Error> {
        match root {
            Root::Id { id, .. } => self.contains(&Reference::Id(*id)),
            Root::Unversioned { hash, .. } | Root::Versioned { hash, .. } => self.contains(&Reference::Object(*hash)),
            Root::VersionNode { node, .. } => self.contains(&Reference::Object(*node)),
        }
    }

    /// Stores verified objects, all or none. They have to be safe before anything that [`crate::Chum::poll_output`] gives afterwards is
    /// sent: from the request for a root the peer concludes that everything below it is stored.
    ///
    /// # Errors
    ///
    /// The storage is broken.
    fn commit(&mut self, items: &[Item]) -> Result<(), Self::Error>;

    /// Stores verified objects and takes a root over: all, or nothing with [`Imported::Refused`]. For [`Root::VersionNode`] that means to merge its data with
    /// the current version, with the creation time of the node; `items` contains the object of the root, and for a version node all
    /// nodes of the same id that were new with it.
    ///
    /// # Errors
    ///
    /// The storage is broken.
    fn import(&mut self, items: &[Item], root: &Root) -> Result<Imported, Self::Error>;

    /// Keeps a part of a BLOB that is on its way. Parts come in order, without gaps, from offset 0 on; offset 0 begins anew.
    ///
    /// # Errors
    ///
    /// The storage is broken.
    fn write_blob(&mut self, hash: &BlobHash, offset: u64, part: &[u8]) -> Result<(), Self::Error>;

    /// All parts were written, and their hash was checked: the BLOB is stored now. It may have no parts at all.
    ///
    /// # Errors
    ///
    /// The storage is broken.
    fn finish_blob(&mut self, hash: &BlobHash) -> Result<(), Self::Error>;

    /// Throws the parts of a BLOB away.
    ///
    /// # Errors
    ///
    /// The storage is broken.
    fn discard_blob(&mut self, hash: &BlobHash) -> Result<(), Self::Error>;
}
