//! A TLS connection out of a TCP connection.

use std::sync::Arc;

use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::Failure;
use super::ahead::Ahead;
use crate::socket::{Stream, Wire};

/// A TLS connection.
pub(crate) type Secured = TlsStream<Ahead>;

/// Bytes that a connection keeps, at most, of what is encrypted and not taken by the operating system.
const BUFFER: usize = 64 * 1024;

/// Makes TLS connections with one certificate.
#[derive(Clone)]
pub(crate) struct Acceptor(TlsAcceptor);

impl std::fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Acceptor").finish_non_exhaustive()
    }
}

impl Acceptor {
    pub(super) fn new(server: Arc<ServerConfig>) -> Self {
        Self(server.into())
    }

    /// The handshake. It has no deadline of its own; when it is dropped, the connection ends.
    pub(crate) async fn accept(self, wire: Wire<TcpStream>) -> Result<Stream, Failure> {
        let limit = |session: &mut rustls::ServerConnection| session.set_buffer_limit(Some(BUFFER));
        // Some KiB that nobody needs afterwards.
        let accept = Box::pin(self.0.accept_with(Ahead::new(wire), limit).into_fallible());
        let (error, unread) = match accept.await {
            #[cfg(feature = "acme")]
            Ok(secured) if secured.get_ref().1.alpn_protocol() == Some(super::acme::ACME_ALPN) => {
                return Err(Failure::Validated(Box::new(secured)));
            }
            Ok(secured) => return Ok(Stream::Tls(Box::new(secured))),
            Err(failed) => failed,
        };
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()).cloned() {
            Some(error) => Err(Failure::Tls { error, unread }),
            None => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::Pin;
    use std::task::Poll;
    use std::time::Duration;

    use rustls::pki_types::ServerName;
    use rustls::{ClientConfig, RootCertStore};
    use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::time::timeout;
    use tokio_rustls::TlsConnector;

    use super::super::Tls;
    use super::*;
    use crate::config::TlsConfig;
    use crate::metrics::Metrics;

    /// A TLS connection, and the client's end of the TCP connection under it.
    async fn connected() -> (Stream, TcpStream) {
        let signed = rcgen::generate_simple_self_signed(vec!["relay.test".to_owned()]).unwrap();
        let folder = std::env::temp_dir().join(format!("ratatosk-tls-unit-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (certificate, key) = (folder.join("chain.pem"), folder.join("key.pem"));
        std::fs::write(&certificate, signed.cert.pem()).unwrap();
        std::fs::write(&key, signed.signing_key.serialize_pem()).unwrap();
        let config = TlsConfig::new(([127, 0, 0, 1], 0).into(), certificate, key);
        let acceptor = Tls::load(&config, &Arc::<Metrics>::default()).unwrap().acceptor();
        std::fs::remove_dir_all(folder).unwrap();

        let mut roots = RootCertStore::empty();
        roots.add(signed.cert.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let client = builder.with_root_certificates(roots).with_no_client_auth();
        let connector = TlsConnector::from(Arc::new(client));
        let listener = TcpListener::bind(config.listen).await.unwrap();
        let tcp = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (accepted, _) = listener.accept().await.unwrap();
        let name = ServerName::try_from("relay.test").unwrap();
        let (stream, client) = tokio::join!(acceptor.accept(Wire::new(accepted)), connector.connect(name, tcp));
        (stream.unwrap(), client.unwrap().into_inner().0)
    }

    #[tokio::test]
    async fn what_counts_is_what_tcp_has_taken_and_little_more_is_accepted() {
        let (mut stream, mut client) = connected().await;
        let before = stream.written();
        assert!(before > 0, "the handshake counts as well");
        // The client reads nothing.
        let bytes = vec![0; 512 * 1024];
        let mut accepted = 0;
        while let Ok(length) = timeout(Duration::from_millis(200), stream.write(&bytes)).await {
            accepted += length.unwrap() as u64;
            assert!(accepted < 100_000_000, "somebody keeps all this");
        }
        let is_flushed = poll_fn(|cx| Poll::Ready(Pin::new(&mut stream).poll_flush(cx).is_ready())).await;
        assert!(!is_flushed, "something waits");
        let taken = stream.written() - before;
        assert!(taken < accepted && accepted - taken <= BUFFER as u64, "{taken} of {accepted} bytes");
        // All of that and nothing else arrives, whole records and a part of one.
        let mut ciphertext = vec![0; usize::try_from(taken).unwrap()];
        timeout(Duration::from_secs(10), client.read_exact(&mut ciphertext)).await.unwrap().unwrap();
        assert!(timeout(Duration::from_millis(50), client.read_u8()).await.is_err());
    }
}
