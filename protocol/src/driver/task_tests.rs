//! The loop of a connection over pipes that hold little, so that what is kept is kept by us.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role as SocketRole;

use super::limited::Budget;
use super::news::News;
use super::{Events, now, os_entropy, task};
use crate::connection::{Config, Connection, KeyRing};
use crate::crypto::{SharedKey, challenge::Challenge};
use crate::key::{KeyPair, SecretKey};
use crate::message::{self, Payload};
use crate::phase::{Deadlines, Role};

fn key(seed: u8) -> KeyPair {
    SecretKey::from_bytes([seed; 32]).into()
}

/// A CommServer that pings and pings but takes no answer must not make a listener keep the answers.
#[tokio::test]
async fn pongs_that_nobody_takes_do_not_pile_up() {
    let (ours, theirs) = tokio::io::duplex(1024);
    let socket = async { Ok(WebSocketStream::from_raw_socket(ours, SocketRole::Client, None).await) };
    let config = Arc::new(Config::default());
    let machine = Connection::spare(now(), Arc::new(KeyRing::new(key(1))), config, os_entropy());
    let news = News::new(&Events::default(), Role::Listener);
    let spare = tokio::spawn(async move {
        let mut task = task::open(machine, news, Deadlines::default(), Budget::new(), socket).await.unwrap();
        task.establish().await.map(drop)
    });

    let mut server = WebSocketStream::from_raw_socket(theirs, SocketRole::Server, None).await;
    let own = key(9);
    let shared = SharedKey::between(own.secret(), key(1).public());
    let (_, challenge) = Challenge::issue(&shared, os_entropy().as_mut());
    for message in [
        message::authentication_request(own.public(), &challenge),
        message::authentication_success(Duration::from_secs(25)),
    ] {
        server.next().await.unwrap().unwrap();
        let Payload::Text(text) = message else { panic!("control messages are text") };
        server.send(text.into()).await.unwrap();
    }
    let mut pings = 0;
    while timeout(Duration::from_millis(500), server.send(message::PING.into())).await.is_ok() {
        pings += 1;
        assert!(pings < 100_000, "all pings were read although no pong was taken");
    }
    spare.abort();
}
