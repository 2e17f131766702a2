//! Where the certificate of the moment comes from.

use std::sync::Arc;

#[cfg(feature = "acme")]
use super::acme::Acme;
use super::reload::Watched;
use super::{Acceptor, TlsError, certificate};
use crate::config::{CertificateSource, TlsConfig};
use crate::metrics::Metrics;

/// What a listener with TLS needs.
#[derive(Debug)]
pub(crate) enum Tls {
    /// Files.
    Watched(Arc<Watched>),
    /// An ACME server.
    #[cfg(feature = "acme")]
    Acme(Arc<Acme>),
}

impl TlsConfig {
    /// Whether a relay could show the certificate that the files hold now. What an ACME server would say is not asked.
    ///
    /// # Errors
    ///
    /// [`TlsError`]
    pub fn check(&self) -> Result<(), TlsError> {
        match &self.certificate {
            CertificateSource::Files(files) => certificate::load(files).map(drop),
            CertificateSource::Acme(_) if cfg!(feature = "acme") => Ok(()),
            CertificateSource::Acme(_) => Err(TlsError::AcmeNotBuilt),
        }
    }
}

impl Tls {
    /// Reads the certificate for the first time, if there is one yet.
    pub(crate) fn load(config: &TlsConfig, metrics: &Arc<Metrics>) -> Result<Arc<Self>, TlsError> {
        let tls = match &config.certificate {
            CertificateSource::Files(files) => Self::Watched(Watched::load(files, metrics)?),
            #[cfg(feature = "acme")]
            CertificateSource::Acme(acme) => Self::Acme(Acme::load(acme, metrics)?),
            #[cfg(not(feature = "acme"))]
            CertificateSource::Acme(_) => return Err(TlsError::AcmeNotBuilt),
        };
        Ok(Arc::new(tls))
    }

    /// Makes connections with the certificate of the moment.
    pub(crate) fn acceptor(&self) -> Acceptor {
        Acceptor::new(match self {
            Self::Watched(watched) => watched.server(),
            #[cfg(feature = "acme")]
            Self::Acme(acme) => acme.server(),
        })
    }

    /// Reads the files again, perhaps others than before. What needs a restart changes nothing.
    pub(crate) fn follow(&self, config: &TlsConfig) {
        if let (Self::Watched(watched), CertificateSource::Files(files)) = (self, &config.certificate) {
            watched.follow(files);
        }
    }

    /// Keeps the certificate fresh for as long as it is polled.
    pub(crate) async fn watch(self: Arc<Self>) {
        match &*self {
            Self::Watched(watched) => Arc::clone(watched).watch().await,
            #[cfg(feature = "acme")]
            Self::Acme(acme) => acme.watch().await,
        }
    }
}
