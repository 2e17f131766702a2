//! A spare connection, from its registration to its hand-over or its end.

use std::sync::Arc;
use std::time::Duration;

use ratatosk_protocol::entropy::Entropy;
use tokio::sync::oneshot;
use tokio::task::unconstrained;
use tokio::time::sleep_until;

use super::Conn;
use crate::admission;
use crate::directory::{Answer, Claim, Claimed, Entry};
use crate::metrics::Step;
use crate::outside::now;
use crate::server::Stop;
use crate::session::{Authenticated, Claimed as Found, Close, HandedOver, Owed, OwingSpare, Spare, Timer};
use crate::socket::{Ended, Incoming};
use crate::switchboard::Switchboard;

/// Spares are let go over this time when the relay drains, so that their clients do not all go on to the next relay at
/// once.
const JITTER: Duration = Duration::from_secs(1);

/// Registers the connection and holds it until somebody takes it or it ends. It may stay for days, so what is not needed
/// while it waits is boxed.
pub(super) async fn run(board: &Arc<Switchboard>, mut conn: Box<Conn>, authenticated: Authenticated, stop: &mut Stop) {
    let timeouts = board.config().timeouts;
    let (entry, claims) = match board.register(&mut conn.seat, *authenticated.key()) {
        Ok(registered) => registered,
        Err(limit) => return Box::pin(conn.close(authenticated.on_limit(limit), &timeouts)).await,
    };
    tracing::debug!(conn = conn.id, key = authenticated.key().fingerprint(), "registered");
    let (interval, patience) = (timeouts.of(Timer::PingInterval), timeouts.of(Timer::PongTimeout));
    let (spare, success) = authenticated.on_registered(now(), interval, patience);
    conn.socket.queue(&success);
    hold(board, conn, entry, spare, claims, stop).await;
}

/// Goes on holding a spare that a requester has got and has no use for: nothing was said to it.
pub(super) async fn resume(board: &Switchboard, unused: Claimed, stop: &mut Stop) {
    let (mut conn, entry, spare) = unclaimed(unused);
    conn.seat.fall_back(Step::Spare);
    let claims = entry.give_back();
    hold(board, conn, entry, spare, claims, stop).await;
}

fn unclaimed(unused: Claimed) -> (Box<Conn>, Entry, Spare) {
    let Claimed { conn, entry, state } = unused;
    (conn, entry, state.on_requester_left())
}

async fn hold(
    board: &Switchboard,
    mut conn: Box<Conn>,
    mut entry: Entry,
    mut spare: Spare,
    mut claims: oneshot::Receiver<Claim>,
    stop: &mut Stop,
) {
    let end = loop {
        // The lists may have changed since it came.
        let may_stay = |conn: &Conn| admission::may_stay(board, conn.seat.address(), entry.key());
        let (state, claim) = match wait(&mut conn, spare, &mut claims, may_stay, stop).await {
            Ok(claimed) => claimed,
            Err(end) => break end,
        };
        conn.seat.enter(Step::Reserved);
        (conn, entry, spare) = match state.on_claim() {
            Found::Free(state) => match claim.send(Answer::Ready(Box::new(Claimed { conn, entry, state }))) {
                Ok(()) | Err(Answer::Owing(_)) => return,
                Err(Answer::Ready(unused)) => unclaimed(*unused),
            },
            Found::Owing(state) => match Box::pin(pay(&mut conn, state, claim, stop)).await {
                Ok(Paid::Up(state, requester)) => match requester.send(Box::new(Claimed { conn, entry, state })) {
                    Ok(()) => return,
                    Err(unused) => unclaimed(*unused),
                },
                Ok(Paid::RequesterLeft(state)) => (conn, entry, state.on_requester_left()),
                Err(end) => break end,
            },
        };
        conn.seat.fall_back(Step::Spare);
        claims = entry.give_back();
    };
    // Out of the registry before the closing handshake, so that nobody reserves what is about to go.
    drop(entry);
    Box::pin(end_with(board, conn, end, stop)).await;
}

/// Stays for a random part of [`JITTER`], unless the relay stops before. Gives how the client ends it meanwhile.
async fn linger(board: &Switchboard, conn: &mut Conn, stop: &mut Stop) -> Option<Ended> {
    let share = u32::from(u16::from_le_bytes(board.entropy().bytes()));
    let leave = tokio::time::Instant::now() + JITTER * share / (u32::from(u16::MAX) + 1);
    loop {
        tokio::select! {
            biased;
            () = stop.stopping() => return None,
            () = sleep_until(leave) => return None,
            incoming = conn.socket.recv() => match incoming {
                // Nobody asks for a pong any more.
                Incoming::Message(_) => {}
                Incoming::Ended(ended) => return Some(ended),
            },
        }
    }
}

async fn end_with(board: &Switchboard, mut conn: Box<Conn>, end: End, stop: &mut Stop) {
    let timeouts = &board.config().timeouts;
    match end {
        End::Drain => match linger(board, &mut conn, stop).await {
            Some(ended) => conn.finish(&ended, timeouts).await,
            None => conn.close(Close::stopping(), timeouts).await,
        },
        End::Close(close) => conn.close(close, timeouts).await,
        End::Ended(ended) => conn.finish(&ended, timeouts).await,
    }
}

/// How a spare ends that is not handed over.
enum End {
    /// The relay drains.
    Drain,
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
    may_stay: impl Fn(&Conn) -> bool,
    stop: &mut Stop,
) -> Result<(Spare, Claim), End> {
    loop {
        tokio::select! {
            // The socket first: a spare that is known to be dead is not handed over, and a pong that is here counts. But
            // who sends WebSocket pings without a pause may not keep the rest from its turn: that is unconstrained.
            biased;
            incoming = conn.socket.recv() => match incoming {
                Incoming::Message(payload) => spare = spare.on_message(&payload, now())?,
                Incoming::Ended(ended) => return Err(End::Ended(ended)),
            },
            () = unconstrained(sleep_until(spare.deadline().into())) => {
                let (state, send) = spare.on_timeout(now())?;
                spare = state;
                if let Some(send) = send {
                    if !may_stay(conn) {
                        return Err(Close::denied().into());
                    }
                    conn.socket.queue(&send);
                }
            }
            claim = unconstrained(&mut *claims) => match claim {
                Ok(claim) => return Ok((spare, claim)),
                // Only the registry holds the other end, and it drops it with the relay.
                Err(_) => return Err(Close::stopping().into()),
            },
            () = unconstrained(stop.draining()) => return Err(End::Drain),
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
            // As above.
            biased;
            incoming = conn.socket.recv() => match incoming {
                Incoming::Message(payload) => match spare.on_message(&payload, now())? {
                    Owed::Paid(state) => return Ok(Paid::Up(state, requester)),
                    Owed::Still(state) => spare = state,
                },
                Incoming::Ended(ended) => return Err(End::Ended(ended)),
            },
            () = unconstrained(sleep_until(spare.deadline().into())) => spare = spare.on_timeout(now())?,
            () = unconstrained(requester.closed()) => return Ok(Paid::RequesterLeft(spare)),
            () = unconstrained(stop.draining()) => return Err(Close::stopping().into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use futures_util::FutureExt;

    use super::super::testing::flooded;
    use super::*;
    use crate::Config;

    const MINUTE: Duration = Duration::from_secs(60);

    fn owing() -> OwingSpare {
        let start = Instant::now();
        let (spare, _) = Spare::new(start, Duration::ZERO, MINUTE).on_timeout(start).unwrap();
        let Found::Owing(owing) = spare.on_claim() else { panic!("it owes a pong") };
        owing
    }

    #[tokio::test]
    async fn a_flood_of_pings_does_not_hide_a_claim() {
        let (mut conn, _client) = flooded(&Switchboard::new(Config::default())).await;
        let (_stage, mut stop) = Stop::new();
        let (requester, mut claims) = oneshot::channel();
        let (claim, _answer) = oneshot::channel();
        requester.send(claim).unwrap();
        let spare = Spare::new(Instant::now(), MINUTE, MINUTE);
        assert!(matches!(wait(&mut conn, spare, &mut claims, |_| true, &mut stop).now_or_never(), Some(Ok(_))));
    }

    #[tokio::test]
    async fn a_flood_of_pings_does_not_hide_a_stop() {
        let (mut conn, _client) = flooded(&Switchboard::new(Config::default())).await;
        let (stage, mut stop) = Stop::new();
        drop(stage);
        let (_requester, mut claims) = oneshot::channel();
        let spare = Spare::new(Instant::now(), MINUTE, MINUTE);
        assert!(matches!(
            wait(&mut conn, spare, &mut claims, |_| true, &mut stop).now_or_never(),
            Some(Err(End::Drain))
        ));
        let (claim, _answer) = oneshot::channel();
        let (mut conn, _client) = flooded(&Switchboard::new(Config::default())).await;
        assert!(matches!(pay(&mut conn, owing(), claim, &mut stop).now_or_never(), Some(Err(End::Close(_)))));
    }

    #[tokio::test]
    async fn a_flood_of_pings_does_not_hide_a_missing_pong() {
        let (mut conn, _client) = flooded(&Switchboard::new(Config::default())).await;
        let (_stage, mut stop) = Stop::new();
        let (claim, _answer) = oneshot::channel();
        let start = Instant::now() - Duration::from_secs(1);
        let (spare, _) = Spare::new(start, Duration::ZERO, Duration::ZERO).on_timeout(start).unwrap();
        let Found::Owing(owing) = spare.on_claim() else { panic!("it owes a pong") };
        assert!(matches!(pay(&mut conn, owing, claim, &mut stop).now_or_never(), Some(Err(End::Close(_)))));
    }

    #[tokio::test]
    async fn a_flood_of_pings_does_not_hide_that_the_requester_has_left() {
        let (mut conn, _client) = flooded(&Switchboard::new(Config::default())).await;
        let (_stage, mut stop) = Stop::new();
        let (claim, answer) = oneshot::channel();
        let mut paying = std::pin::pin!(pay(&mut conn, owing(), claim, &mut stop));
        assert!(paying.as_mut().now_or_never().is_none());
        // The promise comes, and is dropped.
        drop(answer.await);
        tokio::task::yield_now().await;
        assert!(matches!(paying.now_or_never(), Some(Ok(Paid::RequesterLeft(_)))));
    }
}
