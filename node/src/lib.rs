//! A node of the ONE network as a library: the model of a person's node, and what the programs are made of.
//!
//! | Room | What lives there |
//! | --- | --- |
//! | [`model`] | who we are, whom we know, what we talk about, and what of that others may have |
//! | [`service`] | the node on the network |
//! | [`daemon`] | a node that runs: the owner's and the AIs', with an API |
//! | [`backup`] | one encrypted file with everything |
//! | [`api`] | the HTTP API of a daemon, and what goes over it |
//! | [`client`] | what the commands speak to a daemon with |
//! | [`models`] | the model files that there are |

pub mod api;
pub mod backup;
pub mod client;
pub mod daemon;
pub mod model;
pub mod models;
pub mod service;
