//! A spare connection, from its registration to its hand-over or its end.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;
use tokio::time::sleep_until;

use super::Conn;
use crate::registry::Phase;
use crate::server::Stop;
use crate::session::{Authenticated, Claimed as Found, Close, HandedOver, Owed, OwingSpare, Spare, Timer};
use crate::socket::{Ended, Incoming};
use crate::switchboard::{Answer, Claim, Claimed, Entry, Switchboard};

/// Registers the connection and holds it until somebody takes it or it ends.
pub(super) async fn run(board: &Arc<Switchboard>, mut conn: Conn, authenticated: Authenticated, stop: &mut Stop) {
    let timeouts = &board.config().timeouts;
    let (entry, claims) = match board.register(*authenticated.key()) {
        Ok(registered) => registered,
        Err(limit) => return conn.close(authenticated.on_limit(limit), timeouts).await,
    };
    tracing::debug!(conn = conn.id, key = authenticated.key().fingerprint(), "registered");
    let (interval, patience) = (timeouts.of(Timer::PingInterval), timeouts.of(Timer::PongTimeout));
    let (spare, success) = authenticated.on_registered(Instant::now(), interval, patience);
    conn.seat.enter(Phase::Spare);
    if !conn.queue(success) {
        return;
    }
    hold(board, conn, entry, spare, claims, stop).await;
}

/// Goes on holding a spare that a requester has got and has no use for: nothing was said to it.
pub(super) async fn resume(board: &Switchboard, unused: Claimed, stop: &mut Stop) {
    let Claimed { conn, entry, state } = unused;
    let claims = entry.give_back();
    hold(board, conn, entry, state.on_requester_left(), claims, stop).await;
}

async fn hold(
    board: &Switchboard,
    mut conn: Conn,
    mut entry: Entry,
    mut spare: Spare,
    mut claims: oneshot::Receiver<Claim>,
    stop: &mut Stop,
) {
    let timeouts = &board.config().timeouts;
    let end = loop {
        let (state, claim) = match wait(&mut conn, spare, &mut claims, stop).await {
            Ok(claimed) => claimed,
            Err(end) => break end,
        };
        let unused = match state.on_claim() {
            Found::Free(state) => match claim.send(Answer::Ready(Box::new(Claimed { conn, entry, state }))) {
                Ok(()) | Err(Answer::Owing(_)) => return,
                Err(Answer::Ready(unused)) => unused,
            },
            Found::Owing(state) => match pay(&mut conn, state, claim, stop).await {
                Ok(Paid::Up(state, requester)) => match requester.send(Box::new(Claimed { conn, entry, state })) {
                    Ok(()) => return,
                    Err(unused) => unused,
                },
                Ok(Paid::RequesterLeft(state)) => {
                    spare = state.on_requester_left();
                    claims = entry.give_back();
                    continue;
                }
                Err(end) => break end,
            },
        };
        let state;
        Claimed { conn, entry, state } = *unused;
        spare = state.on_requester_left();
        claims = entry.give_back();
    };
    // Out of the registry before the closing handshake, so that nobody reserves what is about to go.
    drop(entry);
    match end {
        End::Close(close) => conn.close(close, timeouts).await,
        End::Ended(ended) => conn.finish(&ended, timeouts).await,
    }
}

/// How a spare ends that is not handed over.
enum End {
    /// The relay closes it.
    Close(Close),
    /// The client has.
    Ended(Ended),
}

impl From<Close> for End {
    fn from(close: Close) -> Self {
        Self::Close(close)
    }
}

/// Pings, until a requester claims the spare.
async fn wait(
    conn: &mut Conn,
    mut spare: Spare,
    claims: &mut oneshot::Receiver<Claim>,
    stop: &mut Stop,
) -> Result<(Spare, Claim), End> {
    loop {
        tokio::select! {
            // The socket first: a spare that is known to be dead is not handed over.
            biased;
            incoming = conn.socket.recv() => match incoming {
                Incoming::Message(data) => spare = spare.on_message(&data.payload(), Instant::now())?,
                Incoming::Ended(ended) => return Err(End::Ended(ended)),
            },
            () = sleep_until(spare.deadline().into()) => {
                let (state, send) = spare.on_timeout(Instant::now())?;
                spare = state;
                if let Some(send) = send && !conn.queue(send) {
                    return Err(End::Ended(Ended::Aborted));
                }
            }
            claim = &mut *claims => match claim {
                Ok(claim) => return Ok((spare, claim)),
                // Only the registry holds the other end, and it drops it with the relay.
                Err(_) => return Err(Close::stopping().into()),
            },
            () = stop.draining() => return Err(Close::stopping().into()),
        }
    }
}

/// How a debt ends.
enum Paid {
    /// The pong has come: the requester gets the spare.
    Up(HandedOver, oneshot::Sender<Box<Claimed>>),
    /// Nobody waits any more.
    RequesterLeft(OwingSpare),
}

/// Waits for the pong that a claimed spare owes.
async fn pay(conn: &mut Conn, mut spare: OwingSpare, claim: Claim, stop: &mut Stop) -> Result<Paid, End> {
    let (mut requester, promise) = oneshot::channel();
    if claim.send(Answer::Owing(promise)).is_err() {
        return Ok(Paid::RequesterLeft(spare));
    }
    loop {
        tokio::select! {
            biased;
            incoming = conn.socket.recv() => match incoming {
                Incoming::Message(data) => match spare.on_message(&data.payload(), Instant::now())? {
                    Owed::Paid(state) => return Ok(Paid::Up(state, requester)),
                    Owed::Still(state) => spare = state,
                },
                Incoming::Ended(ended) => return Err(End::Ended(ended)),
            },
            () = sleep_until(spare.deadline().into()) => spare = spare.on_timeout(Instant::now())?,
            () = requester.closed() => return Ok(Paid::RequesterLeft(spare)),
            () = stop.draining() => return Err(Close::stopping().into()),
        }
    }
}
