//! What can go wrong around a connection.

use std::io;
use std::net::SocketAddr;

use crate::connection::ConnectionError;

/// Why the driver could not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriverError {
    /// The URL cannot be one of a CommServer or peer.
    #[error("{url:?} is no usable address: {problem}; it looks like ws://host:port or wss://host")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The connection failed.
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    /// The address to listen on cannot be used.
    #[error(
        "cannot listen on {address}: {source}; another program may use the port, or the address is not of this machine"
    )]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The session is over.
    #[error("the connection is closed")]
    Closed,
}
