//! What the relay asks its surroundings for: the time, and randomness.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use ratatosk_protocol::entropy::{Entropy, OsEntropy};

/// The clock of the relay: tokio's, so that a simulation can stop it.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Where the randomness of a relay comes from: the operating system, unless a simulation needs the same bytes again.
#[derive(Clone)]
pub struct Randomness(Arc<dyn Fn() -> Box<dyn Entropy> + Send + Sync>);

impl Randomness {
    /// Another source. It is asked anew each time that bytes are needed.
    #[must_use]
    pub fn new(source: impl Fn() -> Box<dyn Entropy> + Send + Sync + 'static) -> Self {
        Self(Arc::new(source))
    }

    pub(crate) fn source(&self) -> Box<dyn Entropy> {
        (self.0)()
    }
}

impl Default for Randomness {
    fn default() -> Self {
        // Nothing is allocated for a type without a size.
        Self::new(|| Box::new(OsEntropy))
    }
}

impl fmt::Debug for Randomness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Randomness").finish_non_exhaustive()
    }
}
