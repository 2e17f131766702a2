//! TLS: the listener's certificate, read again when its files change or got by ACME, and the handshake.
//!
//! Without the cargo feature `tls` there is [`off`] in its place, and no relay that would need it can be started.

#[cfg(feature = "acme")]
mod acme;
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
#[cfg(feature = "tls")]
mod source;

#[cfg(feature = "tls")]
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::session::Cause;
pub use error::{TlsError, TlsFile};
#[cfg(feature = "tls")]
pub(crate) use handshake::{Acceptor, Secured};
#[cfg(not(feature = "tls"))]
pub(crate) use off::{Acceptor, Tls};
#[cfg(feature = "tls")]
pub(crate) use source::Tls;

/// Why there is no TLS connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The connection ended or broke.
    #[error("the connection ended: {0}")]
    Io(#[from] std::io::Error),
    /// The client speaks no TLS, or not one that the relay can speak.
    #[cfg(feature = "tls")]
    #[error("{error}")]
    Tls {
        /// What is wrong.
        error: rustls::Error,
        /// An alert is on its way here.
        unread: ahead::Ahead,
    },
    /// An ACME server has seen what it came for (RFC 8737 §3: nothing follows the handshake).
    #[cfg(feature = "acme")]
    #[error("an ACME server has validated")]
    Validated(Box<Secured>),
}

impl Failure {
    /// The same as one of the causes that are counted.
    pub(crate) fn cause(&self) -> Cause {
        match self {
            Self::Io(_) => Cause::Aborted,
            #[cfg(feature = "tls")]
            Self::Tls { .. } => Cause::Tls,
            #[cfg(feature = "acme")]
            Self::Validated(_) => Cause::ClientClosed,
        }
    }

    /// Ends the connection so that the alert arrives, if the client wants to know: to close it with unread bytes would reset
    /// it. It has no deadline of its own.
    pub(crate) async fn finish(self) {
        match self {
            Self::Io(_) => {}
            #[cfg(feature = "tls")]
            Self::Tls { mut unread, .. } => {
                if unread.shutdown().await.is_ok() {
                    let mut scrap = [0; 256];
                    while let Ok(1..) = unread.read(&mut scrap).await {}
                }
            }
            #[cfg(feature = "acme")]
            Self::Validated(mut secured) => {
                let _ = secured.shutdown().await;
            }
        }
    }
}
