//! Roots: what a peer shares, as service 2 lists it (`spec/one.md §5`).

use std::fmt::Write as _;

use ratatosk_objects::{IdHash, ObjectHash};

use crate::list::{self, Entry, ListError, push_hex};

/// The longest name of a type that is taken, in bytes.
const MAX_TYPE_LEN: usize = 128;

/// Something that is shared with a person, with everything that it needs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Root {
    /// An object of a type without versions.
    Unversioned {
        /// The object.
        hash: ObjectHash,
        /// Its type.
        one_type: String,
    },
    /// One version of an object.
    Versioned {
        /// The object.
        hash: ObjectHash,
        /// What it is a version of.
        id: IdHash,
        /// Its type.
        one_type: String,
    },
    /// The id object itself: all that there is before there is a version.
    Id {
        /// The id object.
        id: IdHash,
        /// Its type.
        one_type: String,
    },
    /// A version, by its node.
    VersionNode {
        /// The version node.
        node: ObjectHash,
        /// What its data is a version of.
        id: IdHash,
        /// The type of its data.
        one_type: String,
    },
}

impl Root {
    /// The type that is shared.
    #[must_use]
    pub fn one_type(&self) -> &str {
        match self {
            Self::Unversioned { one_type, .. }
            | Self::Versioned { one_type, .. }
            | Self::Id { one_type, .. }
            | Self::VersionNode { one_type, .. } => one_type,
        }
    }

    /// What it is a version of, if it has versions.
    #[must_use]
    pub fn id(&self) -> Option<&IdHash> {
        match self {
            Self::Unversioned { .. } => None,
            Self::Versioned { id, .. } | Self::Id { id, .. } | Self::VersionNode { id, .. } => Some(id),
        }
    }

    /// The object to fetch last; none for an id root.
    #[must_use]
    pub fn object(&self) -> Option<&ObjectHash> {
        match self {
            Self::Unversioned { hash, .. } | Self::Versioned { hash, .. } => Some(hash),
            Self::VersionNode { node, .. } => Some(node),
            Self::Id { .. } => None,
        }
    }

    /// Writes a list of roots as the reference does.
    #[must_use]
    pub fn write_list(roots: &[Self]) -> String {
        let mut out = String::with_capacity(2 + 260 * roots.len());
        out.push('[');
        for (index, root) in roots.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            root.write(&mut out);
        }
        out.push(']');
        out
    }

    fn write(&self, out: &mut String) {
        let mut field = |name: &str, hash: &[u8; 32]| {
            out.push_str(name);
            push_hex(out, hash);
        };
        let (kind, one_type) = match self {
            Self::Unversioned { hash, one_type } => {
                field(r#"{"type":"unversioned","hash":""#, hash.as_bytes());
                ("oneType", one_type)
            }
            Self::Versioned { hash, id, one_type } => {
                field(r#"{"type":"versioned","hash":""#, hash.as_bytes());
                field(r#"","idHash":""#, id.as_bytes());
                ("oneType", one_type)
            }
            Self::Id { id, one_type } => {
                field(r#"{"type":"id","idHash":""#, id.as_bytes());
                ("oneType", one_type)
            }
            Self::VersionNode { node, id, one_type } => {
                field(r#"{"type":"version_node","node":""#, node.as_bytes());
                field(r#"","dataIdHash":""#, id.as_bytes());
                ("dataType", one_type)
            }
        };
        let one_type = serde_json::to_string(one_type).unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = write!(out, r#"","{kind}":{one_type}}}"#);
    }

    /// Reads a list of at most `max` roots; kinds that we do not know are left out.
    ///
    /// # Errors
    ///
    /// [`ListError`]: nothing of such a list is used.
    pub fn read_list(json: &str, max: usize) -> Result<Vec<Self>, ListError> {
        list::read(json, max)
    }
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RawRoot {
    r#type: String,
    hash: Option<ObjectHash>,
    node: Option<ObjectHash>,
    id_hash: Option<IdHash>,
    data_id_hash: Option<IdHash>,
    one_type: Option<String>,
    data_type: Option<String>,
}

impl Entry<'_> for Root {
    type Raw = RawRoot;

    fn from_raw(raw: RawRoot) -> Result<Option<Self>, String> {
        let missing = || "a root lacks a field".to_owned();
        let one_type = raw.one_type.or(raw.data_type).ok_or_else(missing)?;
        if one_type.len() > MAX_TYPE_LEN {
            return Err("the name of a type is too long".to_owned());
        }
        Ok(Some(match raw.r#type.as_str() {
            "unversioned" => Self::Unversioned { hash: raw.hash.ok_or_else(missing)?, one_type },
            "versioned" => {
                Self::Versioned { hash: raw.hash.ok_or_else(missing)?, id: raw.id_hash.ok_or_else(missing)?, one_type }
            }
            "id" => Self::Id { id: raw.id_hash.ok_or_else(missing)?, one_type },
            "version_node" => Self::VersionNode {
                node: raw.node.ok_or_else(missing)?,
                id: raw.data_id_hash.ok_or_else(missing)?,
                one_type,
            },
            _ => return Ok(None),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = r#"[{"type":"unversioned","hash":"0101010101010101010101010101010101010101010101010101010101010101","oneType":"Topic"},{"type":"id","idHash":"0202020202020202020202020202020202020202020202020202020202020202","oneType":"ChannelInfo"},{"type":"version_node","node":"0303030303030303030303030303030303030303030303030303030303030303","dataIdHash":"0202020202020202020202020202020202020202020202020202020202020202","dataType":"ChannelInfo"},{"type":"versioned","hash":"0101010101010101010101010101010101010101010101010101010101010101","idHash":"0202020202020202020202020202020202020202020202020202020202020202","oneType":"Profile"}]"#;

    #[test]
    fn as_the_reference_writes_them() {
        let roots = Root::read_list(LIST, 4).unwrap();
        assert_eq!(roots.len(), 4);
        assert_eq!(Root::write_list(&roots), LIST);
        assert_eq!(Root::write_list(&[]), "[]");
        assert_eq!(Root::read_list(LIST, 3), Err(ListError::TooLong(3)));
    }

    #[test]
    fn lists_of_something_else() {
        for list in [
            "",
            "{}",
            "[1]",
            "[{}]",
            r#"[{"type":"id","oneType":"T"}]"#,
            r#"[{"type":"id","idHash":"00","oneType":"T"}]"#,
            "[]x",
        ] {
            assert!(matches!(Root::read_list(list, 9), Err(ListError::Malformed(_))), "{list}");
        }
        assert_eq!(Root::read_list(r#"[{"type":"new","oneType":"T"}]"#, 9), Ok(Vec::new()));
    }
}
