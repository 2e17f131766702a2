//! A TLS connection out of a TCP connection.

use std::sync::Arc;

use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::Failure;
use super::ahead::Ahead;
use crate::socket::{Stream, Wire};

/// A TLS connection.
pub(crate) type Secured = TlsStream<Ahead>;

/// Bytes that a connection keeps, at most, of what is encrypted and not taken by the operating system.
const BUFFER: usize = 64 * 1024;

/// Makes TLS connections with one certificate.
#[derive(Clone)]
pub(crate) struct Acceptor(TlsAcceptor);

impl std::fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Acceptor").finish_non_exhaustive()
    }
}

impl Acceptor {
    pub(super) fn new(server: Arc<ServerConfig>) -> Self {
        Self(server.into())
    }

    /// The handshake. It has no deadline of its own; when it is dropped, the connection ends.
    pub(crate) async fn accept(self, tcp: TcpStream) -> Result<Stream, Failure> {
        let limit = |session: &mut rustls::ServerConnection| session.set_buffer_limit(Some(BUFFER));
        // Some KiB that nobody needs afterwards.
        let accept = Box::pin(self.0.accept_with(Ahead::new(Wire::new(tcp)), limit).into_fallible());
        let (error, unread) = match accept.await {
            Ok(secured) => return Ok(Stream::Tls(Box::new(secured))),
            Err(failed) => failed,
        };
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()).cloned() {
            Some(error) => Err(Failure::Tls { error, unread }),
            None => Err(error.into()),
        }
    }
}
