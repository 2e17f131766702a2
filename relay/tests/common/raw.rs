//! Bytes as they go over the wire, for what a decent client does not do.

use std::net::SocketAddr;

use ratatosk_protocol::message::Payload;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::within;

pub const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

pub const TEXT: u8 = 0x81;
pub const BINARY: u8 = 0x82;

/// A frame with its first byte as given, masked with zeros.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    match payload.len() {
        length @ 0..126 => out.push(0x80 | u8::try_from(length).unwrap()),
        length @ 126..65536 => {
            out.push(0x80 | 126);
            out.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        length => {
            out.push(0x80 | 127);
            out.extend((length as u64).to_be_bytes());
        }
    }
    out.extend([0; 4]);
    out.extend(payload);
    out
}

/// A whole message in a frame.
pub fn message(payload: &Payload) -> Vec<u8> {
    match payload {
        Payload::Text(text) => frame(TEXT, text.as_bytes()),
        Payload::Binary(data) => frame(BINARY, data),
    }
}

/// A connection on which nothing was said.
pub async fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// A connection after the upgrade, with more bytes in the same write.
pub async fn upgrade_and(address: SocketAddr, more: &[u8]) -> TcpStream {
    upgrade_over(connect(address).await, more).await
}

/// The same over a connection that is there.
pub async fn upgrade_over<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, more: &[u8]) -> S {
    stream.write_all(&[UPGRADE.as_bytes(), more].concat()).await.unwrap();
    stream.flush().await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(within(stream.read_u8()).await.unwrap());
    }
    assert!(answer.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&answer));
    stream
}

/// Everything until the end, whether it is a clean one or not.
pub async fn rest(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = within(stream.read(&mut buffer)).await {
        bytes.extend(&buffer[..length]);
    }
    bytes
}

/// The close frame that a server sends.
pub fn close_frame(code: u16, reason: &str) -> Vec<u8> {
    let mut out = vec![0x88, u8::try_from(2 + reason.len()).unwrap()];
    out.extend(code.to_be_bytes());
    out.extend(reason.as_bytes());
    out
}

/// Whether `stream` gets exactly this close, then nothing.
pub async fn expect_close(mut stream: TcpStream, code: u16, reason: &str) {
    let bytes = rest(&mut stream).await;
    let expected = close_frame(code, reason);
    assert_eq!(String::from_utf8_lossy(&bytes), String::from_utf8_lossy(&expected));
}
