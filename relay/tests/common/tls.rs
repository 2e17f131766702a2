//! Certificates for tests, and clients that believe in them.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ratatosk_protocol::key::{KeyPair, PublicKey};
use ratatosk_protocol::message;
use ratatosk_relay::session::Timer;
use ratatosk_relay::{CertificateFiles, CertificateSource, Config, Server, TlsConfig};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair as Signer};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{Client, raw, within};

/// A connection of a client.
pub type Tls = tokio_rustls::client::TlsStream<TcpStream>;

/// The first second of 2030, as the certificates' end.
pub const END_OF_2029: u64 = 1_893_456_000;

/// Somebody who signs certificates, and a folder for them that is gone in the end.
pub struct Authority {
    issuer: CertifiedIssuer<'static, Signer>,
    folder: PathBuf,
}

impl Default for Authority {
    fn default() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("ratatosk-tls-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, Signer::generate().unwrap()).unwrap();
        Self { issuer, folder }
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Authority {
    /// A certificate for 127.0.0.1 until the end of a year, and its key, as PEM.
    pub fn certify(&self, until: i32) -> (String, String) {
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(until + 1, 1, 1);
        let key = Signer::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    /// Signs whatever it is asked to.
    pub fn sign(&self, params: &CertificateParams, key: &impl rcgen::PublicKeyData) -> String {
        params.signed_by(key, &self.issuer).unwrap().pem()
    }

    /// Where the files are.
    pub fn config(&self) -> TlsConfig {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let config = TlsConfig::new(listen, self.folder.join("chain.pem"), self.folder.join("key.pem"));
        looked_at_every(Duration::from_millis(20), &config)
    }

    /// Writes the files.
    pub fn install(&self, (certificate, key): &(String, String)) -> TlsConfig {
        let config = self.config();
        let files = files(&config);
        fs::write(&files.certificate, certificate).unwrap();
        fs::write(&files.key, key).unwrap();
        #[cfg(unix)]
        fs::set_permissions(&files.key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        config
    }

    /// What makes a client believe in these certificates.
    pub fn client(&self, versions: &[&'static SupportedProtocolVersion]) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        TlsConnector::from(Arc::new(config))
    }

    /// A file with what makes anybody believe in these certificates.
    pub fn root(&self) -> PathBuf {
        let path = self.folder.join("root.pem");
        fs::write(&path, self.issuer.pem()).unwrap();
        path
    }

    /// The other end of such connections, for servers that are no relays.
    pub fn server(&self) -> tokio_rustls::TlsAcceptor {
        let (certificate, key) = self.certify(2029);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder =
            rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let config = builder.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
        Arc::new(config).into()
    }

    /// A TLS connection.
    pub async fn connect(&self, address: SocketAddr) -> Tls {
        self.secure(raw::connect(address).await).await
    }

    /// The same over a connection that is there.
    pub async fn secure(&self, stream: TcpStream) -> Tls {
        let connector = self.client(rustls::DEFAULT_VERSIONS);
        within(connector.connect(name(), stream)).await.unwrap()
    }

    /// A relay with a fresh certificate that listens with TLS and without.
    pub async fn relay(&self, timeouts: &[(Timer, u64)]) -> Server {
        let tls = Some(self.install(&self.certify(2029)));
        super::relay_with(Config { tls, ..Config::default() }, timeouts).await
    }

    pub async fn open(&self, address: SocketAddr) -> Client<Tls> {
        Client::upgrade(format!("wss://{address}/"), self.connect(address).await).await
    }

    /// A spare of that key.
    pub async fn register(&self, address: SocketAddr, key: &KeyPair) -> Client<Tls> {
        self.open(address).await.try_register(key).await.unwrap()
    }

    /// A connector that has sent its request.
    pub async fn request(&self, address: SocketAddr, source: &KeyPair, target: &PublicKey) -> Client<Tls> {
        let mut client = self.open(address).await;
        client.send(message::communication_request(source.public(), target)).await;
        client
    }
}

/// Where the certificate is.
pub fn files(config: &TlsConfig) -> &CertificateFiles {
    match &config.certificate {
        CertificateSource::Files(files) => files,
        CertificateSource::Acme(_) => panic!("no files"),
    }
}

/// The same files, with another time between two looks at them.
pub fn looked_at_every(check_every: Duration, config: &TlsConfig) -> TlsConfig {
    let files = CertificateFiles { check_every, ..files(config).clone() };
    TlsConfig { certificate: CertificateSource::Files(files), ..config.clone() }
}

/// Whom the certificates are for.
pub fn name() -> ServerName<'static> {
    ServerName::try_from("127.0.0.1").unwrap()
}

/// The certificate that a server has shown.
pub fn shown(tls: &Tls) -> Vec<u8> {
    tls.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}
