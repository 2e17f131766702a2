//! The certificate of the moment. New connections get the newest that can be used; those that are there stay as they are.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::SystemTime;

use rustls::ServerConfig;

use super::TlsError;
use super::certificate::{self, Loaded};
use super::files::Stamp;
use crate::config::{CertificateFiles, SHORTEST};
use crate::metrics::{Metrics, Reload};

/// A certificate that somebody else renews.
#[derive(Debug)]
pub(crate) struct Watched {
    server: RwLock<Arc<ServerConfig>>,
    files: Mutex<Files>,
    metrics: Arc<Metrics>,
}

/// Where the certificate is, and what it looked like when it was last read.
#[derive(Debug)]
struct Files {
    config: CertificateFiles,
    stamps: [Stamp; 2],
}

impl Files {
    /// Takes the stamps before anything is read: what changes meanwhile is read once more.
    fn of(config: &CertificateFiles) -> Self {
        let stamps = [Stamp::of(&config.certificate), Stamp::of(&config.key)];
        Self { config: config.clone(), stamps }
    }
}

impl Watched {
    /// Reads the certificate for the first time.
    pub(super) fn load(config: &CertificateFiles, metrics: &Arc<Metrics>) -> Result<Arc<Self>, TlsError> {
        let files = Files::of(config);
        let Loaded { server, expiry } = certificate::load(config)?;
        let tls = Self { server: RwLock::new(server), files: Mutex::new(files), metrics: Arc::clone(metrics) };
        tls.expires(expiry, config);
        Ok(Arc::new(tls))
    }

    /// How connections are made with the certificate of the moment.
    pub(super) fn server(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.server.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the files again, perhaps others than before.
    pub(super) fn follow(&self, config: &CertificateFiles) {
        let mut files = self.files();
        *files = Files::of(config);
        self.reload(config);
    }

    /// Reads the files again whenever they have changed.
    pub(super) async fn watch(self: Arc<Self>) {
        loop {
            let every = self.files().config.check_every.max(SHORTEST);
            tokio::time::sleep(every).await;
            let this = Arc::clone(&self);
            // A panic would have been told by its own message; there is nothing to give back.
            let _ = tokio::task::spawn_blocking(move || this.look()).await;
        }
    }

    /// Reads the files again if they have changed. Those that cannot be used are not tried twice.
    fn look(&self) {
        let mut files = self.files();
        let now = Files::of(&files.config);
        if now.stamps != files.stamps {
            *files = now;
            self.reload(&files.config);
        }
    }

    fn reload(&self, config: &CertificateFiles) {
        let path = config.certificate.display();
        match certificate::load(config) {
            Ok(Loaded { server, expiry }) => {
                *self.server.write().unwrap_or_else(PoisonError::into_inner) = server;
                self.metrics.tls_reloaded(Reload::Ok);
                tracing::info!(%path, "the TLS certificate was read again");
                self.expires(expiry, config);
            }
            Err(error) => {
                self.metrics.tls_reloaded(Reload::Error);
                tracing::error!(%error, "the TLS certificate was not replaced: the one in use stays");
            }
        }
    }

    fn expires(&self, expiry: Option<u64>, config: &CertificateFiles) {
        self.metrics.set_tls_cert_expiry(expiry.unwrap_or(0));
        certificate::warn_of_expiry(expiry, &config.certificate, SystemTime::now());
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
