//! Which certificate a client is shown: the one of the moment, or the answer to the ACME server that looks for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use instant_acme::Error;
use rcgen::{CertificateParams, CustomExtension, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// What a validating ACME server speaks, and nobody else (RFC 8737 §6.2).
pub(in crate::tls) const ACME_ALPN: &[u8] = b"acme-tls/1";

/// All certificates that can be shown. Without any the handshake fails.
#[derive(Debug, Default)]
pub(super) struct Resolver {
    current: RwLock<Option<Arc<CertifiedKey>>>,
    /// Answers to challenges, by the domain they are for, while an order is open.
    answers: Mutex<HashMap<String, Arc<CertifiedKey>>>,
}

impl Resolver {
    /// Shows `certified` from now on.
    pub(super) fn show(&self, certified: Arc<CertifiedKey>) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(certified);
    }

    /// Answers whoever validates `domain`.
    pub(super) fn answer(&self, domain: &str, digest: &[u8]) -> Result<(), Error> {
        let certified = answer(domain, digest)?;
        self.answers().insert(domain.to_ascii_lowercase(), Arc::new(certified));
        Ok(())
    }

    /// Nobody validates any longer.
    pub(super) fn forget_answers(&self) {
        self.answers().clear();
    }

    fn answers(&self) -> MutexGuard<'_, HashMap<String, Arc<CertifiedKey>>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let validates =
            hello.alpn().is_some_and(|mut offered| offered.next() == Some(ACME_ALPN) && offered.next().is_none());
        if validates {
            return self.answers().get(&hello.server_name()?.to_ascii_lowercase()).cloned();
        }
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The certificate that proves that whoever has the account has the domain as well (RFC 8737 §3).
fn answer(domain: &str, digest: &[u8]) -> Result<CertifiedKey, Error> {
    let failed = |error: rcgen::Error| Error::Other(error.into());
    let mut params = CertificateParams::new([domain.to_owned()]).map_err(failed)?;
    // It asserts that this is a SHA-256.
    if digest.len() != 32 {
        return Err(Error::Crypto);
    }
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let key = KeyPair::generate().map_err(failed)?;
    let certificate = params.self_signed(&key).map_err(failed)?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let signing = ring::sign::any_supported_type(&key).map_err(|error| Error::Other(error.into()))?;
    Ok(CertifiedKey::new(vec![certificate.der().clone()], signing))
}
