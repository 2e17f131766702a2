//! How a service behaves, and what it may cost.

use std::time::Duration;

use ratatosk_protocol::backoff::Backoff;
use ratatosk_protocol::spare::SparePolicy;

/// Settings of a service. Only the address of the CommServer has no default.
#[derive(Clone, Debug)]
pub struct Config {
    /// The CommServer at which we are reached, and which our invitations name.
    pub url: String,
    /// How many spare connections the listener keeps there.
    pub spares: SparePolicy,
    /// The delays between attempts to reach a contact. The reference waits 5 to 10 seconds each time.
    pub backoff: Backoff,
    /// How long an invitation lives. The reference's default is one minute.
    pub invitation_life: Duration,
    /// Connections of strangers in phase 6 at a time; one more is turned away. Contacts have room of their own.
    pub strangers: usize,
    /// Connections of one contact in phase 6 at a time.
    pub per_contact: usize,
    /// Threads that may work at the storage at a time.
    pub blocking: usize,
    /// How long a stop waits for connections to close.
    pub stopping: Duration,
}

impl Config {
    /// The defaults, at this CommServer.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            spares: SparePolicy::default(),
            backoff: Backoff::default(),
            invitation_life: Duration::from_secs(60),
            strangers: 32,
            per_contact: 4,
            blocking: 4,
            stopping: Duration::from_secs(10),
        }
    }
}
