//! People, and how they become contacts.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Everybody we know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Contacts {
    /// In no order that means anything.
    pub contacts: Vec<Contact>,
}

/// Somebody we know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Contact {
    /// Person id.
    pub person: String,
    /// E-mail address.
    pub email: String,
    /// The name from their profile, if they have shared it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Devices at which they can be reached.
    pub devices: usize,
    /// Whether one of them is connected now.
    pub connected: bool,
    /// Whether any key of theirs is trusted; not after their keys were forgotten.
    pub trusted: bool,
    /// What kind of AI it is, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ai: Option<Ai>,
}

/// That somebody is an AI, and whose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ai {
    /// Its short name at its owner.
    pub slug: String,
    /// Person id of its owner.
    pub owner: String,
    /// Whether it is one of this node's own.
    pub own: bool,
    /// Whether its owner says so, too. Otherwise whoever was paired with has chosen such an e-mail address, and nobody confirms it.
    #[serde(default)]
    pub confirmed: bool,
}

/// Asks for an invitation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInvitation {
    /// The slug of an AI that is to be paired with, instead of the owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// How long it is good, 1 to 10080 minutes [default: 15].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<u32>,
}

/// An invitation, good for one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Invitation {
    /// As a link.
    pub url: String,
    /// As JSON text, as other apps take it.
    pub json: String,
    /// Until when it is good.
    pub expires: u64,
}

/// An invitation that somebody has sent us.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptInvitation {
    /// As a link or as JSON text.
    pub invitation: String,
}
