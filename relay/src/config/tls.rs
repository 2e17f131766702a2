//! What can be set about a listener with TLS.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::ConfigError;

/// A listener with TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsConfig {
    /// Where to listen. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where its certificate comes from. What is in the files is followed; another kind of source needs a restart.
    pub certificate: CertificateSource,
}

impl TlsConfig {
    /// A certificate from files, where changes are looked for every 30 s.
    #[must_use]
    pub fn new(listen: SocketAddr, certificate: PathBuf, key: PathBuf) -> Self {
        let files = CertificateFiles { certificate, key, check_every: Duration::from_secs(30) };
        Self { listen, certificate: CertificateSource::Files(files) }
    }

    /// A certificate that the relay gets by itself.
    #[must_use]
    pub fn with_acme(listen: SocketAddr, acme: AcmeConfig) -> Self {
        Self { listen, certificate: CertificateSource::Acme(acme) }
    }
}

/// Where a certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateSource {
    /// Somebody else renews it.
    Files(CertificateFiles),
    /// An ACME server. Needs the cargo feature `acme`, and a restart to change.
    Acme(AcmeConfig),
}

/// A certificate and its key in files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The certificate of the server and those between it and the root, in this order (PEM).
    pub certificate: PathBuf,
    /// Its private key (PEM: PKCS #8, PKCS #1 or SEC 1).
    pub key: PathBuf,
    /// How often to look whether the files have changed.
    pub check_every: Duration,
}

/// Certificates by ACME (RFC 8555), proven over TLS itself (TLS-ALPN-01, RFC 8737).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcmeConfig {
    /// The names that the certificate is for, at least one. Port 443 of each has to lead to the listener.
    pub domains: Vec<String>,
    /// Whom the ACME server may tell about trouble: `mailto:` URLs, or none.
    pub contact: Vec<String>,
    /// The folder for the key of the account and the certificate. It is made if it is not there.
    pub cache: PathBuf,
    /// The directory URL of the ACME server.
    pub directory: String,
    /// Who certifies the ACME server itself (PEM); without it, those whom this machine believes.
    pub root: Option<PathBuf>,
}

impl AcmeConfig {
    /// The directory URL of Let's Encrypt.
    pub const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";

    /// Certificates of Let's Encrypt.
    #[must_use]
    pub fn new(domains: Vec<String>, cache: PathBuf) -> Self {
        Self { domains, contact: Vec::new(), cache, directory: Self::LETS_ENCRYPT.to_owned(), root: None }
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if !cfg!(feature = "acme") {
            return Err(ConfigError::NoAcme);
        }
        if self.domains.is_empty() || self.domains.len() > MAX_DOMAINS {
            return Err(ConfigError::AcmeDomains);
        }
        if let Some(place) = self.domains.iter().position(|domain| !is_domain(domain)) {
            return Err(ConfigError::AcmeDomain { number: place + 1 });
        }
        if let Some(place) = self.contact.iter().position(|contact| !is_contact(contact)) {
            return Err(ConfigError::AcmeContact { number: place + 1 });
        }
        if self.cache.as_os_str().is_empty() {
            return Err(ConfigError::AcmeCache);
        }
        if !is_directory(&self.directory) {
            return Err(ConfigError::AcmeDirectory);
        }
        Ok(())
    }
}

/// Names that one certificate can have at Let's Encrypt.
pub(super) const MAX_DOMAINS: usize = 100;

/// A host name of two labels or more. No wildcard: TLS-ALPN-01 cannot prove one.
fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let last_is_name =
        text.rsplit('.').next().is_some_and(|label| label.bytes().any(|byte| byte.is_ascii_alphabetic()));
    text.len() <= 253 && text.contains('.') && last_is_name && text.split('.').all(is_label)
}

fn is_contact(text: &str) -> bool {
    text.strip_prefix("mailto:").is_some_and(|address| {
        let is_plain = address.bytes().all(|byte| byte.is_ascii_graphic() && !b",?".contains(&byte));
        is_plain && address.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
    })
}

/// Whether requests can go there: over TLS, and with nothing in it that should not be shown.
fn is_directory(text: &str) -> bool {
    let uri: Result<hyper::Uri, _> = text.parse();
    uri.is_ok_and(|uri| {
        uri.scheme_str() == Some("https") && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_can_be_proven() {
        for good in ["relay.example.org", "a-b.c", "xn--bcher-kva.example", "1.2.3.example"] {
            assert!(is_domain(good), "{good}");
        }
        let long = format!("{}.org", "a".repeat(64));
        for bad in
            ["", "localhost", "*.example.org", "192.0.2.1", "a..b", ".a.b", "a.b.", "-a.b", "a_b.c", "bücher.de", &long]
        {
            assert!(!is_domain(bad), "{bad}");
        }
    }

    #[test]
    fn contacts_and_directories() {
        for (text, good) in [
            ("mailto:ops@example.org", true),
            ("ops@example.org", false),
            ("mailto:ops", false),
            ("mailto:@example.org", false),
            ("mailto:a@b,c@d", false),
        ] {
            assert_eq!(is_contact(text), good, "{text}");
        }
        for (text, good) in [
            (AcmeConfig::LETS_ENCRYPT, true),
            ("https://[::1]:14000/dir", true),
            ("http://127.0.0.1/dir", false),
            ("https://user:secret@h/dir", false),
            ("/dir", false),
            ("", false),
        ] {
            assert_eq!(is_directory(text), good, "{text}");
        }
    }

    #[test]
    fn what_cannot_work_is_refused() {
        let good = AcmeConfig::new(vec!["relay.example.org".to_owned()], "cache".into());
        let text = |text: &str| vec![text.to_owned()];
        let cases = [
            (good.clone(), Ok(())),
            (AcmeConfig { domains: Vec::new(), ..good.clone() }, Err(ConfigError::AcmeDomains)),
            (AcmeConfig { domains: text("*.b"), ..good.clone() }, Err(ConfigError::AcmeDomain { number: 1 })),
            (AcmeConfig { contact: text("ops"), ..good.clone() }, Err(ConfigError::AcmeContact { number: 1 })),
            (AcmeConfig { cache: PathBuf::new(), ..good.clone() }, Err(ConfigError::AcmeCache)),
            (AcmeConfig { directory: "http://h/".to_owned(), ..good }, Err(ConfigError::AcmeDirectory)),
        ];
        for (config, outcome) in cases {
            let outcome = if cfg!(feature = "acme") { outcome } else { Err(ConfigError::NoAcme) };
            assert_eq!(config.validate(), outcome);
        }
    }
}
