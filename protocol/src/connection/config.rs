//! What a connection needs to know before it begins.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::key::{KeyPair, PublicKey};
use crate::phase::Deadlines;
use crate::ping::DEFAULT_PING_GRACE;
use crate::plugin::{AllLinked, CHUNK_LEN, CLOSE_AFTER_SILENCE, MAX_MESSAGE_LEN, Plugins, SEND_AFTER_IDLE};

/// Times and sizes of a connection. The defaults are the reference's where it has any.
#[derive(Clone, Debug)]
pub struct Config {
    /// Deadlines of the phases.
    pub deadlines: Deadlines,
    /// How much longer than its ping interval a CommServer may be silent before a spare is given up.
    pub ping_grace: Duration,
    /// Idle time before a keepalive pulse.
    pub keepalive_after: Duration,
    /// Silence of the peer before the connection is given up.
    pub silence_limit: Duration,
    /// Bytes of a fragment.
    pub chunk_len: usize,
    /// Largest message that is put together from fragments. One peer can make this end keep twice as much, and four times
    /// for the moment in which a text that is not UTF-8 is decoded.
    pub max_message_len: usize,
    /// Where the plugins of a connection come from.
    pub plugins: Arc<dyn Plugins>,
    /// Whether the application runs phase 6 on its connections. Then a connection enters it as soon as it is encrypted, and is
    /// closed if [`super::Connection::complete`] is not called in time. Otherwise a connection that is encrypted is done.
    pub completion: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            deadlines: Deadlines::default(),
            ping_grace: DEFAULT_PING_GRACE,
            keepalive_after: SEND_AFTER_IDLE,
            silence_limit: CLOSE_AFTER_SILENCE,
            chunk_len: CHUNK_LEN,
            max_message_len: MAX_MESSAGE_LEN,
            plugins: Arc::new(AllLinked),
            completion: false,
        }
    }
}

/// Decides whether a connection from `source` to our key `target` is wanted. Called once for each request, in line: it
/// answers at once or not at all.
pub type RequestPolicy = dyn Fn(&PublicKey, &PublicKey) -> bool + Send + Sync;

/// The keys under which this end can be reached.
#[derive(Clone)]
pub struct KeyRing {
    first: KeyPair,
    others: Vec<KeyPair>,
    policy: Arc<RequestPolicy>,
}

impl KeyRing {
    /// A ring of one key that everybody may ask for.
    #[must_use]
    pub fn new(key: KeyPair) -> Self {
        Self { first: key, others: Vec::new(), policy: Arc::new(|_, _| true) }
    }

    /// Adds a key that peers may ask for. It is not registered at a CommServer.
    #[must_use]
    pub fn with_key(mut self, key: KeyPair) -> Self {
        self.others.push(key);
        self
    }

    /// Asks `policy` about every request.
    #[must_use]
    pub fn with_policy(mut self, policy: Arc<RequestPolicy>) -> Self {
        self.policy = policy;
        self
    }

    /// The key that a listener registers.
    #[must_use]
    pub fn registered(&self) -> &KeyPair {
        &self.first
    }

    pub(super) fn find(&self, key: &PublicKey) -> Option<&KeyPair> {
        std::iter::once(&self.first).chain(&self.others).find(|pair| pair.public() == key)
    }

    pub(super) fn wants(&self, source: &PublicKey, target: &PublicKey) -> bool {
        (self.policy)(source, target)
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing").field("first", self.first.public()).field("others", &self.others.len()).finish()
    }
}

/// Who dials whom.
#[derive(Clone, Debug)]
pub struct Connector {
    /// Our key.
    pub local: KeyPair,
    /// The key of the peer that we want.
    pub remote: PublicKey,
}
