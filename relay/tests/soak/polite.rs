//! Clients that keep to the rules: what they send has to arrive as it was.

use std::net::SocketAddr;

use ratatosk_protocol::message::{PING, PONG, Payload};

use crate::common::{Client, End, HANDOVER, NO_LISTENER, end, key};
use crate::dice::Dice;
use crate::{leave, meet};

/// Keys that listeners and requesters have in common.
const KEYS: usize = 12;

/// A spare that repeats what it hears, for some messages, unless it leaves before anybody comes.
pub(crate) async fn listener(address: SocketAddr, dice: &mut Dice) {
    let number = u16::try_from(dice.below(KEYS)).unwrap();
    let mut client = Client::register(address, &key(number)).await;
    let mut patience = dice.below(3);
    loop {
        match client.try_recv().await {
            Ok(Payload::Text(text)) if text == PING => {
                if patience == 0 {
                    // By a close, by an abort, or by silence.
                    if dice.one_in(3) {
                        assert_eq!(client.ended().await, end(1000, "Terminate called: Ping: Connection timed out"));
                    }
                    return leave(client, dice).await;
                }
                patience -= 1;
                client.send_text(PONG).await;
            }
            Ok(Payload::Text(text)) if text == HANDOVER => break,
            other => panic!("a ping or a handover was expected, not {other:?}"),
        }
    }
    // The request.
    if client.try_recv().await.is_err() {
        return;
    }
    let mut messages = dice.below(30);
    while let Ok(message) = client.try_recv().await {
        if messages == 0 {
            return leave(client, dice).await;
        }
        messages -= 1;
        if !client.try_send(message).await {
            return;
        }
    }
}

fn message(dice: &mut Dice) -> Payload {
    let length = dice.length();
    if dice.one_in(2) { Payload::text(dice.text(length)) } else { Payload::binary(dice.bytes(length)) }
}

/// Asks for somebody who may be there, and checks every echo.
pub(crate) async fn requester(address: SocketAddr, dice: &mut Dice) {
    let target = u16::try_from(dice.below(KEYS + 2)).unwrap();
    let mut client = Client::request(address, &key(1000), key(target).public()).await;
    for _ in 0..dice.below(20) {
        let said = message(dice);
        if !client.try_send(said.clone()).await {
            return check(client.try_recv().await.err());
        }
        match client.try_recv().await {
            Ok(heard) => assert!(heard == said, "{} bytes came back, {} were sent", heard.len(), said.len()),
            Err(end) => return check(Some(end)),
        }
    }
    leave(client, dice).await;
}

/// The ends that a requester may meet.
fn check(end: Option<End>) {
    if let Some(Some((code, reason))) = end {
        let known = [
            "",
            NO_LISTENER,
            "Close called: No listening connection for the specified publicKey. This error should never happen!",
            "Close called: This connection is closed. It will never be opened again.",
            "bye",
            // Its listeners came and went until its time was up.
            "Terminate called: Handshake: Connection timed out",
        ];
        // Whatever it says before the listener has answered is kept, up to a limit.
        let too_much = code == 1009 && reason.is_empty();
        assert!(too_much || code == 1000 && known.contains(&reason.as_str()), "{code} {reason:?}");
    }
}

/// Two who know each other, and say much at the same time. Nothing may be lost, whatever the others do.
pub(crate) async fn couple(address: SocketAddr, dice: &mut Dice, unique: u16) {
    let (mut one, mut other) = meet(address, &key(1001), &key(unique)).await;
    for _ in 0..dice.below(4) + 1 {
        let (there, back) = (burst(dice), burst(dice));
        tokio::join!(exchange(&mut one, &there, &back), exchange(&mut other, &back, &there));
    }
    if dice.one_in(2) {
        one.close(1000, "bye").await;
        assert_eq!(other.ended().await, end(1000, "bye"));
        assert_eq!(one.ended().await, end(1000, "bye"));
    }
}

fn burst(dice: &mut Dice) -> Vec<Payload> {
    (0..dice.below(10)).map(|_| message(dice)).collect()
}

/// Says all of one and hears all of the other, at the same time.
async fn exchange(client: &mut Client, say: &[Payload], hear: &[Payload]) {
    use futures_util::{SinkExt, StreamExt};
    let (mut sender, mut receiver) = (&mut client.ws).split();
    let saying = async {
        for payload in say {
            sender.send(crate::common::to_message(payload.clone())).await.unwrap();
        }
    };
    let hearing = async {
        for payload in hear {
            let message = receiver.next().await.unwrap().unwrap();
            assert!(message == crate::common::to_message(payload.clone()), "{} bytes were expected", payload.len());
        }
    };
    crate::common::within(async { tokio::join!(saying, hearing) }).await;
}
