//! Where the peer under test connects to.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout_at;
use tokio_tungstenite::{WebSocketStream, accept_async_with_config, client_async_with_config};

use super::inbox::Inbox;
use super::line::limits;

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
        within(deadline, accept_async_with_config(stream, Some(limits()))).await
    }

    /// A connection to the acceptor under test.
    pub(super) async fn dial(address: SocketAddr, deadline: Instant) -> Result<WebSocketStream<TcpStream>, String> {
        let dial = async {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let (socket, _) = client_async_with_config(format!("ws://{address}/"), stream, Some(limits())).await?;
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::{SinkExt, StreamExt};
    use tokio_tungstenite::tungstenite::{Error, Message};

    use super::*;

    #[tokio::test]
    async fn a_peer_cannot_send_what_no_script_has() {
        let mut door = Door::open().await.unwrap();
        let (url, deadline) = (format!("ws://{}", door.address()), Instant::now() + Duration::from_secs(20));
        let peer = tokio::spawn(async move {
            let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
            for len in [200_000, 2 << 20] {
                // The second one may be cut off.
                let _ = socket.send(Message::binary(vec![0; len])).await;
            }
            socket
        });
        let mut socket = door.welcome(deadline).await.unwrap();
        let mut next = async || timeout_at(deadline.into(), socket.next()).await.unwrap().unwrap();
        assert_eq!(next().await.unwrap().len(), 200_000);
        assert!(matches!(next().await, Err(Error::Capacity(_))));
        peer.abort();
    }
}
