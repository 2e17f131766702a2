//! When an AI speaks in a conversation, and what it is told of it.
//!
//! Everything here is a function of what stands in a topic: no clock, no storage, no network. Two nodes that hold the same topic
//! come to the same conclusion, so nobody has to tell anybody whose turn it is.
//!
//! | Room | What lives there |
//! | --- | --- |
//! | [`conversation`] | a topic as an AI sees it: who takes part, what was said, in the order of the channel |
//! | [`rules`] | `/ai …`: what the people of a topic have said about when AIs speak |
//! | [`mention`] | `@name` |
//! | [`mod@decide`] | whether this AI has something to answer now |
//! | [`mod@prompt`] | what the model is told |
//! | [`mod@answer`] | what of the model's text is said, and notices of failures |
//! | [`names`] | names of others, so that they are nothing but names |
//!
//! # When it ends
//!
//! AIs answer AIs only in what follows the last thing that a person said, and there only while fewer than `hops` messages of AIs
//! stand in a row. In the mode `free` each AI has its share of these places, so that the sum holds even if all of them speak at
//! once. In a topic without a person nobody answers. A message that was considered is never answered again, wherever later
//! arrivals put it in the channel.
//!
//! # What texts of others cannot do
//!
//! A [`Prompt`] has one text of the owner, [`Prompt::system`], and turns that are either the AI's own words or those of others. There is
//! no way from a message to the first, and none from somebody else's to the second. Among the others' words, a line that begins
//! without an indent is one that this crate has written: nobody can speak in somebody else's name by writing it on a new line.

pub mod answer;
pub mod conversation;
pub mod decide;
pub mod mention;
pub mod names;
pub mod prompt;
pub mod rules;

pub use self::answer::{MAX_ANSWER, NOTICE, answer, is_notice, notice, stops};
pub use self::conversation::{Conversation, Me, Participant, Said, WINDOW, shortened};
pub use self::decide::{Decision, MAX_AGE, Why, decide};
pub use self::prompt::{Budget, Prompt, Turn, Voice, prompt};
pub use self::rules::{MAX_HOPS, Mode, Rules, is_early, rules_of};
