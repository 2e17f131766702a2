//! How much the relay holds at most.

/// Upper bounds on what is held. Each says what it costs when it is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Spares of one key. Keys cost nothing to make, so this is about tidiness; [`Self::spares`] guards the memory.
    pub spares_per_key: usize,
    /// Spares of all keys. An idle one takes about 2 KiB, one whose client is in the middle of something at most 16 KiB.
    pub spares: usize,
    /// Sockets in any state. A pair takes two: 5 to 10 KiB without traffic; see [`crate::Config::max_message_len`] for what
    /// it costs with.
    pub connections: usize,
    /// Sockets that are neither registered nor paired yet. One holds at most 8 KiB of HTTP, then at most 12 messages
    /// of 4 KiB, then at most 128 KiB of early data.
    pub handshaking: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { spares_per_key: 1024, spares: 65_536, connections: 131_072, handshaking: 4096 }
    }
}

/// The limit for which something was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::spares_per_key`].
    #[error("Too many spare connections for this publicKey.")]
    SparesPerKey,
    /// [`Limits::spares`].
    #[error("Too many spare connections.")]
    Spares,
    /// [`Limits::connections`].
    #[error("Too many connections.")]
    Connections,
    /// [`Limits::handshaking`].
    #[error("Too many connections that are not registered yet.")]
    Handshaking,
}

/// What a [`Limit`] is counted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Each public key.
    Key,
    /// The whole relay.
    Global,
}

impl Scope {
    /// The name in logs and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Global => "global",
        }
    }
}

impl Limit {
    /// All of them, in the order of the enum.
    pub const ALL: [Self; 4] = [Self::SparesPerKey, Self::Spares, Self::Connections, Self::Handshaking];

    /// The name in logs and metrics; together with [`Self::scope`] it names the limit.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SparesPerKey | Self::Spares => "spares",
            Self::Connections => "connections",
            Self::Handshaking => "handshaking",
        }
    }

    /// What it is counted for.
    #[must_use]
    pub fn scope(self) -> Scope {
        match self {
            Self::SparesPerKey => Scope::Key,
            Self::Spares | Self::Connections | Self::Handshaking => Scope::Global,
        }
    }
}
