//! What an ACME server does to see who has a domain (RFC 8737 §3).

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme, version};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use x509_cert::Certificate;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode, Encode};

const ACME_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.31");
const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");

/// Whether `target` answers for `domain` with that digest of the key authorization; else why not.
pub(crate) async fn validate(target: SocketAddr, domain: &str, digest: &[u8]) -> Result<(), String> {
    let provider = Arc::new(ring::default_provider());
    let seen = Arc::new(Seen { provider: Arc::clone(&provider), certificate: Mutex::default() });
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&seen) as _)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"acme-tls/1".to_vec()];
    let name = ServerName::try_from(domain.to_owned()).unwrap();
    let stream = TcpStream::connect(target).await.map_err(|error| error.to_string())?;
    let connected = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    let mut stream = connected.map_err(|error| error.to_string())?;
    if stream.get_ref().1.alpn_protocol() != Some(b"acme-tls/1") {
        return Err("another protocol".to_owned());
    }
    // It is for this alone: the other side ends the connection, and in order.
    match stream.read(&mut [0; 16]).await {
        Ok(0) => {}
        other => return Err(format!("after the handshake: {other:?}")),
    }
    let certificate = seen.certificate.lock().unwrap().take().unwrap();
    let certificate = Certificate::from_der(&certificate).unwrap();
    let extensions = certificate.tbs_certificate().extensions().cloned().unwrap_or_default();
    let find = |id| extensions.iter().find(|extension| extension.extn_id == id).ok_or("an extension is missing");
    let identifier = find(ACME_IDENTIFIER)?;
    // An OCTET STRING of 32 bytes.
    if !identifier.critical || identifier.extn_value.as_bytes() != [&[4, 32], digest].concat() {
        return Err("this is not the answer to the challenge".to_owned());
    }
    // One name, and that one: SEQUENCE { [2] domain }.
    let length = u8::try_from(domain.len()).unwrap();
    let names = [&[0x30, length + 2, 0x82, length], domain.as_bytes()].concat();
    if find(SUBJECT_ALT_NAME)?.extn_value.as_bytes() != names {
        return Err("other names".to_owned());
    }
    Ok(())
}

/// Takes every certificate and keeps it.
#[derive(Debug)]
struct Seen {
    provider: Arc<CryptoProvider>,
    certificate: Mutex<Option<Vec<u8>>>,
}

impl ServerCertVerifier for Seen {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        *self.certificate.lock().unwrap() = Some(end_entity.to_vec());
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("only TLS 1.3 is spoken here".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        // By its key alone: the certificate as a whole is refused for the critical extension that it has to have.
        let certificate = Certificate::from_der(cert).unwrap();
        let key = certificate.tbs_certificate().subject_public_key_info().to_der().unwrap();
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature_with_raw_key(message, &SubjectPublicKeyInfoDer::from(key), dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
