//! In place of TLS in a build without it: types without values, so that whatever asks for them is compiled and never runs.

use std::convert::Infallible;
use std::sync::Arc;

use tokio::net::TcpStream;

use super::{Failure, TlsError};
use crate::config::TlsConfig;
use crate::metrics::Metrics;
use crate::socket::{Stream, Wire};

/// What a listener with TLS would need.
#[derive(Debug)]
pub(crate) struct Tls(Infallible);

impl TlsConfig {
    /// Whether a relay could listen with it: not this one.
    ///
    /// # Errors
    ///
    /// [`TlsError::NotBuilt`]
    pub fn check(&self) -> Result<(), TlsError> {
        Err(TlsError::NotBuilt)
    }
}

impl Tls {
    pub(crate) fn load(_config: &TlsConfig, _metrics: &Arc<Metrics>) -> Result<Arc<Self>, TlsError> {
        Err(TlsError::NotBuilt)
    }

    pub(crate) fn acceptor(&self) -> Acceptor {
        match self.0 {}
    }

    pub(crate) fn follow(&self, _config: &TlsConfig) {
        match self.0 {}
    }

    pub(crate) async fn watch(self: Arc<Self>) {
        match self.0 {}
    }
}

/// What would make a TLS connection of a TCP connection.
#[derive(Clone, Debug)]
pub(crate) struct Acceptor(Infallible);

impl Acceptor {
    pub(crate) async fn accept(self, _wire: Wire<TcpStream>) -> Result<Stream, Failure> {
        match self.0 {}
    }
}
