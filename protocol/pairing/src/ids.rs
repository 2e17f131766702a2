//! The ids of persons and instances, which follow from what they are called (`spec/one.md §4`).

use ratatosk_objects::typed::{Instance, Person};
use ratatosk_objects::{InstanceId, PersonId, Versioned, WriteError};

/// The id of the person with this email address.
pub(crate) fn person_id(email: &str) -> Result<PersonId, WriteError> {
    Person::new(email).id_hash().map(PersonId::from)
}

/// The id of the instance that its owner calls so.
pub(crate) fn instance_id(name: &str, owner: PersonId) -> Result<InstanceId, WriteError> {
    Instance::new(name, owner).id_hash().map(InstanceId::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_from_names() {
        // The worked example of spec/one.md §4.
        let person = person_id("a@peer.test").unwrap();
        assert_eq!(person.to_string(), "0f4e59c20542b4320502e71e5a3397fb921bcaa1dbbcd4be01ffe5cd66637776");
    }
}
