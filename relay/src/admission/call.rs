//! One question to the hook, over a connection of its own: `POST`, bounded in everything but time, which is the caller's.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use ratatosk_protocol::key::PublicKey;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit as Place;

use super::url::HookUrl;

/// Most bytes of the body of an answer.
const MAX_BODY: usize = 4096;

/// Most bytes of its head; hyper's least.
const MAX_HEAD: usize = 8192;

/// What the hook is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    pub(crate) subject: Subject,
    /// Where the client is.
    pub(crate) address: Option<IpAddr>,
}

/// What a client wants.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    /// To register its key, which it has proven.
    Register(PublicKey),
    /// To be handed over to `target`; that it is `source` is what it says.
    Request { source: PublicKey, target: PublicKey },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    version: u8,
    event: &'static str,
    public_key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_public_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
}

impl Question {
    /// The body of the request.
    fn to_json(&self) -> Result<Vec<u8>, CallError> {
        let (event, key, source) = match &self.subject {
            Subject::Register(key) => ("register", key, None),
            Subject::Request { source, target } => ("request", target, Some(source)),
        };
        let body = Body {
            version: 1,
            event,
            public_key: key.to_hex(),
            source_public_key: source.map(PublicKey::to_hex),
            address: self.address.map(|address| address.to_string()),
        };
        serde_json::to_vec(&body).map_err(|_| CallError::Answer)
    }
}

/// What the hook answers. Fields that are not known yet do no harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Answer {
    pub(super) allow: bool,
    /// How long this holds, if not as long as it may.
    #[serde(rename = "cacheSeconds")]
    pub(super) cache_seconds: Option<u32>,
}

/// Why there is no answer. Nothing of the URL is in here.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    #[error("the hook cannot be asked at this address")]
    Url,
    #[cfg(feature = "tls")]
    #[error("this machine has no certificates of those who certify others")]
    Roots,
    #[error("no connection: {0}")]
    Connect(#[from] std::io::Error),
    #[error("{0}")]
    Http(#[from] hyper::Error),
    #[error("the answer has status {0}")]
    Status(StatusCode),
    #[error("the body of the answer is broken or longer than {MAX_BODY} bytes")]
    Body,
    #[error("the answer is not {{\"allow\": true}} or {{\"allow\": false}}")]
    Answer,
}

/// Asks. `place` is kept as long as this takes anything of this machine.
pub(super) async fn ask(url: &HookUrl, question: &Question, place: Place) -> Result<Answer, CallError> {
    let body = question.to_json()?;
    let (addresses, _place) = look_up(url, place).await?;
    let stream = TcpStream::connect(&addresses[..]).await?;
    stream.set_nodelay(true)?;
    if !url.needs_tls() {
        return exchange(stream, url, body).await;
    }
    #[cfg(feature = "tls")]
    return exchange(super::secure::connect(stream, &url.host).await?, url, body).await;
    #[cfg(not(feature = "tls"))]
    Err(CallError::Url)
}

/// Where the hook is. To look a name up takes a thread, and cannot be given up before the system gives up: whoever asks in
/// vain leaves the place to the thread, so that there are no more of these than places.
async fn look_up(url: &HookUrl, place: Place) -> Result<(Vec<SocketAddr>, Place), CallError> {
    if let Ok(address) = url.host.parse::<IpAddr>() {
        return Ok((vec![(address, url.port).into()], place));
    }
    let (host, port) = (url.host.clone(), url.port);
    let looking =
        tokio::task::spawn_blocking(move || ((host.as_str(), port).to_socket_addrs().map(Vec::from_iter), place));
    let (found, place) = looking.await.map_err(std::io::Error::other)?;
    Ok((found?, place))
}

async fn exchange<S>(stream: S, url: &HookUrl, body: Vec<u8>) -> Result<Answer, CallError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, connection) = http1::Builder::new().max_buf_size(MAX_HEAD).handshake(TokioIo::new(stream)).await?;
    let request = request(url, body)?;
    let answer = async {
        let response = sender.send_request(request).await?;
        // A redirect is an answer like every other that is not the one that is asked for.
        if response.status() != StatusCode::OK {
            return Err(CallError::Status(response.status()));
        }
        let body = Limited::new(response.into_body(), MAX_BODY).collect().await.map_err(|_| CallError::Body)?;
        serde_json::from_slice(&body.to_bytes()).map_err(|_| CallError::Answer)
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

fn request(url: &HookUrl, body: Vec<u8>) -> Result<Request<Full<Bytes>>, CallError> {
    let mut request = Request::post(&url.target)
        .header(HOST, &url.authority)
        .header(CONTENT_TYPE, "application/json")
        .header(CONNECTION, "close")
        .body(Full::from(body))
        .map_err(|_| CallError::Url)?;
    if let Some(authorization) = &url.authorization {
        let mut value = HeaderValue::from_str(authorization).map_err(|_| CallError::Url)?;
        value.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, value);
    }
    Ok(request)
}

#[cfg(test)]
mod tests {
    use ratatosk_protocol::key::SecretKey;

    use super::*;

    #[test]
    fn the_question_is_as_documented() {
        let [key, other] = [1, 2].map(|number| SecretKey::from_bytes([number; 32]).public_key());
        let address = Some("192.0.2.1".parse().unwrap());
        let question = Question { subject: Subject::Register(key), address };
        assert_eq!(
            String::from_utf8(question.to_json().unwrap()).unwrap(),
            format!(r#"{{"version":1,"event":"register","publicKey":"{key}","address":"192.0.2.1"}}"#)
        );
        let question = Question { subject: Subject::Request { source: key, target: other }, address };
        assert_eq!(
            String::from_utf8(question.to_json().unwrap()).unwrap(),
            format!(
                r#"{{"version":1,"event":"request","publicKey":"{other}","sourcePublicKey":"{key}","address":"192.0.2.1"}}"#
            )
        );
    }

    #[test]
    fn only_a_clear_answer_is_one() {
        let parse = |text: &str| serde_json::from_str::<Answer>(text).ok();
        let answer = |allow, cache_seconds| Some(Answer { allow, cache_seconds });
        assert_eq!(parse(r#"{"allow":true}"#), answer(true, None));
        assert_eq!(parse(r#"{"allow":false,"cacheSeconds":60,"note":"x"}"#), answer(false, Some(60)));
        for text in [
            "",
            "true",
            "{}",
            r#"{"allow":1}"#,
            r#"{"allow":"true"}"#,
            r#"{"allow":true,"allow":true}"#,
            r#"{"allow":true}x"#,
            r#"{"allow":true,"cacheSeconds":-1}"#,
            r#"{"allow":true,"cacheSeconds":1.5}"#,
            "[true]]",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
