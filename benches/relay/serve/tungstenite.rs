//! A CommServer in a hundred lines: what tokio-tungstenite gives with its default settings, message by message. No limit,
//! no deadline, no ping. Two ways to pass messages on: `send`, which writes each, and `forward`, which writes when nothing
//! more is there to be read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use ratatosk_protocol::crypto::SharedKey;
use ratatosk_protocol::crypto::challenge::Challenge;
use ratatosk_protocol::entropy::OsEntropy;
use ratatosk_protocol::key::{KeyPair, PublicKey};
use ratatosk_protocol::message::{
    AuthenticationResponse, CONNECTION_HANDOVER, FirstMessage, Payload, authentication_request, authentication_success,
    communication_request,
};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async};

use super::{accept, listen};
use crate::Outcome;

type Socket = WebSocketStream<TcpStream>;
type Spares = Mutex<HashMap<PublicKey, Vec<oneshot::Sender<oneshot::Sender<Socket>>>>>;

struct Shared {
    identity: KeyPair,
    spares: Spares,
    way: Way,
}

/// How messages are passed on.
#[derive(Clone, Copy)]
pub(super) enum Way {
    Send,
    Forward,
}

pub(super) async fn serve(way: Way) -> Outcome<()> {
    let listener = listen().await?;
    let shared = Arc::new(Shared { identity: KeyPair::generate(&mut OsEntropy), spares: Mutex::default(), way });
    loop {
        let stream = accept(&listener).await?;
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            // Whoever does something wrong is dropped.
            let _ = client(stream, &shared).await;
        });
    }
}

async fn client(stream: TcpStream, shared: &Shared) -> Outcome<()> {
    let mut socket = accept_async(stream).await?;
    match FirstMessage::parse(&receive(&mut socket).await?)? {
        FirstMessage::Register(key) => listen_for_claim(socket, shared, key).await,
        FirstMessage::CommunicationRequest(request) => {
            let target = request.target.map_err(|_| "no key")?;
            let mut spare = claim(shared, &target).await?;
            socket_send(&mut spare, Payload::text(CONNECTION_HANDOVER)).await?;
            socket_send(&mut spare, communication_request(&request.source, &target)).await?;
            relay(socket, spare, shared.way).await
        }
        _ => Err("no first message".into()),
    }
}

async fn listen_for_claim(mut socket: Socket, shared: &Shared, key: PublicKey) -> Outcome<()> {
    let between = SharedKey::between(shared.identity.secret(), &key);
    let (challenge, boxed) = Challenge::issue(&between, &mut OsEntropy);
    socket_send(&mut socket, authentication_request(shared.identity.public(), &boxed)).await?;
    let answer = AuthenticationResponse::parse(&receive(&mut socket).await?)?;
    if !challenge.accepts(&between, &answer.response)? {
        return Err("a wrong answer".into());
    }
    let (sender, claimed) = oneshot::channel();
    shared.spares.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default().push(sender);
    socket_send(&mut socket, authentication_success(Duration::from_secs(600))).await?;
    tokio::select! {
        claim = claimed => {
            let _ = claim?.send(socket);
            Ok(())
        }
        // Nothing is expected but the end.
        _ = socket.next() => Err("gone".into()),
    }
}

async fn claim(shared: &Shared, target: &PublicKey) -> Outcome<Socket> {
    loop {
        let spare = {
            let mut spares = shared.spares.lock().unwrap_or_else(PoisonError::into_inner);
            spares.get_mut(target).and_then(Vec::pop).ok_or("nobody is registered")?
        };
        let (sender, socket) = oneshot::channel();
        if spare.send(sender).is_ok()
            && let Ok(socket) = socket.await
        {
            return Ok(socket);
        }
    }
}

async fn relay(one: Socket, other: Socket, way: Way) -> Outcome<()> {
    let (to_one, from_one) = one.split();
    let (to_other, from_other) = other.split();
    tokio::select! {
        end = pass(from_one, to_other, way) => end,
        end = pass(from_other, to_one, way) => end,
    }
}

async fn pass(mut from: SplitStream<Socket>, mut to: SplitSink<Socket, Message>, way: Way) -> Outcome<()> {
    match way {
        Way::Forward => from.forward(to).await?,
        Way::Send => {
            while let Some(message) = from.next().await {
                to.send(message?).await?;
            }
        }
    }
    Ok(())
}

async fn receive(socket: &mut Socket) -> Outcome<Payload> {
    match socket.next().await.ok_or("gone")?? {
        Message::Text(text) => Ok(Payload::text(text.as_str())),
        Message::Binary(data) => Ok(Payload::Binary(data)),
        _ => Err("no message".into()),
    }
}

async fn socket_send(socket: &mut Socket, payload: Payload) -> Outcome<()> {
    let message = match payload {
        Payload::Text(text) => Message::text(text),
        Payload::Binary(data) => Message::Binary(data),
    };
    Ok(socket.send(message).await?)
}
