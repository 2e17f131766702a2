//! The ids of persons and instances, which follow from what they are called (`spec/one.md §4`).

use std::fmt;

use sha2::{Digest, Sha256};

/// The id hash of a Person.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonId([u8; 32]);

/// The id hash of an Instance.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceId([u8; 32]);

impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PersonId({self})")
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InstanceId({self})")
    }
}

/// The id of the person with this email address.
#[must_use]
pub fn person_id(email: &str) -> PersonId {
    PersonId(id_hash("Person", &format!(r#"<span itemprop="email">{}</span>"#, escape(email))))
}

/// The id of the instance that its owner calls so.
#[must_use]
pub fn instance_id(name: &str, owner: &PersonId) -> InstanceId {
    let name = escape(name);
    let content = format!(r#"<span itemprop="name">{name}</span><a itemprop="owner" data-type="id">{owner}</a>"#);
    InstanceId(id_hash("Instance", &content))
}

fn id_hash(type_name: &str, content: &str) -> [u8; 32] {
    let microdata =
        format!(r#"<div data-id-object="true" itemscope itemtype="//refin.io/{type_name}">{content}</div>"#);
    Sha256::digest(microdata).into()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_from_names() {
        // spec/one.md §4, and what a reference peer called itself in a recording.
        let person = person_id("a@peer.test");
        assert_eq!(person.to_string(), "0f4e59c20542b4320502e71e5a3397fb921bcaa1dbbcd4be01ffe5cd66637776");
    }
}
