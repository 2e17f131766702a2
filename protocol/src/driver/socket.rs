//! WebSockets: opening, and the few settings that matter.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::http::Uri;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as WsError, Message, Utf8Bytes, protocol};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::DriverError;
use super::limited::{Budget, Limited};
use crate::close::CloseRequest;
use crate::connection::CloseFrame;
use crate::message::Payload;
use crate::plugin::Outgoing;

/// Largest WebSocket message that is taken. Peers fragment at 64 KiB, but a reference peer may send a text of 16383
/// UTF-16 units whole, and the protocol allows any size up to 100 MiB.
const MAX_FRAME_LEN: usize = 104_857_600;

/// Bytes of the read buffer: a fragment fits in sixteen reads, and an idle connection stays small.
const READ_BUFFER: usize = 4096;

/// Bytes that are gathered before a write. What is not yet written is bounded by the stack's own limit.
const WRITE_BUFFER: usize = 64 * 1024;

/// A WebSocket over any stream.
pub(super) type Socket<S> = WebSocketStream<S>;

/// Streams that a socket can run over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for S {}

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_message_size(Some(MAX_FRAME_LEN))
        .max_frame_size(Some(MAX_FRAME_LEN))
}

/// Checks a URL before anything is sent to it.
///
/// # Errors
///
/// [`DriverError::Url`] says what is wrong.
pub fn check_url(url: &str) -> Result<(), DriverError> {
    target(url).map(drop)
}

/// Where a URL leads.
#[derive(Clone, Debug)]
pub(super) struct Target {
    uri: Uri,
    host: String,
    port: u16,
}

pub(super) fn target(url: &str) -> Result<Target, DriverError> {
    let bad = |problem| Err(DriverError::Url { url: url.to_owned(), problem });
    let (scheme, rest) = match url.split_once("://") {
        Some(("ws", rest)) => ("ws", rest),
        Some(("wss", rest)) if cfg!(feature = "tls") => ("wss", rest),
        Some(("wss", _)) => return bad("this build has no TLS"),
        Some(("http" | "https", _)) => return bad("http and https are not WebSocket schemes"),
        _ => return bad("it does not begin with ws:// or wss://"),
    };
    if rest.is_empty() || rest.starts_with(['/', ':']) {
        return bad("the host is missing");
    }
    let Ok(uri) = url.parse::<Uri>() else { return bad("it contains characters that an address cannot have") };
    let Some(authority) = uri.authority() else { return bad("the host is missing") };
    let host = authority.host().trim_matches(['[', ']']).to_owned();
    if host.is_empty() {
        return bad("the host is missing");
    }
    let after_host = authority.as_str().rsplit_once('@').map_or(authority.as_str(), |(_, host)| host);
    let port = match after_host.strip_prefix(authority.host()).and_then(|port| port.strip_prefix(':')) {
        None if scheme == "wss" => 443,
        None => 80,
        Some(port) => match port.parse() {
            Ok(port) if port > 0 => port,
            _ => return bad("the port is no number from 1 to 65535"),
        },
    };
    Ok(Target { uri, host, port })
}

/// A socket that we opened.
pub(super) type Dialled = MaybeTlsStream<Limited<TcpStream>>;

/// Opens a WebSocket. The caller puts a deadline on it.
pub(super) async fn open(target: &Target, budget: Budget) -> Result<Socket<Dialled>, String> {
    let Target { uri, host, port } = target;
    let problem = |what: String| format!("cannot open {uri}: {what}");
    let stream =
        TcpStream::connect((host.as_str(), *port)).await.map_err(|error| problem(explain(&WsError::Io(error))))?;
    let stream = Limited::new(without_delay(stream), budget);
    let opened = dial(uri.clone(), stream).await;
    opened.map_err(|error| problem(explain(&error)))
}

#[cfg(feature = "tls")]
async fn dial(uri: Uri, stream: Limited<TcpStream>) -> Result<Socket<Dialled>, WsError> {
    let opened = tokio_tungstenite::client_async_tls_with_config(uri, stream, Some(config()), None).await;
    opened.map(|(socket, _)| socket)
}

#[cfg(not(feature = "tls"))]
async fn dial(uri: Uri, stream: Limited<TcpStream>) -> Result<Socket<Dialled>, WsError> {
    let stream = MaybeTlsStream::Plain(stream);
    let opened = tokio_tungstenite::client_async_with_config(uri, stream, Some(config())).await;
    opened.map(|(socket, _)| socket)
}

/// Answers a peer that opens a WebSocket to us. The caller puts a deadline on it.
pub(super) async fn accept(stream: TcpStream, budget: Budget) -> Result<Socket<Limited<TcpStream>>, String> {
    let stream = Limited::new(without_delay(stream), budget);
    tokio_tungstenite::accept_async_with_config(stream, Some(config())).await.map_err(|error| explain(&error))
}

/// Small messages are worth their own packets; a system that does not know the option loses only speed.
fn without_delay(stream: TcpStream) -> TcpStream {
    let _ = stream.set_nodelay(true);
    stream
}

/// What an error means for a person. Text of the other end is escaped by its `Debug` form.
pub(super) fn explain(error: &WsError) -> String {
    match error {
        WsError::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            "connection refused; nothing listens there, start it or check host and port".to_owned()
        }
        WsError::Io(error) => error.to_string(),
        WsError::Http(response) => {
            format!("the server answered with HTTP status {} instead of a WebSocket", response.status().as_u16())
        }
        other => format!("{:?}", other.to_string()),
    }
}

pub(super) fn to_frame(out: Outgoing) -> Message {
    match out {
        Outgoing::Message(Payload::Text(text)) => Message::text(text),
        Outgoing::Message(Payload::Binary(data)) => Message::Binary(data),
        Outgoing::Close(request) => close_frame(&request),
    }
}

fn close_frame(request: &CloseRequest) -> Message {
    Message::Close(Some(protocol::CloseFrame {
        code: protocol::frame::coding::CloseCode::Normal,
        reason: Utf8Bytes::from(request.reason()),
    }))
}

pub(super) fn from_close(frame: Option<protocol::CloseFrame>) -> CloseFrame {
    match frame {
        Some(frame) => CloseFrame { code: frame.code.into(), reason: frame.reason.as_str().to_owned() },
        None => CloseFrame { code: protocol::frame::coding::CloseCode::Status.into(), reason: String::new() },
    }
}

#[cfg(test)]
mod tests {
    use super::check_url;

    #[test]
    fn urls_are_checked_before_anything_is_sent() {
        for url in ["ws://localhost", "ws://127.0.0.1:8000", "ws://[::1]:8000/path"] {
            assert!(check_url(url).is_ok(), "{url}");
        }
        for url in [
            "",
            "localhost:8000",
            "http://localhost",
            "ws://",
            "ws:///x",
            "ws://a b",
            "ws://:80",
            "ws://localhost:99999",
            "ws://[::1",
            "ws://localhost:abc",
            "ws://%",
            "ws://x:0",
        ] {
            assert!(check_url(url).is_err(), "{url}");
        }
    }
}
