//! Channels, what is posted to them, and who may have it.

use super::field::typed;
use crate::hash::{BlobHash, IdHash, ObjectHash, PersonId};

/// The id of the channel, and of the topic, that two persons have for themselves: both ids in order, joined by `<->`.
#[must_use]
pub fn direct_channel_id(one: PersonId, other: PersonId) -> String {
    let (first, second) = if one < other { (one, other) } else { (other, one) };
    format!("{first}<->{second}")
}

typed! {
    /// A conversation, as it is shown to people. It has no versions.
    Topic {
        /// What it is called.
        name: Option<String> = One "name",
        /// Which one it is: that of its channel.
        id: String = One "id",
        /// Its ChannelInfo.
        channel: IdHash = One "channel",
    }
}

typed! {
    /// A channel: a list of entries, newest first.
    ChannelInfo [Versioned] {
        /// Which one it is. Identity.
        id: String = One "id",
        /// Who alone posts to it; nobody owns a conversation of two. Identity.
        owner: Option<PersonId> = One "owner",
        /// The newest LinkedListEntry, if there is any.
        head: Option<ObjectHash> = One "head",
    }
}

impl ChannelInfo {
    /// The channel of two persons, empty.
    #[must_use]
    pub fn direct(one: PersonId, other: PersonId) -> Self {
        Self { id: direct_channel_id(one, other), owner: None, head: None }
    }
}

typed! {
    /// An entry of a channel.
    LinkedListEntry {
        /// The CreationTime of what was posted.
        data: ObjectHash = One "data",
        /// Signatures of certificates for it, and others.
        metadata: Option<Vec<ObjectHash>> = Bag "metadata",
        /// The entry before.
        previous: Option<ObjectHash> = One "previous",
    }
}

typed! {
    /// When something was made.
    CreationTime {
        /// Milliseconds since 1970.
        timestamp: u64 = One "timestamp",
        /// What.
        data: ObjectHash = One "data",
    }
}

typed! {
    /// A message. Who sent it is proven by a certificate, not by `sender`.
    ChatMessage {
        /// The words.
        text: String = One "text",
        /// BlobDescriptors. An empty list is not the same object as none.
        attachments: Option<Vec<ObjectHash>> = Array "attachments",
        /// Who claims to have sent it.
        sender: PersonId = One "sender",
        /// Small pictures of the attachments.
        thumbnails: Option<Vec<ObjectHash>> = Array "thumbnails",
    }
}

typed! {
    /// A file.
    BlobDescriptor {
        /// Its bytes.
        data: BlobHash = One "data",
        /// When it was changed, in milliseconds since 1970. File systems know fractions, and times before that.
        last_modified: f64 = One "lastModified",
        /// Its name: of somebody else, and no path.
        name: String = One "name",
        /// Its bytes, counted.
        size: u64 = One "size",
        /// Its media type.
        media_type: String = One "type",
    }
}

typed! {
    /// Who may have one version of an object.
    Access [Versioned] {
        /// The object. Identity.
        object: ObjectHash = One "object",
        /// These persons.
        person: Vec<PersonId> = Bag "person",
        /// The persons of these Groups.
        group: Vec<IdHash> = Bag "group",
    }
}

typed! {
    /// Who may have all versions of an object.
    IdAccess [Versioned] {
        /// The object. Identity.
        id: IdHash = One "id",
        /// These persons.
        person: Vec<PersonId> = Bag "person",
        /// The persons of these Groups.
        group: Vec<IdHash> = Bag "group",
    }
}
