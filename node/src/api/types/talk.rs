//! Conversations.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Ai;

/// All conversations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Topics {
    /// In no order that means anything.
    pub topics: Vec<Topic>,
}

/// A conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Topic {
    /// The id hash of its channel: `{t}` in the addresses of this API.
    pub id: String,
    /// What a group is called; a conversation of two has no name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether it is a conversation of two.
    pub one_to_one: bool,
    /// Who takes part, ourselves included.
    pub participants: Vec<Participant>,
    /// How the AIs in it behave.
    pub rules: Rules,
    /// How urgent answers of our AIs in it are, 1 to 10.
    pub priority: u8,
    /// When the newest message was written, by its author's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<u64>,
    /// The hash of all that is known of it: the same on two nodes that know the same.
    pub head: String,
}

/// Somebody in a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Participant {
    /// Person id.
    pub person: String,
    /// Name, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// E-mail address, if known: others may have put somebody into it whom we do not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether that is us.
    pub me: bool,
    /// Set for an AI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ai: Option<Ai>,
    /// For an AI of ours: the hash of all that it knows of the conversation, if it knows of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
}

/// How AIs behave in a group, as the newest `/ai …` message of a person in it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Rules {
    /// Who answers.
    pub mode: Mode,
    /// How many messages of AIs may follow each other, 1 to 32.
    pub hops: u8,
}

/// Which AIs answer in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// None.
    Off,
    /// Those that are mentioned, as `@name`.
    Mention,
    /// One after the other, one to each message of a person.
    RoundRobin,
    /// Every one.
    Free,
}

/// A new conversation, or the one that exists with that person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTopic {
    /// The name of a group; without one it is the conversation of two with the one person in `people`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Person ids of the others.
    pub people: Vec<String>,
}

/// What can be changed about a conversation, on this node alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditTopic {
    /// How urgent answers of our AIs in it are, 1 to 10 (most).
    #[schema(minimum = 1, maximum = 10)]
    pub priority: u8,
}

/// Which page of messages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// `older` of the page after it; without, the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// How many at most, 1 to 200 [default: 50]; fewer if they are very long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// A page of messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Messages {
    /// Oldest first, in the order that all nodes have.
    pub messages: Vec<Message>,
    /// For `before`, if there are older ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub older: Option<String>,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Message {
    /// Its id: the hash of its place in the conversation.
    pub id: String,
    /// Where: the id of the conversation.
    pub topic: String,
    /// Person id of its author, as it says itself.
    pub author: String,
    /// Whether we wrote it.
    pub own: bool,
    /// When it was written, by its author's clock.
    pub at: i64,
    /// What it says.
    pub text: String,
    /// Whether its author signed it.
    pub affirmed: Affirmed,
    /// Files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
}

/// Whether a message is really of its author.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Affirmed {
    /// A trusted key of the author signed it.
    Verified,
    /// Nobody whom we trust to be the author did.
    Unverified,
    /// The signature is of somebody else.
    Forged,
}

/// A file of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attachment {
    /// The hash of the content: `GET /v1/files/{file}`, once it is here.
    pub file: String,
    /// What the author calls it.
    pub name: String,
    /// The media type that the author says.
    pub media_type: String,
    /// Bytes, as far as known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

/// A message of ours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMessage {
    /// What it says, 10 MiB at most.
    pub text: String,
    /// Files that were stored with `POST /v1/files` before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<NewAttachment>,
}

/// A file that is to be attached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAttachment {
    /// `file` of the answer to `POST /v1/files`.
    pub file: String,
}

/// What a file is called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UploadQuery {
    /// Its name.
    pub name: String,
    /// Its media type [default: application/octet-stream].
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
}

/// A file that waits here for a message to be attached to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StoredFile {
    /// For [`NewAttachment`].
    pub file: String,
    /// Bytes.
    pub size: u64,
}

/// What `stop` has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Stopped {
    /// Answers that were being written or waited for their turn.
    pub answers: usize,
}
