//! A spare connection, from its registration to its hand-over or its end.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;
use tokio::time::sleep_until;

use super::Conn;
use crate::metrics::Step;
use crate::server::Stop;
use crate::session::{Authenticated, Claimed as Found, Close, HandedOver, Owed, OwingSpare, Spare, Timeouts, Timer};
use crate::socket::{Ended, Incoming};
use crate::switchboard::{Answer, Claim, Claimed, Entry, Switchboard};

/// Registers the connection and holds it until somebody takes it or it ends. It may stay for days, so what is not needed
/// while it waits is boxed.
pub(super) async fn run(board: &Arc<Switchboard>, mut conn: Box<Conn>, authenticated: Authenticated, stop: &mut Stop) {
    let timeouts = &board.config().timeouts;
    conn.seat.enter(Step::Registration);
    let (entry, mut claims) = match board.register(*authenticated.key()) {
        Ok(registered) => registered,
        Err(limit) => return Box::pin(conn.close(authenticated.on_limit(limit), timeouts)).await,
    };
    tracing::debug!(conn = conn.id, key = authenticated.key().fingerprint(), "registered");
    let (interval, patience) = (timeouts.of(Timer::PingInterval), timeouts.of(Timer::PongTimeout));
    let (mut spare, success) = authenticated.on_registered(Instant::now(), interval, patience);
    conn.seat.enter(Step::Spare);
    conn.socket.queue(&success);
    let mut held = hold(conn, entry);
    let end = loop {
        let (state, claim) = match wait(&mut held.conn, spare, &mut claims, stop).await {
            Ok(claimed) => claimed,
            Err(end) => break end,
        };
        held.conn.seat.enter(Step::Reserved);
        spare = match state.on_claim() {
            Found::Free(state) => match claim.send(Answer::Ready(held)) {
                Ok(()) | Err(Answer::Owing(_)) => return,
                Err(Answer::Ready(back)) => {
                    held = back;
                    state.on_requester_left()
                }
            },
            Found::Owing(state) => match Box::pin(pay(&mut held.conn, state, claim, stop)).await {
                Ok(Paid::Up(state, requester)) => match requester.send(held) {
                    Ok(()) => return,
                    Err(back) => {
                        held = back;
                        state.on_requester_left()
                    }
                },
                Ok(Paid::RequesterLeft(state)) => state.on_requester_left(),
                Err(end) => break end,
            },
        };
        held.conn.seat.fall_back(Step::Spare);
        claims = held.entry.give_back();
    };
    Box::pin(end_with(held, end, timeouts)).await;
}

/// What others are given when they claim it. The box of the connection is freed here, not when the spare ends.
fn hold(conn: Box<Conn>, entry: Entry) -> Box<Claimed> {
    Box::new(Claimed { conn: *conn, entry })
}

async fn end_with(held: Box<Claimed>, end: End, timeouts: &Timeouts) {
    let Claimed { conn, entry } = *held;
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
                Incoming::Message(payload) => spare = spare.on_message(&payload, Instant::now())?,
                Incoming::Ended(ended) => return Err(End::Ended(ended)),
            },
            () = sleep_until(spare.deadline().into()) => {
                let (state, send) = spare.on_timeout(Instant::now())?;
                spare = state;
                if let Some(send) = send {
                    conn.socket.queue(&send);
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
                Incoming::Message(payload) => match spare.on_message(&payload, Instant::now())? {
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
