//! A CommServer in miniature that does one thing wrong.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use ratatosk_conformance::server::Address;
use ratatosk_protocol::crypto::SharedKey;
use ratatosk_protocol::crypto::challenge::Challenge;
use ratatosk_protocol::entropy::OsEntropy;
use ratatosk_protocol::key::{KeyPair, PublicKey};
use ratatosk_protocol::message::{self, Payload};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

/// What it does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// Another reason in a close frame.
    WrongReason,
    /// Another code in a close frame.
    WrongCode,
    /// No close frame, only the end of TCP.
    NoCloseFrame,
    /// A close frame that does not come.
    NoClose,
    /// A text message where a close frame is due.
    TextForClose,
    /// A challenge in upper-case hex.
    UpperCaseChallenge,
    /// The fields of a message in another order.
    FieldOrder,
    /// No success after a right answer.
    NoSuccess,
    /// Success after a wrong answer.
    AlwaysSuccess,
    /// Something more after the success.
    OneMore,
    /// The oldest spare is handed over.
    Fifo,
    /// The request is forwarded before the hand-over is announced.
    RequestFirst,
    /// The request is forwarded as it came.
    NotRebuilt,
    /// A ping that comes too early.
    EarlyPing,
    /// A ping that comes too late.
    LatePing,
    /// No ping.
    NoPing,
    /// The end of TCP instead of anything.
    DropAtOnce,
    /// A deadline that has passed as soon as it begins.
    DeadlineAtOnce,
}

type Socket = WebSocketStream<TcpStream>;

const INTERVAL: Duration = Duration::from_millis(400);
const NO_SPARE: &str = "Close called: No listening connection for the specified publicKey.";

struct Shared {
    fault: Fault,
    key: KeyPair,
    /// Where to send what a spare is to say, oldest spare first.
    spares: Mutex<Vec<mpsc::Sender<[String; 2]>>>,
    /// Whether there ever was a spare.
    used: Mutex<bool>,
}

/// Starts one; it ends with the runtime of the test.
pub(crate) async fn start(fault: Fault) -> Address {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = Address::parse(&format!("ws://{}", listener.local_addr().unwrap())).unwrap();
    let shared = Arc::new(Shared {
        fault,
        key: KeyPair::generate(&mut OsEntropy),
        spares: Mutex::new(Vec::new()),
        used: Mutex::new(false),
    });
    tokio::spawn(async move {
        let mut clients = JoinSet::new();
        while let Ok((tcp, _)) = listener.accept().await {
            let shared = Arc::clone(&shared);
            clients.spawn(async move {
                let socket = tokio_tungstenite::accept_async(tcp).await.unwrap();
                // A client that leaves early is none of our concern.
                shared.serve(socket).await.unwrap_or_default();
            });
        }
    });
    address
}

impl Shared {
    async fn serve(&self, mut socket: Socket) -> Option<()> {
        match self.fault {
            Fault::DropAtOnce => return None,
            Fault::DeadlineAtOnce => return self.close(socket, "Terminate called: too slow").await,
            _ => {}
        }
        let first = text(&mut socket).await?;
        let value: serde_json::Value = serde_json::from_str(&first).unwrap_or_default();
        match value["command"].as_str() {
            Some("register") => self.register(socket, &value).await,
            Some("communication_request") => self.request(socket, &first, &value).await,
            _ => self.close(socket, "Close called: Received data does not match the data of a client message.").await,
        }
    }

    async fn register(&self, mut socket: Socket, value: &serde_json::Value) -> Option<()> {
        let Ok(listener) = PublicKey::from_hex(value["publicKey"].as_str()?) else {
            return self.close(socket, "Close called: CYENC-ENSPUB: Data is not a public key").await;
        };
        let key = SharedKey::between(self.key.secret(), &listener);
        let (challenge, boxed) = Challenge::issue(&key, &mut OsEntropy);
        let server = self.key.public();
        let hex = hex::encode(&boxed);
        say(
            &mut socket,
            &match self.fault {
                Fault::UpperCaseChallenge => format!(
                    r#"{{"command":"authentication_request","publicKey":"{server}","challenge":"{}"}}"#,
                    hex.to_uppercase()
                ),
                Fault::FieldOrder => {
                    format!(r#"{{"command":"authentication_request","challenge":"{hex}","publicKey":"{server}"}}"#)
                }
                _ => as_text(message::authentication_request(server, &boxed)),
            },
        )
        .await?;
        let answer = text(&mut socket).await?;
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap_or_default();
        let answer = hex::decode(answer["response"].as_str()?).unwrap_or_default();
        match challenge.accepts(&key, &answer) {
            _ if self.fault == Fault::AlwaysSuccess => {}
            Ok(true) => {}
            Ok(false) => return self.close(socket, "Close called: Client authentication failed.").await,
            Err(error) => return self.close(socket, &format!("Close called: {error}")).await,
        }
        if self.fault != Fault::NoSuccess {
            say(&mut socket, &as_text(message::authentication_success(INTERVAL))).await?;
        }
        if self.fault == Fault::OneMore {
            say(&mut socket, "{}").await?;
        }
        self.spare(socket).await
    }

    async fn spare(&self, mut socket: Socket) -> Option<()> {
        let (sender, mut orders) = mpsc::channel(1);
        self.spares.lock().unwrap().push(sender.clone());
        *self.used.lock().unwrap() = true;
        let mut ping = match self.fault {
            Fault::EarlyPing => Some(Duration::ZERO),
            Fault::LatePing => Some(INTERVAL * 4),
            Fault::NoPing => None,
            _ => Some(INTERVAL),
        };
        loop {
            tokio::select! {
                order = orders.recv() => {
                    for text in order? {
                        say(&mut socket, &text).await?;
                    }
                    ping = None;
                }
                message = socket.next() => match message {
                    Some(Ok(Message::Text(text))) if text.contains("pong") => ping = Some(INTERVAL),
                    Some(Ok(Message::Close(_))) if self.fault == Fault::NoClose => {
                        std::future::pending::<()>().await;
                    }
                    Some(Ok(_)) => {}
                    _ => {
                        self.spares.lock().unwrap().retain(|other| !other.same_channel(&sender));
                        return None;
                    }
                },
                () = tokio::time::sleep(ping.unwrap_or_default()), if ping.is_some() => {
                    say(&mut socket, message::PING).await?;
                    ping = None;
                }
            }
        }
    }

    async fn request(&self, mut socket: Socket, text: &str, value: &serde_json::Value) -> Option<()> {
        let spare = {
            let mut spares = self.spares.lock().unwrap();
            if self.fault == Fault::Fifo && !spares.is_empty() { Some(spares.remove(0)) } else { spares.pop() }
        };
        let Some(spare) = spare else {
            let first = std::mem::take(&mut *self.used.lock().unwrap());
            let never = if first { " This error should never happen!" } else { "" };
            return self.close(socket, &format!("{NO_SPARE}{never}")).await;
        };
        let key = |field: &str| PublicKey::from_hex(value[field].as_str().unwrap_or_default());
        let request = message::communication_request(&key("sourcePublicKey").ok()?, &key("targetPublicKey").ok()?);
        let request = if self.fault == Fault::NotRebuilt { text.to_owned() } else { as_text(request) };
        let handover = message::CONNECTION_HANDOVER.to_owned();
        let order = if self.fault == Fault::RequestFirst { [request, handover] } else { [handover, request] };
        spare.send(order).await.ok()?;
        while socket.next().await.is_some_and(|message| message.is_ok()) {}
        Some(())
    }

    async fn close(&self, mut socket: Socket, reason: &str) -> Option<()> {
        let (code, reason) = match self.fault {
            Fault::WrongReason => (1000, "Close called: whatever"),
            Fault::WrongCode => (1002, reason),
            Fault::NoCloseFrame => return None,
            Fault::NoClose => std::future::pending().await,
            Fault::TextForClose => {
                say(&mut socket, reason).await?;
                (1000, reason)
            }
            _ => (1000, reason),
        };
        socket.close(Some(CloseFrame { code: code.into(), reason: reason.into() })).await.ok()?;
        while socket.next().await.is_some_and(|message| message.is_ok()) {}
        Some(())
    }
}

fn as_text(payload: Payload) -> String {
    match payload {
        Payload::Text(text) => text,
        Payload::Binary(_) => panic!("control messages are text"),
    }
}

async fn say(socket: &mut Socket, text: &str) -> Option<()> {
    socket.send(Message::text(text)).await.ok()
}

async fn text(socket: &mut Socket) -> Option<String> {
    match socket.next().await? {
        Ok(Message::Text(text)) => Some(text.as_str().to_owned()),
        _ => None,
    }
}
