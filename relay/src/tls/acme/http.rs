//! Requests to the ACME server: HTTP/1.1 over TLS, one connection each, bounded in time and size.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST, HeaderValue};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::tls::{TlsError, TlsFile, certificate};

/// Most bytes of the body of an answer. Chains of certificates are some KiB.
const MAX_BODY: usize = 256 * 1024;

/// Most bytes of its head.
const MAX_HEAD: usize = 32 * 1024;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks the ACME server.
#[derive(Clone)]
pub(super) struct Client(TlsConnector);

impl Client {
    /// Believes those whom `roots` certify.
    pub(super) fn new(roots: RootCertStore) -> Result<Self, Error> {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::Other(error.into()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(Arc::new(config).into()))
    }

    async fn exchange(self, request: Request<BodyWrapper<Bytes>>) -> Result<BytesResponse, Failure> {
        let (host, port) = place(request.uri())?;
        let stream = TcpStream::connect((host.as_str(), port)).await?;
        let stream = self.0.connect(ServerName::try_from(host)?, stream).await?;
        let (mut sender, connection) =
            http1::Builder::new().max_buf_size(MAX_HEAD).handshake(TokioIo::new(stream)).await?;
        let answer = async {
            let (parts, body) = sender.send_request(origin_form(request)?).await?.into_parts();
            let body = Limited::new(body, MAX_BODY).collect().await?;
            Ok(Response::from_parts(parts, Full::new(body.to_bytes())).into())
        };
        let drive = async {
            // How it ends is seen by whoever waits for the answer.
            let _ = connection.await;
            std::future::pending().await
        };
        tokio::select! {
            answer = answer => answer,
            never = drive => never,
        }
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

impl HttpClient for Client {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let exchange = timeout(PATIENCE, self.clone().exchange(request));
        Box::pin(async move {
            let answer = exchange.await.unwrap_or_else(|_| Err("the ACME server takes too long to answer".into()));
            answer.map_err(Error::Other)
        })
    }
}

/// Host and port of a URL that the ACME server has named.
fn place(uri: &Uri) -> Result<(String, u16), Failure> {
    let host = uri.host().filter(|_| uri.scheme_str() == Some("https"));
    let host = host.ok_or("the ACME server has named a URL without https")?;
    Ok((host.trim_start_matches('[').trim_end_matches(']').to_owned(), uri.port_u16().unwrap_or(443)))
}

/// The request as it is sent to the server itself.
fn origin_form(request: Request<BodyWrapper<Bytes>>) -> Result<Request<BodyWrapper<Bytes>>, Failure> {
    let (mut parts, body) = request.into_parts();
    let authority = parts.uri.authority().ok_or("a URL without a host")?;
    parts.headers.insert(HOST, HeaderValue::from_str(authority.as_str())?);
    parts.headers.insert(CONNECTION, HeaderValue::from_static("close"));
    parts.uri = parts.uri.path_and_query().map_or("/", |path| path.as_str()).parse()?;
    Ok(Request::from_parts(parts, body))
}

/// Those in the file, or those whom this machine believes. Reads files.
pub(super) fn roots(file: Option<&Path>) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    match file {
        None => {
            // One that cannot be read is one that is not trusted.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        Some(path) => {
            for root in certificate::chain(TlsFile::AcmeRoot, path)? {
                let broken = |error: rustls::Error| TlsError::Broken {
                    file: TlsFile::AcmeRoot,
                    path: path.to_owned(),
                    reason: error.to_string(),
                };
                roots.add(root).map_err(broken)?;
            }
        }
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_is_spoken() {
        let place = |uri: &'static str| place(&Uri::from_static(uri)).ok();
        assert_eq!(place("https://acme.example/x"), Some(("acme.example".to_owned(), 443)));
        assert_eq!(place("https://[::1]:14000/x"), Some(("::1".to_owned(), 14000)));
        assert_eq!(place("http://acme.example/x"), None);
        assert_eq!(place("/x"), None);
    }

    #[test]
    fn a_request_names_its_host_and_only_its_path() {
        let request = Request::get("https://acme.example:1/a?b").body(BodyWrapper::default()).unwrap();
        let request = origin_form(request).unwrap();
        assert_eq!(request.uri(), "/a?b");
        assert_eq!(request.headers()[HOST], "acme.example:1");
    }
}
