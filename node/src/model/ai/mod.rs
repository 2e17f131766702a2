//! AIs of ours: each is a person of its own, with keys, a node and a folder of its own, and belongs to the person of this node.
//!
//! ```text
//! DIR/store.db                 the owner's: Person, Keys, Instance, Profile, Someone, certificates, LLM, settings of each AI
//! DIR/agents/SLUG/             the AI's own node: identity.json, sealed by a key that follows from the owner's; store.db
//! ```
//!
//! That an AI has a node of its own means that all that holds for people holds for it: it signs with its own keys, others pair and
//! talk with it, and it sees what its own topics hold and nothing else.
//!
//! # What happens in which order
//!
//! [`Node::create_agent`]: the folder with its keys; the node in it with its profile; then one transaction in the owner's store.
//! Whoever is interrupted before that leaves a folder that no AI belongs to: nobody has seen its keys, and the next
//! `create_agent` of that short name goes on with it. [`Node::remove_agent`]: the AI is marked and shared no longer; its folder is
//! deleted with its keys and all it has said to others; the mark is taken away. Its Someone stays, so that what it has said in
//! topics of the owner can still be verified; its `LLM` object stays as well, not active. [`Node::examine`] names what was
//! interrupted or lost, [`Node::repair`] mends what can be mended.
//!
//! | Room | What lives there |
//! | --- | --- |
//! | `email` | the e-mail that says whose AI somebody is |
//! | `settings` | what is chosen about an AI |
//! | `book` | what the owner's store knows of AIs |
//! | `record` | writing that, in one transaction |
//! | `create`, `open`, `edit` | making AIs, their nodes, changing and removing them |
//! | `usage` | how often and when they have answered |
//! | `mirror` | whom an AI knows: whoever its owner knows |
//! | `answers` | what an AI has answered, so that it does so once |
//! | `examine`, `repair` | what is wrong, and what can be done about it |

mod answers;
mod book;
mod create;
mod edit;
mod email;
mod examine;
mod mirror;
mod open;
mod record;
mod repair;
mod settings;
mod usage;

pub use self::answers::MAX_CONSIDERED;
pub use self::book::MAX_AGENTS;
pub use self::email::{AgentEmail, MAX_SLUG, is_slug};
pub(super) use self::open::OpenAgents;
pub(super) use self::record::introduce_all;
pub use self::repair::Repaired;
pub use self::settings::{
    Agent, AgentEdit, AgentSettings, AgentState, Audience, MAX_ANSWER, MAX_CONTEXT, MAX_MODEL_NAME, MAX_PERSONALITY,
    NewAgent, Preset,
};
#[cfg(test)]
pub(super) use self::{create::Step, edit::Removal, record::llm_id};
