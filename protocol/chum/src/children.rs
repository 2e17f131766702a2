//! Lists of children: everything that an object needs, dependencies behind what needs them (`spec/one.md §5`, services 4 and 5).

use ratatosk_objects::Reference;

use crate::list::{self, Entry, ListError, push_hex};

/// Bytes of one entry on the wire, with the escapes of a JSON string in a JSON string.
pub(crate) const ENTRY_LEN: usize = 100;

/// Writes a list as the reference does.
#[must_use]
pub fn write<'a>(children: impl ExactSizeIterator<Item = &'a Reference>) -> String {
    let mut out = String::with_capacity(2 + 97 * children.len());
    for (index, child) in children.enumerate() {
        out.push(if index > 0 { ',' } else { '[' });
        out.push_str(match child {
            Reference::Object(_) => r#"{"type":"object","hash":""#,
            Reference::Id(_) => r#"{"type":"id","hash":""#,
            Reference::Blob(_) => r#"{"type":"blob","hash":""#,
            Reference::Clob(_) => r#"{"type":"clob","hash":""#,
        });
        push_hex(&mut out, child.hash_bytes());
        out.push_str("\"}");
    }
    if out.is_empty() {
        out.push('[');
    }
    out.push(']');
    out
}

/// Reads a list of at most `max` children.
///
/// # Errors
///
/// [`ListError`]: nothing of such a list is used.
pub fn read(json: &str, max: usize) -> Result<Vec<Reference>, ListError> {
    Ok(list::read::<Child>(json, max)?.into_iter().map(|child| child.0).collect())
}

struct Child(Reference);

#[derive(serde::Deserialize)]
struct RawChild {
    r#type: Kind,
    hash: ratatosk_objects::ObjectHash,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Object,
    Id,
    Blob,
    Clob,
}

impl Entry<'_> for Child {
    type Raw = RawChild;

    fn from_raw(raw: RawChild) -> Result<Option<Self>, String> {
        let kind = match raw.r#type {
            Kind::Object => "obj",
            Kind::Id => "id",
            Kind::Blob => "blob",
            Kind::Clob => "clob",
        };
        Ok(Reference::new(kind, *raw.hash.as_bytes()).map(Self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_reference_writes_them() {
        let children: Vec<_> = ["obj", "id", "blob", "clob"]
            .iter()
            .zip(0..)
            .map(|(kind, byte)| Reference::new(kind, [byte; 32]).unwrap())
            .collect();
        let json = write(children.iter());
        assert!(json.starts_with(r#"[{"type":"object","hash":"00"#) && json.ends_with(r#"03"}]"#), "{json}");
        assert_eq!(read(&json, 4), Ok(children));
        assert_eq!(read(&json, 3), Err(ListError::TooLong(3)));
        assert_eq!((write([].iter()), read("[]", 0)), ("[]".to_owned(), Ok(Vec::new())));
    }

    #[test]
    fn an_entry_has_the_length_that_is_reckoned_with() {
        let child = Reference::new("obj", [0; 32]).unwrap();
        let length = |count| serde_json::to_string(&write(vec![child; count].iter())).unwrap().len();
        assert_eq!(length(3) - length(2), ENTRY_LEN);
    }

    #[test]
    fn lists_that_lie_about_what_they_are() {
        let hash = "0".repeat(64);
        for list in [
            "null".to_owned(),
            format!(r#"[{{"type":"file","hash":"{hash}"}}]"#),
            format!(r#"[{{"type":"id","hash":"{}"}}]"#, &hash[1..]),
            format!(r#"[{{"type":"id","hash":"{}A"}}]"#, &hash[1..]),
            format!(r#"{{"type":"id","hash":"{hash}"}}"#),
        ] {
            assert!(matches!(read(&list, 9), Err(ListError::Malformed(_))), "{list}");
        }
    }
}
