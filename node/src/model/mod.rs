//! A person's node: who they are, whom they know, what they talk about, and what of that others may have (`spec/one.md §3–5`).
//!
//! [`Node`] is the whole of it, on top of a folder ([`Home`]) with keys that are encrypted at rest and a store. Everything that
//! changes something is one transaction: it is done as a whole or not at all, also if the power fails. Calls block on the disk;
//! a service makes them on threads that may wait. No network is known here: what comes from others comes through [`Library`], as
//! verified objects, and it is decided here what of it is taken.
//!
//! ```text
//! Node::create / open                      a folder, keys, the first objects
//! add_contact, contacts, endpoints,        pairing and the address book
//!   person_keys, expected, forget_keys
//! topic_with, create_group, topics         conversations
//! post, messages, attach, attachment       what is said in them
//! library(person, instance)                what a contact may have and may give: the other end of ratatosk-chum
//! create_agent, open_agent, mirror, …      AIs of this person: each a contact, with a node of its own
//! invitations, settings, examine, repair   the rest
//! ```
//!
//! | Room | What lives there |
//! | --- | --- |
//! | `ai` | AIs of this person, and of others |
//! | [`home`] | the folder, its protection, the secret keys |
//! | `genesis` | the first objects |
//! | `trust` | which keys are whose: certificates and signatures of ours |
//! | `contacts` | the address book, and what pairing adds to it |
//! | `sharing` | who may have what |
//! | `exchange`, `introduction` | what may come from whom, and what becomes of it |
//! | `library` | both of these for one connection |
//! | `topics`, `chat` | conversations, messages, files |
//! | `invitations`, `settings` | what is kept besides objects |
//! | `integrity` | what is wrong with a node |

mod ai;
mod chat;
mod contacts;
mod db;
mod error;
mod exchange;
mod genesis;
pub mod home;
mod integrity;
mod introduction;
mod invitations;
mod library;
mod node;
mod profile;
mod settings;
mod sharing;
mod topics;
mod trust;

#[cfg(test)]
mod tests;

pub use self::ai::{
    Agent, AgentEdit, AgentEmail, AgentSettings, AgentState, Audience, MAX_AGENTS, MAX_ANSWER, MAX_CONSIDERED,
    MAX_CONTEXT, MAX_MODEL_NAME, MAX_PERSONALITY, MAX_SLUG, NewAgent, Preset, Repaired, is_slug,
};
pub use self::chat::{
    Affirmed, Arrivals, Attachment, Cursor, FileInfo, MAX_ATTACHMENT, MAX_ATTACHMENTS, MAX_PAGE, MAX_TEXT, Message,
    NewAttachment, Page, Posted,
};
pub use self::contacts::{Added, Contact, Endpoint, MAX_CONTACTS, MAX_DEVICES};
pub use self::error::ModelError;
pub use self::exchange::{MAX_PROFILE_PARTS, MAX_PROFILES, MAX_TOPICS, MAX_TOPICS_OF_ONE, Refusal};
pub use self::genesis::Me;
pub use self::home::{AgentKey, Home, HomeError, NewPerson, Protected, Protection};
pub use self::integrity::Problem;
pub use self::introduction::MAX_INTRODUCED;
pub use self::library::{Change, Library};
pub use self::node::{Clock, Node};
pub use self::settings::{PRIORITIES, PRIORITY};
pub use self::topics::{MAX_PARTICIPANTS, MAX_TOPIC_NAME, Topic, TopicId};
