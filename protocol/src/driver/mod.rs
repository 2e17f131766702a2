//! The tokio driver: sockets, clocks and tasks around the machines, and nothing else.
//!
//! No task outlives the handle that owns it: dropping a [`Session`], a [`Listener`] or a [`DirectListener`] ends what it
//! runs, at once and without a close frame; their `close` and `stop` end it properly and wait.

mod connector;
mod direct;
mod error;
mod events;
mod limited;
mod listener;
mod news;
mod session;
mod socket;
mod supervisor;
mod task;
#[cfg(test)]
mod task_tests;
mod wait;

use std::sync::Arc;
use std::time::Instant;

pub use connector::{ConnectorConfig, connect, connect_until_successful};
pub use direct::DirectListener;
pub use error::DriverError;
pub use events::{Events, Notice, NoticeKind, Subscription};
pub use listener::{Listener, ListenerConfig};
pub use session::{Session, SessionSender};
pub use socket::check_url;

use crate::connection::Config;
use crate::entropy::{Entropy, OsEntropy};

/// What all connections of an application share. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// Times and sizes.
    pub config: Arc<Config>,
    /// Where everything that happens is told.
    pub events: Events,
}

/// The clock of the driver: tokio's, so that a test can stop it.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// The randomness of the driver: the operating system's.
#[must_use]
pub fn os_entropy() -> Box<dyn Entropy> {
    Box::new(OsEntropy)
}
