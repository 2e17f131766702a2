//! A small client, and a relay to point it at.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed assumption in a test is a failed test"
)]
#![allow(dead_code, unreachable_pub, reason = "every test file uses another part of this")]

pub mod hook;
pub mod http;
pub mod log;
pub mod network;
pub mod program;
pub mod raw;
pub mod scrape;
#[cfg(feature = "tls")]
pub mod tls;
pub mod violations;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use ratatosk_protocol::crypto::SharedKey;
use ratatosk_protocol::crypto::challenge::respond;
use ratatosk_protocol::entropy::OsEntropy;
use ratatosk_protocol::key::{KeyPair, PublicKey, SecretKey};
use ratatosk_protocol::message::{self, AuthenticationRequest, Payload};
use ratatosk_relay::session::Timer;
use ratatosk_relay::{Config, Server, Snapshot};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message, WebSocketConfig};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

pub const HANDOVER: &str = r#"{"command":"connection_handover"}"#;
pub const NO_LISTENER: &str = "Close called: No listening connection for the specified publicKey.";

/// What the other tests must never come near to.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Fails a test that would hang.
pub async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("this takes too long")
}

/// The key pair with that number.
pub fn key(number: u16) -> KeyPair {
    let mut bytes = [9; 32];
    bytes[1..3].copy_from_slice(&number.to_le_bytes());
    SecretKey::from_bytes(bytes).into()
}

/// A relay on a free port, with some timeouts in milliseconds.
pub async fn relay(timeouts: &[(Timer, u64)]) -> Server {
    relay_with(Config::default(), timeouts).await
}

pub async fn relay_with(mut config: Config, timeouts: &[(Timer, u64)]) -> Server {
    log::keep();
    config.listen = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    for (timer, millis) in timeouts {
        config.timeouts = config.timeouts.with(*timer, Duration::from_millis(*millis));
    }
    Server::bind(config).await.unwrap()
}

/// Waits until the relay is as it should be.
pub async fn until(server: &Server, what: impl Fn(Snapshot) -> bool) {
    let reached = async {
        while !what(server.snapshot()) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let end = tokio::time::timeout(PATIENCE, reached).await;
    assert!(end.is_ok(), "still {:?}", server.snapshot());
}

/// Nothing is left of anybody.
pub async fn until_empty(server: &Server) {
    until(server, |snapshot| snapshot == Snapshot::default()).await;
}

/// How a connection ended: the close code and reason, or `None` without a close frame. No code at all is 1005.
pub type End = Option<(u16, String)>;

pub fn end(code: u16, reason: &str) -> End {
    Some((code, reason.to_owned()))
}

pub struct Client<S = TcpStream> {
    pub ws: WebSocketStream<S>,
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self::over(stream).await
    }

    /// The same over a connection that is there.
    pub async fn over(stream: TcpStream) -> Self {
        let url = format!("ws://{}/", stream.peer_addr().unwrap());
        Self::upgrade(url, stream).await
    }

    /// A spare of that key.
    pub async fn register(address: SocketAddr, key: &KeyPair) -> Self {
        Self::connect(address).await.try_register(key).await.unwrap()
    }

    /// A connector that has sent its request.
    pub async fn request(address: SocketAddr, source: &KeyPair, target: &PublicKey) -> Self {
        let mut client = Self::connect(address).await;
        client.send(message::communication_request(source.public(), target)).await;
        client
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub async fn upgrade(url: String, stream: S) -> Self {
        let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        let (ws, _) = within(client_async_with_config(url, stream, Some(config))).await.unwrap();
        Self { ws }
    }

    /// A spare of that key, or how the relay refuses it, before the proof or after it.
    pub async fn try_register(mut self, key: &KeyPair) -> Result<Self, End> {
        self.send(message::register(key.public())).await;
        let request = AuthenticationRequest::parse(&self.next().await?).unwrap();
        self.send(answer(key, &request)).await;
        message::parse_authentication_success(&self.next().await?).unwrap();
        Ok(self)
    }

    pub async fn send(&mut self, payload: Payload) {
        within(self.ws.send(to_message(payload))).await.unwrap();
    }

    /// Sends, unless the connection has ended.
    pub async fn try_send(&mut self, payload: Payload) -> bool {
        within(self.ws.send(to_message(payload))).await.is_ok()
    }

    pub async fn send_text(&mut self, text: &str) {
        self.send(Payload::text(text)).await;
    }

    /// The next text or binary message.
    pub async fn recv(&mut self) -> Payload {
        match self.next().await {
            Ok(payload) => payload,
            Err(end) => panic!("a message was expected, not {end:?}"),
        }
    }

    /// The next text or binary message, or how the connection ends.
    pub async fn try_recv(&mut self) -> Result<Payload, End> {
        self.next().await
    }

    pub async fn recv_text(&mut self) -> String {
        match self.recv().await {
            Payload::Text(text) => text,
            Payload::Binary(data) => panic!("text was expected, not {} bytes", data.len()),
        }
    }

    /// How the connection ends, if that is the next thing.
    pub async fn ended(&mut self) -> End {
        match self.next().await {
            Ok(payload) => panic!("the end was expected, not {payload:?}"),
            Err(end) => end,
        }
    }

    pub async fn close(&mut self, code: u16, reason: &str) {
        let frame = CloseFrame { code: CloseCode::from(code), reason: reason.into() };
        within(self.ws.close(Some(frame))).await.unwrap();
    }

    /// Receives the handover and the request, as a spare does.
    pub async fn handed_over(&mut self, source: &KeyPair, target: &KeyPair) {
        assert_eq!(self.recv_text().await, HANDOVER);
        assert_eq!(self.recv().await, message::communication_request(source.public(), target.public()));
    }

    async fn next(&mut self) -> Result<Payload, End> {
        let mut end = None;
        loop {
            match within(self.ws.next()).await {
                Some(Ok(Message::Text(text))) => return Ok(Payload::text(text.as_str())),
                Some(Ok(Message::Binary(data))) => return Ok(Payload::Binary(data)),
                // The server ends the connection after the closing handshake.
                Some(Ok(Message::Close(frame))) => {
                    end = Some(
                        frame.map_or((1005, String::new()), |frame| (frame.code.into(), frame.reason.to_string())),
                    );
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(end),
            }
        }
    }
}

/// The right answer to a challenge.
pub fn answer(key: &KeyPair, request: &AuthenticationRequest) -> Payload {
    let shared = SharedKey::between(key.secret(), &request.server);
    message::authentication_response(&respond(&shared, &request.challenge, &mut OsEntropy).unwrap())
}

/// A connected pair: connector and listener, both after the handover.
pub async fn pair(address: SocketAddr, source: &KeyPair, target: &KeyPair) -> (Client, Client) {
    let mut listener = Client::register(address, target).await;
    let connector = Client::request(address, source, target.public()).await;
    listener.handed_over(source, target).await;
    (connector, listener)
}

pub fn to_message(payload: Payload) -> Message {
    match payload {
        Payload::Text(text) => Message::text(text),
        Payload::Binary(data) => Message::Binary(data),
    }
}
