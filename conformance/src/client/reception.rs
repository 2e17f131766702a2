//! Where a process under test connects to that is to be a connector. It registers as a listener as well, since every peer
//! does: those connections are served here and do not count.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use ratatosk_protocol::crypto::{SharedKey, boxed};
use ratatosk_protocol::entropy::{Entropy, OsEntropy};
use ratatosk_protocol::key::{KeyPair, PublicKey};
use ratatosk_protocol::message::{self, Payload};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tokio_tungstenite::accept_async_with_config;
use tokio_tungstenite::tungstenite::Message;

use super::inbox::{Filler, Inbox};
use super::line::{Socket, limits};

/// How long somebody may take to say what it wants.
const FIRST: Duration = Duration::from_secs(10);
/// What listeners are told.
const PING_INTERVAL_MS: u64 = 25_000;

/// A port whose connectors wait to be welcomed.
pub(super) struct Reception {
    address: SocketAddr,
    connectors: Inbox<(Message, Socket)>,
    task: JoinHandle<()>,
}

impl Drop for Reception {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Reception {
    pub(super) async fn open() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (filler, connectors) = Inbox::new();
        let task = tokio::spawn(async move {
            // They end with this task.
            let mut guests = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                guests.spawn(receive(stream, filler.clone()));
            }
        });
        Ok(Self { address, connectors, task })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether somebody asks for a peer before `deadline`. Takes nothing.
    pub(super) async fn knocks(&mut self, deadline: Instant) -> bool {
        self.connectors.wait(deadline).await
    }

    /// The next connector, and what it has said.
    pub(super) async fn welcome(&mut self, deadline: Instant) -> Result<(Message, Socket), String> {
        self.connectors.wait(deadline).await;
        self.connectors.take().map(|(_, guest)| guest).ok_or_else(|| "nothing".to_owned())
    }
}

async fn receive(stream: TcpStream, connectors: Filler<(Message, Socket)>) {
    let arrived = async {
        stream.set_nodelay(true).ok()?;
        let mut socket = accept_async_with_config(stream, Some(limits())).await.ok()?;
        let first = socket.next().await?.ok()?;
        Some((first, socket))
    };
    let Ok(Some((first, socket))) = timeout(FIRST, arrived).await else { return };
    match registering(&first) {
        // Whoever leaves, leaves.
        Some(key) => drop(serve(socket, &key).await),
        None => drop(connectors.send((Instant::now(), (first, socket))).await),
    }
}

/// The key that somebody registers, if that is what it does.
fn registering(first: &Message) -> Option<PublicKey> {
    let value: Value = serde_json::from_str(first.to_text().ok()?).ok()?;
    (value["command"] == "register").then_some(())?;
    PublicKey::from_hex(value["publicKey"].as_str()?).ok()
}

/// A registration as it should be; then the spare is left alone.
async fn serve(mut socket: Socket, listener: &PublicKey) -> Option<()> {
    let server = KeyPair::generate(&mut OsEntropy);
    let mut challenge = [0; 64];
    OsEntropy.fill(&mut challenge);
    let boxed = boxed::seal(&SharedKey::between(server.secret(), listener), &challenge, &mut OsEntropy);
    let Payload::Text(request) = message::authentication_request(server.public(), &boxed) else { return None };
    socket.send(Message::text(request)).await.ok()?;
    socket.next().await?.ok()?;
    let success = format!(r#"{{"command":"authentication_success","pingInterval":{PING_INTERVAL_MS}}}"#);
    socket.send(Message::text(success)).await.ok()?;
    while socket.next().await?.is_ok() {}
    None
}
