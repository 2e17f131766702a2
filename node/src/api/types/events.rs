//! What `GET /v1/events` tells, as server-sent events: `event:` is the type, `data:` the JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Agent, Contact, Message, Queue, Topic};

/// Something has happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", content = "data", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Event {
    /// The stream begins: whatever happens from now on is told.
    Ready,
    /// A message is here: of others, or our own.
    Message(Message),
    /// A conversation is new.
    Topic(Topic),
    /// An AI is writing; the message follows.
    Draft(DraftEvent),
    /// A device of a contact has got all that we have of a conversation.
    Delivered(DeliveredEvent),
    /// A contact is connected, or is not any more.
    Connection(ConnectionEvent),
    /// Somebody has become a contact.
    Paired(PairedEvent),
    /// What a contact says of themselves has changed.
    Contact(Contact),
    /// Whether we can be reached at the CommServer.
    Online {
        /// Whether.
        online: bool,
    },
    /// What the engines have to do has changed.
    Queue(Queue),
    /// An AI of ours is not as it was.
    Agent(Agent),
    /// An AI of ours is no more.
    AgentRemoved {
        /// Its slug.
        slug: String,
    },
    /// Something that takes long goes on.
    Progress(Progress),
    /// Something failed in a way that somebody may want to know of.
    Trouble(TroubleEvent),
    /// The listener was too slow, and has missed this many events: what matters has to be fetched again.
    Lagged {
        /// How many.
        missed: u64,
    },
    /// The daemon stops.
    Stopping,
}

impl Event {
    /// The name in `event:`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Message(_) => "message",
            Self::Topic(_) => "topic",
            Self::Draft(_) => "draft",
            Self::Delivered(_) => "delivered",
            Self::Connection(_) => "connection",
            Self::Paired(_) => "paired",
            Self::Contact(_) => "contact",
            Self::Online { .. } => "online",
            Self::Queue(_) => "queue",
            Self::Agent(_) => "agent",
            Self::AgentRemoved { .. } => "agent-removed",
            Self::Progress(_) => "progress",
            Self::Trouble(_) => "trouble",
            Self::Lagged { .. } => "lagged",
            Self::Stopping => "stopping",
        }
    }
}

/// A piece of an answer that is being written. It is nobody's word yet: nothing of it is signed or kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DraftEvent {
    /// The conversation.
    pub topic: String,
    /// Who writes.
    pub person: String,
    /// Which answer: one may be given up and another one begun.
    pub answer: String,
    /// Bytes of the draft that come before `text`; less than what is known means that it is written anew from there.
    pub offset: u64,
    /// What comes there.
    pub text: String,
    /// How it stands.
    pub state: DraftState,
    /// More about it, for a person: the place in the queue, how much of the model is loaded. Drafts of our own AIs only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// How a draft stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DraftState {
    /// More is to come.
    Writing,
    /// All is written; the message follows.
    Done,
    /// It failed; a message may say why.
    Failed,
    /// Somebody has stopped it.
    Cancelled,
}

/// A device of a contact has got all that we have of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeliveredEvent {
    /// Whose device.
    pub person: String,
    /// The conversation.
    pub topic: String,
}

/// A contact is connected, or is not any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConnectionEvent {
    /// Person id.
    pub person: String,
    /// Whether.
    pub connected: bool,
    /// With which AI of ours, by its slug; without, with the owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
}

/// Somebody has become a contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PairedEvent {
    /// Who.
    pub contact: Contact,
    /// Whether we have accepted their invitation; otherwise it was ours.
    pub initiated: bool,
    /// Of which AI of ours, by its slug; without, of the owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
}

/// How far something is that takes long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Progress {
    /// What, for a person: `backup`, `import of NAME`.
    pub what: String,
    /// How much is done, in bytes.
    pub done: u64,
    /// Of how much, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
}

/// Something failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TroubleEvent {
    /// With what.
    pub place: String,
    /// What happened, for a person; texts of other ends are escaped.
    pub text: String,
    /// Of which AI of ours, by its slug.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
}
