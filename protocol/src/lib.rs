//! The wire protocol of the ONE network, without IO.
//!
//! Everything in this crate outside `driver` is a pure machine: it opens no socket, spawns no task and reads no clock.
//! Time is an argument, randomness comes from an [`entropy::Entropy`], and what a machine wants done comes out as values.
//!
//! | Room | What lives there |
//! | --- | --- |
//! | [`key`] | public and secret keys, their hex form |
//! | [`crypto`] | boxes with an embedded nonce, the registration challenge |
//! | [`message`] | the JSON control messages |
//! | [`close`] | close codes and reasons |
//! | [`ping`] | the timers of spare connections |
//! | [`plugin`] | the plugin stack, ping and pong, and the linked plugins of `plugins/` |
//! | [`phase`], [`trace`] | the six phases, their deadlines, the record of a connection |
//! | [`connection`] | the machine of one connection, phases 1 to 5; phase 6 runs on top of it |
//! | [`spare`], [`backoff`] | how many spare connections a listener keeps, and when it tries again |
//! | [`metrics`] | counts by role and phase |
//! | `driver` | tokio around it all, behind the feature of that name |
//! | [`padding`], [`keyword`], [`text`] | what the plugins are made of, from their own crates |

pub mod backoff;
pub mod close;
pub mod connection;
pub mod crypto;
#[cfg(feature = "driver")]
pub mod driver;
pub mod entropy;
pub mod key;
pub mod message;
pub mod metrics;
pub mod phase;
pub mod ping;
pub mod plugin;
pub mod spare;
mod time;
pub mod trace;

pub use ratatosk_plugin::{keyword, text};
pub use ratatosk_plugin_encryption::padding;
