//! Two relays and one directory: what a requester says to the one reaches a listener of the other.

use futures_util::{SinkExt, StreamExt};
use ratatosk_protocol::crypto::SharedKey;
use ratatosk_protocol::crypto::challenge::respond;
use ratatosk_protocol::entropy::OsEntropy;
use ratatosk_protocol::key::{KeyPair, SecretKey};
use ratatosk_protocol::message::{self, AuthenticationRequest, Payload};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::*;
use crate::switchboard::Switchboard;
use crate::{Config, Server};

type Client = WebSocketStream<TcpStream>;

fn key(number: u8) -> KeyPair {
    SecretKey::from_bytes([number; 32]).into()
}

async fn connect(server: &Server) -> Client {
    let address = server.local_addr();
    let stream = TcpStream::connect(address).await.unwrap();
    client_async(format!("ws://{address}/"), stream).await.unwrap().0
}

async fn send(client: &mut Client, payload: &Payload) {
    let Payload::Text(text) = payload else { panic!("only texts are sent here") };
    client.send(Message::text(text.as_str())).await.unwrap();
}

async fn recv(client: &mut Client) -> Payload {
    Payload::text(client.next().await.unwrap().unwrap().into_text().unwrap().as_str())
}

async fn register(server: &Server, key: &KeyPair) -> Client {
    let mut client = connect(server).await;
    send(&mut client, &message::register(key.public())).await;
    let request = AuthenticationRequest::parse(&recv(&mut client).await).unwrap();
    let shared = SharedKey::between(key.secret(), &request.server);
    let answer = respond(&shared, &request.challenge, &mut OsEntropy).unwrap();
    send(&mut client, &message::authentication_response(&answer)).await;
    message::parse_authentication_success(&recv(&mut client).await).unwrap();
    client
}

async fn relay(directory: &Arc<dyn Directory>) -> Server {
    let config = Config { listen: Some(([127, 0, 0, 1], 0).into()), ..Config::default() };
    Server::start(Switchboard::with_directory(config, Arc::clone(directory))).await.unwrap()
}

#[tokio::test]
async fn a_directory_can_join_two_relays() {
    let directory: Arc<dyn Directory> = Arc::new(Local::new(Limits::default()));
    let (here, there) = (relay(&directory).await, relay(&directory).await);
    let mut listener = register(&there, &key(1)).await;
    let ask = message::communication_request(key(2).public(), key(1).public());
    let mut requester = connect(&here).await;
    send(&mut requester, &ask).await;
    assert_eq!(recv(&mut listener).await, Payload::text(message::CONNECTION_HANDOVER));
    assert_eq!(recv(&mut listener).await, ask);
    for (from, to) in [(0, 1), (1, 0)] {
        let ends = [&mut listener, &mut requester];
        send(ends[from], &Payload::text("over there")).await;
        assert_eq!(recv(ends[to]).await, Payload::text("over there"));
    }
    // Each half is counted where it came in.
    for relay in [&here, &there] {
        assert_eq!(relay.snapshot().connections.total(), 1);
    }
    // And who waits here gets the next spare that comes there.
    let mut requester = connect(&here).await;
    send(&mut requester, &ask).await;
    while directory.holdings().waiting == 0 {
        tokio::task::yield_now().await;
    }
    let mut listener = register(&there, &key(1)).await;
    assert_eq!(recv(&mut listener).await, Payload::text(message::CONNECTION_HANDOVER));
}
