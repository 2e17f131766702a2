//! Persons, their instances and profiles, and who knows whom.

use super::field::typed;
use crate::hash::{IdHash, InstanceId, ObjectHash, PersonId};

/// What stands in [`Leute::app_id`], always.
pub const LEUTE_APP_ID: &str = "one.leute";

/// For types, by name, from which properties something can be found backwards. An index of real peers.
pub type ReverseMapTypes = Vec<(String, Vec<String>)>;

typed! {
    /// Somebody, told apart from others by the email address alone.
    Person [Versioned] {
        /// The address: any text. Identity.
        email: String = One "email",
        /// A name. Real peers use [`PersonName`] in a profile instead.
        name: Option<String> = One "name",
    }
}

impl Person {
    /// The person with this address.
    pub fn new(email: impl Into<String>) -> Self {
        Self { email: email.into(), name: None }
    }
}

typed! {
    /// One installation that a person uses.
    Instance [Versioned] {
        /// The name. Identity.
        name: String = One "name",
        /// Whose it is. Identity.
        owner: PersonId = One "owner",
        /// Recipes that it knows, as objects.
        recipe: Vec<ObjectHash> = Set "recipe",
        /// What it indexes, of objects.
        enabled_reverse_map_types: ReverseMapTypes = MapOfSets "enabledReverseMapTypes",
        /// What it indexes, of id objects.
        enabled_reverse_map_types_for_id_objects: ReverseMapTypes = MapOfSets "enabledReverseMapTypesForIdObjects",
    }
}

impl Instance {
    /// An instance of which only the identity is known.
    pub fn new(name: impl Into<String>, owner: PersonId) -> Self {
        Self {
            name: name.into(),
            owner,
            recipe: Vec::new(),
            enabled_reverse_map_types: Vec::new(),
            enabled_reverse_map_types_for_id_objects: Vec::new(),
        }
    }
}

typed! {
    /// Where a person can be reached: at an instance, with keys, through a CommServer.
    OneInstanceEndpoint {
        /// The person.
        person_id: PersonId = One "personId",
        /// The instance.
        instance_id: InstanceId = One "instanceId",
        /// The person's Keys.
        person_keys: ObjectHash = One "personKeys",
        /// The instance's Keys.
        instance_keys: ObjectHash = One "instanceKeys",
        /// The CommServer, `ws://…` or `wss://…`.
        url: Option<String> = One "url",
    }
}

typed! {
    /// How a person is called, as part of a profile.
    PersonName {
        /// The name.
        name: String = One "name",
    }
}

typed! {
    /// What a person says of themselves at a moment, as part of a profile.
    PersonStatus {
        /// The words.
        value: String = One "value",
        /// When, in milliseconds since 1970.
        timestamp: u64 = One "timestamp",
        /// Where; may be empty.
        location: String = One "location",
    }
}

typed! {
    /// What one person (the owner) says about a person.
    Profile [Versioned] {
        /// Which of the owner's profiles of that person; the main one is `default`. Identity.
        profile_id: String = One "profileId",
        /// Whom it is about. Identity.
        person_id: PersonId = One "personId",
        /// Who says it. Identity.
        owner: PersonId = One "owner",
        /// Where the person can be reached: OneInstanceEndpoint and others.
        communication_endpoint: Vec<ObjectHash> = Bag "communicationEndpoint",
        /// What there is to say: PersonName, SignKey and others.
        person_description: Vec<ObjectHash> = Bag "personDescription",
    }
}

typed! {
    /// A contact: a human, with the persons it appears as.
    Someone [Versioned] {
        /// Any text that nobody else has. Identity.
        someone_id: String = One "someoneId",
        /// The Profile that is shown.
        main_profile: IdHash = One "mainProfile",
        /// The persons, and the Profiles of each.
        identities: Vec<(PersonId, Vec<IdHash>)> = MapOfSets "identities",
    }
}

typed! {
    /// The address book.
    Leute [Versioned] {
        /// [`LEUTE_APP_ID`]. Identity: each instance has one.
        app_id: String = One "appId",
        /// The Someone whose address book it is.
        me: IdHash = One "me",
        /// The Someones of everybody else.
        other: Vec<IdHash> = Bag "other",
        /// GroupProfiles.
        group: Vec<IdHash> = Bag "group",
    }
}

typed! {
    /// Several persons under a name.
    Group [Versioned] {
        /// The name. Identity.
        name: String = One "name",
        /// Who belongs to it.
        person: Vec<PersonId> = Bag "person",
    }
}
