//! Where the peer under test connects to.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout_at;
use tokio_tungstenite::{WebSocketStream, accept_async, client_async};

use super::inbox::Inbox;

/// A port that takes every connection at once, so that each that is made shows.
pub(super) struct Door {
    address: SocketAddr,
    inbox: Inbox<TcpStream>,
    task: JoinHandle<()>,
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Door {
    pub(super) async fn open() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (filler, inbox) = Inbox::new();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if filler.send((Instant::now(), stream)).await.is_err() {
                    return;
                }
            }
        });
        Ok(Self { address, inbox, task })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether somebody connects before `deadline`. Takes nothing.
    pub(super) async fn knocks(&mut self, deadline: Instant) -> bool {
        self.inbox.wait(deadline).await
    }

    /// The next TCP connection.
    pub(super) async fn answer(&mut self, deadline: Instant) -> Result<TcpStream, String> {
        self.inbox.wait(deadline).await;
        let (_, stream) = self.inbox.take().ok_or_else(|| "nothing".to_owned())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        Ok(stream)
    }

    /// The next connection, as a WebSocket.
    pub(super) async fn welcome(&mut self, deadline: Instant) -> Result<WebSocketStream<TcpStream>, String> {
        let stream = self.answer(deadline).await?;
        within(deadline, accept_async(stream)).await
    }

    /// A connection to the acceptor under test.
    pub(super) async fn dial(address: SocketAddr, deadline: Instant) -> Result<WebSocketStream<TcpStream>, String> {
        let dial = async {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let (socket, _) = client_async(format!("ws://{address}/"), stream).await?;
            Ok(socket)
        };
        within(deadline, dial).await
    }
}

async fn within<T>(
    deadline: Instant,
    opening: impl Future<Output = Result<T, tokio_tungstenite::tungstenite::Error>>,
) -> Result<T, String> {
    match timeout_at(deadline.into(), opening).await {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_) => Err("a WebSocket that does not open".to_owned()),
    }
}
