//! From two files to what rustls signs with.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::NoServerSessionStorage;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{Error, version};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use zeroize::Zeroizing;

use super::{TlsError, TlsFile, files};
use crate::config::TlsConfig;

/// The one protocol behind the TLS of a WebSocket.
const ALPN: &[u8] = b"http/1.1";

/// When it is time to look why nobody has renewed: the usual certificates live for 90 days or less, and are renewed when a
/// third of that is left.
const SOON: Duration = Duration::from_secs(14 * 24 * 3600);

/// A certificate that can be listened with.
#[derive(Debug)]
pub(super) struct Loaded {
    /// How connections are made with it.
    pub(super) server: Arc<ServerConfig>,
    /// When it runs out, in seconds since 1970; `None` if that cannot be told.
    pub(super) expiry: Option<u64>,
}

/// Reads both files.
pub(super) fn load(config: &TlsConfig) -> Result<Loaded, TlsError> {
    let chain = certificates(&config.certificate)?;
    let expiry = chain.first().and_then(expiry);
    let key = key(&config.key)?;
    let broken = |file: TlsFile, path: &Path, error: &Error| TlsError::Broken {
        file,
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let provider = ring::default_provider();
    let signing = ring::sign::any_supported_type(&key).map_err(|error| broken(TlsFile::Key, &config.key, &error))?;
    let certified = CertifiedKey::new(chain, signing);
    match certified.keys_match() {
        Ok(()) => {}
        Err(Error::InconsistentKeys(_)) => {
            return Err(TlsError::Mismatch { certificate: config.certificate.clone(), key: config.key.clone() });
        }
        Err(error) => return Err(broken(TlsFile::Certificate, &config.certificate, &error)),
    }
    let builder = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])
        .map_err(|error| broken(TlsFile::Key, &config.key, &error))?;
    let mut server = builder.with_no_client_auth().with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    server.alpn_protocols = vec![ALPN.to_vec()];
    // Sessions are not resumed: a spare stays for long, and whoever comes after a renewal sees the new certificate.
    server.session_storage = Arc::new(NoServerSessionStorage {});
    server.send_tls13_tickets = 0;
    server.max_early_data_size = 0;
    Ok(Loaded { server: Arc::new(server), expiry })
}

/// Says what an operator should know about the life of the certificate.
pub(super) fn warn_of_expiry(expiry: Option<u64>, path: &Path, now: SystemTime) {
    let path = path.display();
    let Some(expiry) = expiry else {
        tracing::warn!(%path, "the TLS certificate does not tell when it expires");
        return;
    };
    match left(expiry, now) {
        None => tracing::warn!(%path, "the TLS certificate has expired: clients will refuse it"),
        Some(left) if left < SOON => {
            let days = left.as_secs() / (24 * 3600);
            tracing::warn!(%path, days, "the TLS certificate expires soon: was it not renewed?");
        }
        Some(_) => {}
    }
}

/// How long a certificate lives on.
fn left(expiry: u64, now: SystemTime) -> Option<Duration> {
    (UNIX_EPOCH + Duration::from_secs(expiry)).duration_since(now).ok().filter(|left| !left.is_zero())
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let file = TlsFile::Certificate;
    let content = files::read(file, path)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&content).collect();
    let chain = chain.map_err(|error| unreadable_pem(file, path, &error))?;
    if chain.is_empty() { Err(TlsError::Missing { file, path: path.to_owned() }) } else { Ok(chain) }
}

fn key(path: &Path) -> Result<Zeroizing<PrivateKeyDer<'static>>, TlsError> {
    let file = TlsFile::Key;
    let content = files::read(file, path)?;
    PrivateKeyDer::from_pem_slice(&content).map(Zeroizing::new).map_err(|error| unreadable_pem(file, path, &error))
}

/// The error's own text may quote the file.
fn unreadable_pem(file: TlsFile, path: &Path, error: &pem::Error) -> TlsError {
    let path = path.to_owned();
    let reason = match error {
        pem::Error::NoItemsFound => return TlsError::Missing { file, path },
        pem::Error::MissingSectionEnd { .. } => "a section has no END line; is the file complete?",
        pem::Error::IllegalSectionStart { .. } => "a BEGIN line is not as it should be",
        pem::Error::Base64Decode(_) => "a section is not base64",
        _ => "it is not PEM",
    };
    TlsError::Broken { file, path, reason: reason.to_owned() }
}

/// When a certificate runs out, in seconds since 1970.
fn expiry(certificate: &CertificateDer<'_>) -> Option<u64> {
    let parsed = Certificate::from_der(certificate).ok()?;
    Some(parsed.tbs_certificate().validity().not_after.to_unix_duration().as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expired_certificate_has_nothing_left() {
        let now = UNIX_EPOCH + Duration::from_secs(1000);
        assert_eq!(left(1000, now), None);
        assert_eq!(left(999, now), None);
        assert_eq!(left(1001, now), Some(Duration::from_secs(1)));
        // 9999-12-31, which RFC 5280 has for those that never do.
        assert!(left(253_402_300_799, now).is_some_and(|left| left > SOON));
    }

    #[test]
    fn what_is_no_certificate_has_no_expiry() {
        assert_eq!(expiry(&CertificateDer::from(vec![0x30, 0x03, 1, 2, 3])), None);
    }
}
