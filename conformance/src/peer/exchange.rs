//! Steps in which several peers do something at the same time.

use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use ratatosk_protocol::key::PublicKey;
use ratatosk_protocol::message::Payload;

use super::payload::{ascii, describe};
use super::process::Process;
use super::script::Name;
use crate::play::{Played, difference};

/// Commands that a peer has been given and has not answered yet, at most.
const UNANSWERED: usize = 32;
/// Before a connector that was refused tries again.
const AGAIN: Duration = Duration::from_millis(50);

/// Two peers send to each other at the same time; what arrives is complete and in order.
pub(super) async fn exchange(
    (a, key_a): (&mut Process, &PublicKey),
    (b, key_b): (&mut Process, &PublicKey),
    count: usize,
    len: usize,
    by: Instant,
) -> Played {
    let (from_a, from_b) = (series('a', count, len), series('b', count, len));
    let sent = tokio::join!(send(a, key_b, &from_a, by), send(b, key_a, &from_b, by));
    sent.0.map_err(|error| difference("a", "that it sends all", error))?;
    sent.1.map_err(|error| difference("b", "that it sends all", error))?;
    receive("b", b, key_a, &from_a, by).await?;
    receive("a", a, key_b, &from_b, by).await
}

/// Numbered messages.
fn series(from: char, count: usize, len: usize) -> Vec<Payload> {
    (0..count).map(|number| Payload::text(format!("{from} {number} {}", ascii(len)))).collect()
}

async fn send(peer: &mut Process, to: &PublicKey, messages: &[Payload], by: Instant) -> Result<(), String> {
    let mut unanswered = std::collections::VecDeque::new();
    for message in messages {
        if unanswered.len() >= UNANSWERED {
            peer.answer(unanswered.pop_front(), by).await?;
        }
        let id = peer.tell(Process::raw(to, message), by).await;
        unanswered.push_back(id.ok_or("a peer that takes no commands")?);
    }
    for id in unanswered {
        peer.answer(Some(id), by).await?;
    }
    Ok(())
}

async fn receive(name: &str, peer: &Process, from: &PublicKey, messages: &[Payload], by: Instant) -> Played {
    for message in messages {
        let next = peer
            .find(by, |state| {
                let at = state.messages.iter().position(|received| received.from == *from)?;
                state.messages.remove(at)
            })
            .await;
        match next {
            Some(received) if received.payload == *message => {}
            Some(received) => return Err(difference(name, describe(message), describe(&received.payload))),
            None => return Err(difference(name, describe(message), "nothing")),
        }
    }
    Ok(())
}

/// Peers send the same to one key at once. One that is refused tries again, as every peer does: there may be fewer spares
/// than connectors.
pub(super) async fn send_all<'a>(
    peers: impl Iterator<Item = (&'a Name, &'a mut Process)>,
    to: &PublicKey,
    payload: &Payload,
    by: Instant,
) -> Played {
    let sending = peers.map(|(name, peer)| async move {
        loop {
            let answer = peer.ask(Process::raw(to, payload), by).await;
            match answer {
                Ok(_) => return Ok(()),
                Err(error) if Instant::now() + AGAIN > by || peer.over().is_some() => {
                    return Err(difference(name, format!("that it sends {}", describe(payload)), error));
                }
                Err(_) => tokio::time::sleep(AGAIN).await,
            }
        }
    });
    try_join_all(sending).await.map(drop)
}
