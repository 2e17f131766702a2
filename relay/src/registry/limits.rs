//! How much the relay holds at most, and how often things may happen.

/// Upper bounds on what is held. Each says what it costs when it is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Spares of one key. Keys cost nothing to make, so this is about tidiness; [`Self::spares`] guards the memory.
    pub spares_per_key: usize,
    /// Spares from one network.
    pub spares_per_ip: usize,
    /// Spares of all keys. An idle one takes about 2 KiB, one whose client is in the middle of something at most 16 KiB.
    pub spares: usize,
    /// Sockets in any state. A pair takes two: 5 to 10 KiB without traffic; see [`crate::Config::max_message_len`] for what
    /// it costs with.
    pub connections: usize,
    /// The same from one network.
    pub connections_per_ip: usize,
    /// Sockets that are neither registered nor paired yet. One holds at most 8 KiB of HTTP, then at most 12 messages
    /// of 4 KiB, then at most 128 KiB of early data.
    pub handshaking: usize,
    /// The same from one network.
    pub handshaking_per_ip: usize,
    /// Requesters that wait for the next spare of one key.
    pub waiting_per_key: usize,
}

impl Limits {
    /// Every one of them.
    pub(crate) fn all(&self) -> [usize; 8] {
        let &Self {
            spares_per_key,
            spares_per_ip,
            spares,
            connections,
            connections_per_ip,
            handshaking,
            handshaking_per_ip,
            waiting_per_key,
        } = self;
        [
            spares_per_key,
            spares_per_ip,
            spares,
            connections,
            connections_per_ip,
            handshaking,
            handshaking_per_ip,
            waiting_per_key,
        ]
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            spares_per_key: 1024,
            spares_per_ip: 1024,
            spares: 65_536,
            connections: 131_072,
            connections_per_ip: 2048,
            handshaking: 4096,
            handshaking_per_ip: 128,
            waiting_per_key: 64,
        }
    }
}

/// How often something may happen: so many times at once, and so many times a second in the long run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// In the long run. 0 turns the limit off.
    pub per_second: u32,
    /// At once.
    pub burst: u32,
}

/// How often things may happen. A network is an IPv4 address or a /64 of IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// New connections from one network.
    pub connections_per_ip: Rate,
    /// Registrations from one network: spares issued, whatever becomes of them.
    pub registrations_per_ip: Rate,
    /// Registrations of one key.
    pub registrations_per_key: Rate,
    /// Communication requests from one network.
    pub requests_per_ip: Rate,
    /// Communication requests for one key. Whoever knows a key could use up its spares.
    pub requests_per_key: Rate,
}

impl Rates {
    /// Every one of them.
    pub(crate) fn all(&self) -> [Rate; 5] {
        [
            self.connections_per_ip,
            self.registrations_per_ip,
            self.registrations_per_key,
            self.requests_per_ip,
            self.requests_per_key,
        ]
    }
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            connections_per_ip: Rate { per_second: 100, burst: 1000 },
            registrations_per_ip: Rate { per_second: 50, burst: 500 },
            registrations_per_key: Rate { per_second: 50, burst: 500 },
            requests_per_ip: Rate { per_second: 50, burst: 500 },
            requests_per_key: Rate { per_second: 50, burst: 500 },
        }
    }
}

/// The limit for which something was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::spares_per_key`].
    #[error("Too many spare connections for this publicKey.")]
    SparesPerKey,
    /// [`Limits::spares_per_ip`].
    #[error("Too many spare connections from this address.")]
    SparesPerIp,
    /// [`Limits::spares`].
    #[error("Too many spare connections.")]
    Spares,
    /// [`Limits::connections`].
    #[error("Too many connections.")]
    Connections,
    /// [`Limits::connections_per_ip`].
    #[error("Too many connections from this address.")]
    ConnectionsPerIp,
    /// [`Limits::handshaking`].
    #[error("Too many connections that are not registered yet.")]
    Handshaking,
    /// [`Limits::handshaking_per_ip`].
    #[error("Too many connections from this address that are not registered yet.")]
    HandshakingPerIp,
    /// [`Limits::waiting_per_key`].
    #[error("Too many requests wait for this publicKey.")]
    WaitingPerKey,
    /// [`Rates::connections_per_ip`].
    #[error("Too many new connections from this address; try again later.")]
    ConnectionRatePerIp,
    /// [`Rates::registrations_per_ip`].
    #[error("Too many registrations from this address; try again later.")]
    RegistrationRatePerIp,
    /// [`Rates::registrations_per_key`].
    #[error("Too many registrations of this publicKey; try again later.")]
    RegistrationRatePerKey,
    /// [`Rates::requests_per_ip`].
    #[error("Too many requests from this address; try again later.")]
    RequestRatePerIp,
    /// [`Rates::requests_per_key`].
    #[error("Too many requests for this publicKey; try again later.")]
    RequestRatePerKey,
}

/// What a [`Limit`] is counted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Each public key.
    Key,
    /// Each network: an IPv4 address, or a /64 of IPv6.
    Ip,
    /// The whole relay.
    Global,
}

impl Scope {
    /// The name in logs and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Ip => "ip",
            Self::Global => "global",
        }
    }
}

impl Limit {
    /// All of them, in the order of the enum.
    pub const ALL: [Self; 13] = [
        Self::SparesPerKey,
        Self::SparesPerIp,
        Self::Spares,
        Self::Connections,
        Self::ConnectionsPerIp,
        Self::Handshaking,
        Self::HandshakingPerIp,
        Self::WaitingPerKey,
        Self::ConnectionRatePerIp,
        Self::RegistrationRatePerIp,
        Self::RegistrationRatePerKey,
        Self::RequestRatePerIp,
        Self::RequestRatePerKey,
    ];

    /// The name in logs and metrics; together with [`Self::scope`] it names the limit.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SparesPerKey | Self::SparesPerIp | Self::Spares => "spares",
            Self::Connections | Self::ConnectionsPerIp => "connections",
            Self::Handshaking | Self::HandshakingPerIp => "handshaking",
            Self::WaitingPerKey => "waiting",
            Self::ConnectionRatePerIp => "connection_rate",
            Self::RegistrationRatePerIp | Self::RegistrationRatePerKey => "registration_rate",
            Self::RequestRatePerIp | Self::RequestRatePerKey => "request_rate",
        }
    }

    /// What it is counted for.
    #[must_use]
    pub fn scope(self) -> Scope {
        match self {
            Self::SparesPerKey | Self::WaitingPerKey | Self::RegistrationRatePerKey | Self::RequestRatePerKey => {
                Scope::Key
            }
            Self::SparesPerIp
            | Self::ConnectionsPerIp
            | Self::HandshakingPerIp
            | Self::ConnectionRatePerIp
            | Self::RegistrationRatePerIp
            | Self::RequestRatePerIp => Scope::Ip,
            Self::Spares | Self::Connections | Self::Handshaking => Scope::Global,
        }
    }
}
