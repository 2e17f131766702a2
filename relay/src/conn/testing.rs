//! Connections for tests, on real sockets.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use super::Conn;
use crate::metrics::Listener;
use crate::socket::Socket;
use crate::switchboard::Switchboard;

/// A connection after the upgrade, and its client.
pub(super) async fn conn(board: &Arc<Switchboard>) -> (Conn, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    (Conn { id: 1, socket: Socket::new(stream, Vec::new()), seat: board.admit(Listener::Plain).unwrap() }, client)
}

/// One whose client has sent more WebSocket pings than are read in one go.
pub(super) async fn flooded(board: &Arc<Switchboard>) -> (Conn, TcpStream) {
    let (conn, mut client) = conn(board).await;
    let pings = [0x89, 0x80, 0, 0, 0, 0].repeat(10_000);
    while let Ok(sent) = tokio::time::timeout(Duration::from_millis(200), client.write_all(&pings)).await {
        sent.unwrap();
    }
    (conn, client)
}
