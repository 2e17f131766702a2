//! From two files to what rustls signs with.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{Error, version};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use zeroize::Zeroizing;

use super::{TlsError, TlsFile, files};
use crate::config::CertificateFiles;

/// The one protocol behind the TLS of a WebSocket.
pub(super) const ALPN: &[u8] = b"http/1.1";

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
pub(super) fn load(config: &CertificateFiles) -> Result<Loaded, TlsError> {
    let chain = certificates(&config.certificate)?;
    let expiry = chain.first().and_then(expiry);
    let key = key(&config.key)?;
    let broken = |file: TlsFile, path: &Path, error: &Error| TlsError::Broken {
        file,
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let signing = ring::sign::any_supported_type(&key).map_err(|error| broken(TlsFile::Key, &config.key, &error))?;
    let certified = CertifiedKey::new(chain, signing);
    match certified.keys_match() {
        Ok(()) => {}
        Err(Error::InconsistentKeys(_)) => {
            return Err(TlsError::Mismatch { certificate: config.certificate.clone(), key: config.key.clone() });
        }
        Err(error) => return Err(broken(TlsFile::Certificate, &config.certificate, &error)),
    }
    let resolver = Arc::new(SingleCertAndKey::from(certified));
    let server = server(resolver, &[ALPN]).map_err(|error| broken(TlsFile::Key, &config.key, &error))?;
    Ok(Loaded { server, expiry })
}

/// How connections are made with the certificates of `resolver`.
pub(super) fn server(resolver: Arc<dyn ResolvesServerCert>, alpn: &[&[u8]]) -> Result<Arc<ServerConfig>, Error> {
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])?;
    let mut server = builder.with_no_client_auth().with_cert_resolver(resolver);
    server.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    // Sessions are not resumed: a spare stays for long, and whoever comes after a renewal sees the new certificate.
    server.session_storage = Arc::new(NoServerSessionStorage {});
    server.send_tls13_tickets = 0;
    server.max_early_data_size = 0;
    Ok(Arc::new(server))
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
    chain(TlsFile::Certificate, path)
}

/// All certificates in a file.
pub(super) fn chain(file: TlsFile, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
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
    validity(certificate).map(|(_, end)| end)
}

/// From when and until when a certificate is good, in seconds since 1970.
pub(super) fn validity(certificate: &CertificateDer<'_>) -> Option<(u64, u64)> {
    let parsed = Certificate::from_der(certificate).ok()?;
    let validity = parsed.tbs_certificate().validity();
    Some((validity.not_before.to_unix_duration().as_secs(), validity.not_after.to_unix_duration().as_secs()))
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
