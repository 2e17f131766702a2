//! A certificate that the relay gets and renews by itself (RFC 8555), proven on its own listener (TLS-ALPN-01, RFC 8737).
//!
//! Until there is a first one, TLS handshakes fail. Nobody waits for the ACME server: one task talks to it.

mod cache;
mod http;
mod order;
mod resolver;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use instant_acme::Error;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use zeroize::Zeroizing;

use self::cache::{Cache, Issued};
use self::http::Client;
pub(super) use self::resolver::ACME_ALPN;
use self::resolver::Resolver;
use super::{TlsError, TlsFile, certificate};
use crate::config::AcmeConfig;
use crate::metrics::{Metrics, Reload};

/// How long an order may take as a whole.
const ORDER: Duration = Duration::from_secs(10 * 60);

/// The first pause after an order in vain; each further one is twice as long. Let's Encrypt lets five an hour be.
const FIRST_PAUSE: Duration = Duration::from_secs(5 * 60);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(6 * 3600);

/// How often to look at the clock, which may be put right meanwhile; also the least time between two certificates.
const LOOK: Duration = Duration::from_secs(3600);

/// Most characters of an error that are logged.
const MAX_ERROR: usize = 500;

/// A certificate that the relay looks after by itself.
pub(crate) struct Acme {
    config: AcmeConfig,
    cache: Cache,
    client: Client,
    resolver: Arc<Resolver>,
    server: Arc<ServerConfig>,
    /// From when and until when the certificate of the moment is good, in seconds since 1970.
    validity: Mutex<Option<(u64, u64)>>,
    metrics: Arc<Metrics>,
}

impl fmt::Debug for Acme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acme").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Acme {
    /// Takes the certificate that is kept, if there is one. The ACME server is not asked yet.
    pub(super) fn load(config: &AcmeConfig, metrics: &Arc<Metrics>) -> Result<Arc<Self>, TlsError> {
        let cache =
            Cache::open(&config.cache).map_err(|source| TlsError::AcmeCache { path: config.cache.clone(), source })?;
        let broken = |reason: String| {
            let path = config.root.clone().unwrap_or_default();
            TlsError::Broken { file: TlsFile::AcmeRoot, path, reason }
        };
        let client = Client::new(http::roots(config.root.as_deref())?).map_err(|error| broken(error.to_string()))?;
        let resolver = Arc::<Resolver>::default();
        let server = certificate::server(Arc::clone(&resolver) as _, &[certificate::ALPN, ACME_ALPN])
            .map_err(|error| broken(error.to_string()))?;
        let (config, metrics, validity) = (config.clone(), Arc::clone(metrics), Mutex::new(None));
        let acme = Self { config, cache, client, resolver, server, validity, metrics };
        if let Some(issued) = acme.cache.certificate(&acme.config) {
            match certified(&issued) {
                Ok(certified) => acme.show(certified),
                Err(_) => tracing::warn!("the certificate that ACME has kept cannot be used: there will be another"),
            }
        }
        Ok(Arc::new(acme))
    }

    /// How connections are made.
    pub(super) fn server(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.server)
    }

    /// Gets a certificate whenever it is time.
    pub(super) async fn watch(&self) {
        let mut pause = FIRST_PAUSE;
        loop {
            let wait = self.due(SystemTime::now());
            if !wait.is_zero() {
                tokio::time::sleep(wait.min(LOOK)).await;
                continue;
            }
            match self.obtain().await {
                Ok(()) => {
                    pause = FIRST_PAUSE;
                    tokio::time::sleep(LOOK).await;
                }
                Err(error) => {
                    self.metrics.tls_reloaded(Reload::Error);
                    self.complain(&error, pause);
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// How long the certificate of the moment will do.
    fn due(&self, now: SystemTime) -> Duration {
        let validity = *self.validity.lock().unwrap_or_else(PoisonError::into_inner);
        validity.map_or(Duration::ZERO, |validity| due(validity, now))
    }

    async fn obtain(&self) -> Result<(), Error> {
        tracing::info!(domains = ?self.config.domains, directory = self.config.directory, "ordering a TLS certificate");
        let order = order::run(&self.config, &self.cache, &self.client, &self.resolver);
        let issued = tokio::time::timeout(ORDER, order).await;
        self.resolver.forget_answers();
        let issued = issued.map_err(|_| Error::Timeout(None))??;
        self.show(certified(&issued)?);
        self.metrics.tls_reloaded(Reload::Ok);
        tracing::info!(domains = ?self.config.domains, "there is a new TLS certificate");
        // It is good until the next start in any case.
        if let Err(error) = self.cache.keep_certificate(&issued) {
            let path = self.config.cache.display();
            tracing::warn!(%path, %error, "the TLS certificate cannot be kept: the next start will order another");
        }
        Ok(())
    }

    fn show(&self, certified: CertifiedKey) {
        let validity = certified.cert.first().and_then(certificate::validity);
        let expiry = validity.map(|(_, end)| end);
        *self.validity.lock().unwrap_or_else(PoisonError::into_inner) = validity;
        self.resolver.show(Arc::new(certified));
        self.metrics.set_tls_cert_expiry(expiry.unwrap_or(0));
        certificate::warn_of_expiry(expiry, &self.config.cache, SystemTime::now());
    }

    fn complain(&self, error: &Error, pause: Duration) {
        let domains = &self.config.domains;
        let (error, next_try_s) = (shown(error), pause.as_secs());
        tracing::warn!(
            %error,
            ?domains,
            next_try_s,
            "no TLS certificate from the ACME server: does port 443 of every domain lead to tls.listen, is no address list in \
             the way, and can the relay reach the server? The certificate in use stays, if there is one",
        );
    }
}

/// In one short line, whoever wrote it.
fn shown(error: &Error) -> String {
    error.to_string().chars().take(MAX_ERROR).collect::<String>().escape_debug().to_string()
}

/// How long until a third of the life of a certificate is left.
fn due((start, end): (u64, u64), now: SystemTime) -> Duration {
    let life = end.saturating_sub(start);
    let renewal = UNIX_EPOCH + Duration::from_secs(end.saturating_sub(life / 3));
    renewal.duration_since(now).unwrap_or_default()
}

/// What can be signed with.
fn certified(issued: &Issued) -> Result<CertifiedKey, Error> {
    let broken = || Error::Str("a certificate and a key that can be used");
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(issued.chain.as_bytes()).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or_else(broken)?;
    let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).map(Zeroizing::new).map_err(|_| broken())?;
    let signing = ring::sign::any_supported_type(&key).map_err(|_| broken())?;
    let certified = CertifiedKey::new(chain, signing);
    certified.keys_match().map_err(|_| broken())?;
    // Without an end nobody would know when to renew it.
    certified.cert.first().and_then(certificate::validity).ok_or_else(broken)?;
    Ok(certified)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_renewed_when_a_third_of_its_life_is_left() {
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(due((1000, 1900), at(1000)), Duration::from_secs(600));
        assert_eq!(due((1000, 1900), at(1599)), Duration::from_secs(1));
        for late in [1600, 1900, 5000] {
            assert_eq!(due((1000, 1900), at(late)), Duration::ZERO);
        }
        assert_eq!(due((5, 1), at(2)), Duration::ZERO);
    }

    #[test]
    fn an_error_is_one_short_line() {
        let error = Error::Other(format!("a\nb\u{1b}[0m{}", "x".repeat(10_000)).into());
        let text = shown(&error);
        assert!(text.len() < 2 * MAX_ERROR && !text.contains(char::is_control), "{text}");
    }
}
