//! TLS to the hook, whose certificate has to be good for its name in the eyes of this machine.

use std::sync::{Arc, OnceLock};

use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::call::CallError;

/// Speaks TLS to `host`. The roots are those of this machine, read once; reading them takes some milliseconds.
pub(super) async fn connect(stream: TcpStream, host: &str) -> Result<TlsStream<TcpStream>, CallError> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let roots = match ROOTS.get() {
        Some(roots) => Arc::clone(roots),
        None => {
            let read = tokio::task::spawn_blocking(|| Arc::new(roots_of_this_machine())).await;
            let read = read.map_err(|_| CallError::Roots)?;
            Arc::clone(ROOTS.get_or_init(|| read))
        }
    };
    connect_with(stream, host, roots).await
}

async fn connect_with(
    stream: TcpStream,
    host: &str,
    roots: Arc<RootCertStore>,
) -> Result<TlsStream<TcpStream>, CallError> {
    if roots.is_empty() {
        return Err(CallError::Roots);
    }
    let name = ServerName::try_from(host.to_owned()).map_err(|_| CallError::Url)?;
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| CallError::Roots)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)).connect(name, stream).await?)
}

fn roots_of_this_machine() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    // One that cannot be read is one that is not trusted.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

#[cfg(test)]
mod tests {
    use rcgen::CertifiedKey;
    use rustls::ServerConfig;
    use rustls::pki_types::PrivateKeyDer;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;

    #[tokio::test]
    async fn only_a_certificate_that_is_good_for_the_name_will_do() {
        let CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["hook.example".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(server));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    stream.write_all(b"hello").await.unwrap();
                    stream.shutdown().await.unwrap();
                }
            }
        });
        let mut trusting = RootCertStore::empty();
        trusting.add(cert.der().clone()).unwrap();
        let other = rcgen::generate_simple_self_signed(["hook.example".to_owned()]).unwrap();
        let mut strange = RootCertStore::empty();
        strange.add(other.cert.der().clone()).unwrap();
        let connect = async |host, roots: &RootCertStore| {
            let stream = TcpStream::connect(address).await.unwrap();
            connect_with(stream, host, Arc::new(roots.clone())).await
        };
        let mut text = String::new();
        connect("hook.example", &trusting).await.unwrap().read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "hello");
        assert!(matches!(connect("other.example", &trusting).await, Err(CallError::Connect(_))));
        assert!(matches!(connect("hook.example", &strange).await, Err(CallError::Connect(_))));
        assert!(matches!(connect("hook.example", &RootCertStore::empty()).await, Err(CallError::Roots)));
        serving.abort();
    }
}
