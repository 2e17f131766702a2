//! What goes over the HTTP API, in both directions: the server and the command line use the same types, and the OpenAPI document is
//! made of them.
//!
//! Ids are lowercase hex. Times are milliseconds since 1970. Names, e-mail addresses and texts are of other people: who shows them
//! escapes them.

mod agents;
mod care;
mod error;
mod events;
mod models;
mod people;
mod status;
mod talk;
mod trace;

pub use self::agents::{Agent, AgentState, Agents, Audience, EditAgent, NewAgent, Preset, Queue, Waiting};
pub use self::care::{BackupDone, Finding, Level, NewBackup, Repair, Report};
pub use self::error::{ApiError, ErrorBody};
pub use self::events::{
    ConnectionEvent, DeliveredEvent, DraftEvent, DraftState, Event, PairedEvent, Progress, TroubleEvent,
};
pub use self::models::{ImportModel, Model, Models};
pub use self::people::{AcceptInvitation, Ai, Contact, Contacts, Invitation, NewInvitation};
pub use self::status::{AgentBrief, EditMe, EngineBrief, EngineState, Me, Relay, Status};
pub use self::talk::{
    Affirmed, Attachment, EditTopic, Message, Messages, Mode, NewAttachment, NewMessage, NewTopic, PageQuery,
    Participant, Rules, Stopped, StoredFile, Topic, Topics, UploadQuery,
};
pub use self::trace::{Trace, TraceConnection, TraceEntry};
