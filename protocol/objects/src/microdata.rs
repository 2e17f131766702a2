//! The canonical text of an object, of which its hash is made (`spec/one.md §4`).
//!
//! ```text
//! <div itemscope itemtype="//refin.io/Person"><span itemprop="email">a@peer.test</span></div>
//! ```
//!
//! For each object there is one text, and only such texts are taken: whatever would be written otherwise than it was read is
//! refused, so that an object cannot have two hashes.

mod check;
mod cursor;
mod read;
mod write;

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use self::cursor::{ID_START, START};
use crate::error::ReadError;
use crate::hash::{HASH_LEN, HEX_LEN, IdHash, ObjectHash, Reference, decode};
use crate::limits::Limits;

/// The canonical text of an object or of an id object, with its hash. A clone shares the text.
#[derive(Clone)]
pub struct Microdata {
    text: Arc<str>,
    hash: [u8; HASH_LEN],
}

impl Microdata {
    /// Takes a text of somebody else, of a type that need not be known. Costs one pass over it, one copy and one hash.
    ///
    /// # Errors
    ///
    /// [`ReadError::Limit`] if it is too large or too deep, [`ReadError::Syntax`] if it is not what a writer would have written.
    /// What only a recipe tells is not checked: the order of properties, which must be there, which kinds they have.
    pub fn check(text: &str, limits: &Limits) -> Result<Self, ReadError> {
        check::check(text, limits)?;
        Ok(Self::trusted(text))
    }

    /// Takes what the writer has written.
    fn trusted(text: &str) -> Self {
        Self { text: text.into(), hash: Sha256::digest(text.as_bytes()).into() }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The SHA-256 of the text as the hash of an object. For an id object this names nothing: see [`Microdata::id_hash`].
    #[must_use]
    pub fn hash(&self) -> ObjectHash {
        ObjectHash::from_bytes(self.hash)
    }

    /// The SHA-256 of the text as an id hash, if this is an id object.
    #[must_use]
    pub fn id_hash(&self) -> Option<IdHash> {
        self.is_id_object().then_some(IdHash::from_bytes(self.hash))
    }

    /// Whether it holds only what all versions of an object have in common.
    #[must_use]
    pub fn is_id_object(&self) -> bool {
        self.text.starts_with(ID_START)
    }

    /// The name of the type.
    #[must_use]
    pub fn type_name(&self) -> &str {
        let start = if self.is_id_object() { ID_START } else { START };
        let name = self.text.get(start.len()..).unwrap_or_default();
        name.split_once('"').map_or("", |(name, _)| name)
    }

    /// Everything that the object refers to, in the order in which it stands there, each once. This needs no recipe.
    #[must_use]
    pub fn references(&self) -> Vec<Reference> {
        let mut seen = HashSet::new();
        // Texts have no `<`, so whatever begins like a link is one.
        self.text.split("<a ").skip(1).filter_map(link).filter(|reference| seen.insert(*reference)).collect()
    }
}

/// The reference behind `<a `.
fn link(rest: &str) -> Option<Reference> {
    let tag = rest.find('>')?;
    let (_, data_type) = rest[..tag].rsplit_once("data-type=\"")?;
    let hash = rest.get(tag + 1..tag + 1 + HEX_LEN)?;
    Reference::new(data_type.strip_suffix('"')?, decode(hash).ok()?)
}

impl PartialEq for Microdata {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash
    }
}

impl Eq for Microdata {}

impl fmt::Display for Microdata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Type, hash and size only: the content is private, and may be long.
impl fmt::Debug for Microdata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Microdata({} {}, {} bytes)", self.type_name(), hex::encode(self.hash), self.text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    #[test]
    fn references_in_their_order_and_once() {
        let text = format!(
            "<div itemscope itemtype=\"//refin.io/Unknown\"><a itemprop=\"x\" data-type=\"obj\">{B}</a><dl itemprop=\"y\"><dt>\
             <a data-type=\"id\">{A}</a></dt><dd><ol><li><a data-type=\"obj\">{B}</a></li><li><a data-type=\"blob\">{B}</a></li>\
             </ol></dd></dl><span itemprop=\"z\">&lt;a data-type=\"obj\"&gt;{A}</span></div>"
        );
        let microdata = Microdata::check(&text, &Limits::DEFAULT).unwrap();
        assert_eq!(microdata.type_name(), "Unknown");
        let references: Vec<_> =
            microdata.references().iter().map(|r| (r.data_type(), hex::encode(r.hash_bytes()))).collect();
        assert_eq!(references, [("obj", B.into()), ("id", A.into()), ("blob", B.into())]);
    }

    #[test]
    fn an_id_object_is_told_apart() {
        let text = "<div data-id-object=\"true\" itemscope itemtype=\"//refin.io/Person\">\
                    <span itemprop=\"email\">a@peer.test</span></div>";
        let microdata = Microdata::check(text, &Limits::DEFAULT).unwrap();
        assert_eq!(microdata.type_name(), "Person");
        assert!(microdata.is_id_object());
        assert_eq!(
            microdata.id_hash().unwrap().to_string(),
            "0f4e59c20542b4320502e71e5a3397fb921bcaa1dbbcd4be01ffe5cd66637776"
        );
    }
}
