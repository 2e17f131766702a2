//! Hashes and what they point at (`spec/one.md §4`).
//!
//! All are SHA-256. The types keep apart what must never be mixed up: a hash of one version of an object, a hash of what all its
//! versions have in common, a hash of bytes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes in a hash.
pub const HASH_LEN: usize = 32;

/// Digits of a hash in text.
pub const HEX_LEN: usize = 2 * HASH_LEN;

/// A text that is not 64 lower-case hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a hash is 64 lower-case hex digits")]
pub struct HashError;

/// Reads 64 lower-case hex digits: upper case would be another text of the same hash, and so another object.
pub(crate) fn decode(text: &str) -> Result<[u8; HASH_LEN], HashError> {
    let mut bytes = [0; HASH_LEN];
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) || hex::decode_to_slice(text, &mut bytes).is_err() {
        return Err(HashError);
    }
    Ok(bytes)
}

/// The hash types, which differ in nothing but their meaning.
macro_rules! hashes {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; HASH_LEN]);

        impl $name {
            /// Takes the 32 bytes of a SHA-256.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; HASH_LEN]) -> Self {
                Self(bytes)
            }

            /// The 32 bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; HASH_LEN] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = HashError;

            fn from_str(text: &str) -> Result<Self, HashError> {
                decode(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

hashes! {
    /// The hash of an object's microdata: names one version of it.
    ObjectHash;
    /// The hash of an id object's microdata: names all versions of an object.
    IdHash;
    /// The hash of bytes.
    BlobHash;
    /// The hash of a text.
    ClobHash;
}

/// Id hashes of one type, which so cannot be taken for one another.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(IdHash);

        impl $name {
            /// The id hash itself.
            #[must_use]
            pub const fn id(&self) -> IdHash {
                self.0
            }
        }

        impl From<IdHash> for $name {
            fn from(id: IdHash) -> Self {
                Self(id)
            }
        }

        impl From<$name> for IdHash {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl FromStr for $name {
            type Err = HashError;

            fn from_str(text: &str) -> Result<Self, HashError> {
                text.parse().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    )*};
}

ids! {
    /// The id hash of a Person. It depends on the email address only.
    PersonId;
    /// The id hash of an Instance.
    InstanceId;
}

/// What an object refers to: a hash, and what kind of thing lies behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reference {
    /// One version of an object: `data-type="obj"`.
    Object(ObjectHash),
    /// All versions of an object: `data-type="id"`.
    Id(IdHash),
    /// Bytes: `data-type="blob"`.
    Blob(BlobHash),
    /// A text: `data-type="clob"`.
    Clob(ClobHash),
}

impl Reference {
    /// Makes a reference out of the `data-type` and the hash that stand in an `<a>`; `None` if there is no such type.
    #[must_use]
    pub fn new(data_type: &str, hash: [u8; HASH_LEN]) -> Option<Self> {
        match data_type {
            "obj" => Some(Self::Object(ObjectHash(hash))),
            "id" => Some(Self::Id(IdHash(hash))),
            "blob" => Some(Self::Blob(BlobHash(hash))),
            "clob" => Some(Self::Clob(ClobHash(hash))),
            _ => None,
        }
    }

    /// What stands in `data-type`.
    #[must_use]
    pub const fn data_type(&self) -> &'static str {
        match self {
            Self::Object(_) => "obj",
            Self::Id(_) => "id",
            Self::Blob(_) => "blob",
            Self::Clob(_) => "clob",
        }
    }

    /// The 32 bytes of the hash, of whichever kind.
    #[must_use]
    pub const fn hash_bytes(&self) -> &[u8; HASH_LEN] {
        match self {
            Self::Object(hash) => hash.as_bytes(),
            Self::Id(hash) => hash.as_bytes(),
            Self::Blob(hash) => hash.as_bytes(),
            Self::Clob(hash) => hash.as_bytes(),
        }
    }
}

impl From<ObjectHash> for Reference {
    fn from(hash: ObjectHash) -> Self {
        Self::Object(hash)
    }
}

impl From<IdHash> for Reference {
    fn from(hash: IdHash) -> Self {
        Self::Id(hash)
    }
}

impl From<BlobHash> for Reference {
    fn from(hash: BlobHash) -> Self {
        Self::Blob(hash)
    }
}

impl From<ClobHash> for Reference {
    fn from(hash: ClobHash) -> Self {
        Self::Clob(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_lower_case_hex_and_nothing_else() {
        let text = "0f4e59c20542b4320502e71e5a3397fb921bcaa1dbbcd4be01ffe5cd66637776";
        let hash: ObjectHash = text.parse().unwrap();
        assert_eq!(hash.to_string(), text);
        for wrong in ["", &text[1..], &format!("{text}00"), &text.to_uppercase(), &text.replace('f', "g")] {
            assert_eq!(wrong.parse::<ObjectHash>(), Err(HashError), "{wrong}");
        }
    }

    #[test]
    fn json_is_the_hex_text() {
        let id = PersonId::from(IdHash::from_bytes([0xab; HASH_LEN]));
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, format!("\"{}\"", "ab".repeat(HASH_LEN)));
        assert_eq!(serde_json::from_str::<PersonId>(&json).unwrap(), id);
        assert!(serde_json::from_str::<PersonId>("\"AB\"").is_err());
    }

    #[test]
    fn a_reference_keeps_its_kind() {
        for data_type in ["obj", "id", "blob", "clob"] {
            let reference = Reference::new(data_type, [7; HASH_LEN]).unwrap();
            assert_eq!((reference.data_type(), reference.hash_bytes()), (data_type, &[7; HASH_LEN]));
        }
        assert_eq!(Reference::new("object", [7; HASH_LEN]), None);
    }
}
