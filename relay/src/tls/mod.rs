//! TLS: the listener's certificate, read again when its files change, and the handshake.
//!
//! Without the cargo feature `tls` there is [`off`] in its place, and no relay that would need it can be started.

#[cfg(feature = "tls")]
mod ahead;
#[cfg(feature = "tls")]
mod certificate;
mod error;
#[cfg(feature = "tls")]
mod files;
#[cfg(feature = "tls")]
mod handshake;
#[cfg(not(feature = "tls"))]
mod off;
#[cfg(feature = "tls")]
mod reload;

use crate::session::Cause;
pub use error::{TlsError, TlsFile};
#[cfg(feature = "tls")]
pub(crate) use handshake::{Acceptor, Secured};
#[cfg(not(feature = "tls"))]
pub(crate) use off::{Acceptor, Tls};
#[cfg(feature = "tls")]
pub(crate) use reload::Tls;

/// Why there is no TLS connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The connection ended or broke.
    #[error("the connection ended: {0}")]
    Io(#[from] std::io::Error),
    /// The client speaks no TLS, or not one that the relay can speak. It has been told.
    #[cfg(feature = "tls")]
    #[error("{0}")]
    Tls(rustls::Error),
}

impl Failure {
    /// The same as one of the causes that are counted.
    pub(crate) fn cause(&self) -> Cause {
        match self {
            Self::Io(_) => Cause::Aborted,
            #[cfg(feature = "tls")]
            Self::Tls(_) => Cause::Tls,
        }
    }
}
