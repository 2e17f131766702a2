//! HTTP/1.1 to the daemon: one connection for each request, which on loopback costs less than a pool would.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::ClientError;

/// How long the daemon may take to take a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// How long it may take for most answers.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// The longest answer that is taken as a whole: a page of messages of the longest kind.
const MAX_ANSWER: usize = 64 << 20;

pub(super) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// An answer that has begun. Dropping it ends its connection.
pub(super) struct Answer {
    pub(super) response: Response<Incoming>,
    _connection: Connection,
}

/// The task of a connection, which ends with whoever needs it.
struct Connection(AbortHandle);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Where the daemon listens, and what it asks for.
#[derive(Clone)]
pub(super) struct Transport {
    pub(super) port: u16,
    pub(super) token: String,
}

impl Transport {
    /// Sends a request and waits for the head of the answer. What is no success is an error.
    pub(super) async fn begin(
        &self,
        method: Method,
        path: &str,
        kind: &str,
        length: Option<u64>,
        body: Body,
        patience: Duration,
    ) -> Result<Answer, ClientError> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let stream = timeout(CONNECT, TcpStream::connect(address)).await.map_err(|_| ClientError::Silent)?;
        let stream = stream.map_err(ClientError::Gone)?;
        // A small request should not wait for the acknowledgement of the one before.
        stream.set_nodelay(true).map_err(ClientError::Gone)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        let connection = Connection(tokio::spawn(connection).abort_handle());
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, address.to_string())
            .header(AUTHORIZATION, format!("Bearer {}", self.token))
            .header(ACCEPT, "application/json, text/event-stream, application/octet-stream")
            .header(CONTENT_TYPE, kind);
        if let Some(length) = length {
            request = request.header(CONTENT_LENGTH, length);
        }
        let request = request.body(body).map_err(|error| ClientError::Answer(error.to_string()))?;
        let response = timeout(patience, sender.send_request(request)).await.map_err(|_| ClientError::Silent)?;
        let answer = Answer { response: response.map_err(broken)?, _connection: connection };
        if answer.response.status().is_success() { Ok(answer) } else { Err(refusal(answer).await) }
    }

    /// A request and its answer, both JSON.
    pub(super) async fn json<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
        patience: Duration,
    ) -> Result<T, ClientError> {
        let body = match body {
            Some(body) => {
                Bytes::from(serde_json::to_vec(body).map_err(|error| ClientError::Answer(error.to_string()))?)
            }
            None => Bytes::new(),
        };
        let answer = self.begin(method, path, "application/json", None, whole(body), patience).await?;
        let status = answer.response.status();
        let bytes = answer.all(patience).await?;
        let bytes = if bytes.is_empty() || status == StatusCode::NO_CONTENT { b"null".as_slice() } else { &bytes };
        serde_json::from_slice(bytes).map_err(|error| ClientError::Answer(error.to_string()))
    }
}

impl Answer {
    /// The whole body, which is bounded.
    pub(super) async fn all(self, patience: Duration) -> Result<Bytes, ClientError> {
        let Self { response, _connection } = self;
        let body = Limited::new(response.into_body(), MAX_ANSWER);
        let collected = timeout(patience, body.collect()).await.map_err(|_| ClientError::Silent)?;
        collected.map(http_body_util::Collected::to_bytes).map_err(|error| {
            if error.is::<LengthLimitError>() {
                ClientError::TooLong
            } else {
                ClientError::Gone(io::Error::other(error))
            }
        })
    }

    /// The next piece of the body, `None` at its end.
    pub(super) async fn piece(&mut self, patience: Duration) -> Result<Option<Bytes>, ClientError> {
        loop {
            let frame = timeout(patience, self.response.body_mut().frame()).await.map_err(|_| ClientError::Silent)?;
            match frame {
                None => return Ok(None),
                // Trailers say nothing to us.
                Some(frame) => {
                    if let Ok(bytes) = frame.map_err(broken)?.into_data() {
                        return Ok(Some(bytes));
                    }
                }
            }
        }
    }
}

/// A body that is there as a whole.
pub(super) fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never: Infallible| match never {}).boxed_unsync()
}

/// A body that comes in pieces.
pub(super) fn pieces(stream: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Body {
    StreamBody::new(stream.map(|piece| piece.map(Frame::data))).boxed_unsync()
}

fn broken(error: hyper::Error) -> ClientError {
    ClientError::Gone(io::Error::other(error))
}

/// What an answer that is no success says.
async fn refusal(answer: Answer) -> ClientError {
    #[derive(serde::Deserialize)]
    struct Refusal {
        error: Said,
    }
    #[derive(serde::Deserialize)]
    struct Said {
        code: String,
        message: String,
        #[serde(default)]
        help: Option<String>,
    }
    let status = answer.response.status().as_u16();
    let said = answer.all(PATIENCE).await.ok().and_then(|bytes| serde_json::from_slice::<Refusal>(&bytes).ok());
    match said {
        Some(Refusal { error: Said { code, message, help } }) => ClientError::Refused { status, code, message, help },
        None => ClientError::Answer(format!("HTTP {status}")),
    }
}
