//! A connector's way to a spare of its target.

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout};

use super::Conn;
use super::early::EarlyData;
use super::pair::Pair;
use crate::metrics::Step;
use crate::server::Stop;
use crate::session::{Cause, Close, Requesting, Timer};
use crate::socket::Ended;
use crate::switchboard::{Answer, Claimed, Switchboard};

/// Takes spares, newest first, until one of them is told of the request. `None` if the connector is gone.
pub(super) async fn run(
    board: &Switchboard,
    mut conn: Conn,
    mut requesting: Requesting,
    deadline: Instant,
    stop: &mut Stop,
) -> Option<Pair> {
    let timeouts = &board.config().timeouts;
    let max_message = board.config().max_message_len;
    let mut early = EarlyData::new(conn.seat.metrics());
    conn.socket.set_max_message(max_message);
    conn.seat.enter(Step::Requesting);
    tracing::debug!(conn = conn.id, target = requesting.target().fingerprint(), "requests a listener");
    loop {
        let answer = match board.claim(requesting.target()) {
            Ok(answer) => answer,
            Err(none) => {
                conn.close(requesting.on_no_spare(none), timeouts).await;
                return None;
            }
        };
        let mut claimed = match wait(&mut conn, answer, &mut early, deadline, stop).await {
            Wait::Spare(claimed) => claimed,
            Wait::SpareLost => {
                board.metrics().stale_spare();
                requesting = requesting.on_spare_lost();
                continue;
            }
            Wait::Ended(ended) => {
                conn.finish(&ended, timeouts).await;
                return None;
            }
            Wait::Close(close) => {
                conn.close(close, timeouts).await;
                return None;
            }
        };
        if hand_over(&mut claimed.conn, &requesting, timeouts.of(Timer::PongTimeout)).await {
            let Claimed { conn: mut listener, entry } = *claimed;
            board.metrics().spare_used(entry.age());
            drop(entry);
            listener.socket.set_max_message(max_message);
            tracing::debug!(conn = conn.id, listener = listener.id, "paired");
            return Some(Pair::new(conn, listener, early));
        }
        tracing::debug!(conn = conn.id, listener = claimed.conn.id, "the spare is dead");
        board.metrics().stale_spare();
        claimed.conn.abandon(Cause::Aborted);
        requesting = requesting.on_spare_lost();
    }
}

/// What comes of a claim.
enum Wait {
    /// A spare, still reserved.
    Spare(Box<Claimed>),
    /// The spare died.
    SpareLost,
    /// The connector has left, or did something that ends it.
    Ended(Ended),
    /// The relay closes the connector.
    Close(Close),
}

async fn wait(
    conn: &mut Conn,
    answer: oneshot::Receiver<Answer>,
    early: &mut EarlyData,
    deadline: Instant,
    stop: &mut Stop,
) -> Wait {
    // The owner of a spare answers at once. The connector is not read meanwhile: if it has left already, the listener is
    // told of its request and then of its close, as by the reference (`spec/wire.md §6`).
    let answer = tokio::select! {
        biased;
        answer = answer => answer,
        () = sleep_until(deadline) => return timed_out(),
        () = stop.draining() => return Wait::Close(Close::stopping()),
    };
    match answer {
        Ok(Answer::Ready(claimed)) => Wait::Spare(claimed),
        Ok(Answer::Owing(promise)) => wait_for_pong(conn, promise, early, deadline, stop).await,
        Err(_) => Wait::SpareLost,
    }
}

/// The spare owes a pong. Until that comes, what the connector sends is kept, and if it leaves the spare is not touched.
async fn wait_for_pong(
    conn: &mut Conn,
    promise: oneshot::Receiver<Box<Claimed>>,
    early: &mut EarlyData,
    deadline: Instant,
    stop: &mut Stop,
) -> Wait {
    tokio::select! {
        biased;
        claimed = promise => claimed.map_or(Wait::SpareLost, Wait::Spare),
        () = sleep_until(deadline) => timed_out(),
        () = stop.draining() => Wait::Close(Close::stopping()),
        ended = early.keep(&mut conn.socket) => Wait::Ended(ended),
    }
}

fn timed_out() -> Wait {
    Wait::Close(Close::timed_out(Timer::Handshake.reason()))
}

/// Tells the spare. It is a few hundred bytes, so a spare that does not take them soon has not read for long.
async fn hand_over(listener: &mut Conn, requesting: &Requesting, patience: std::time::Duration) -> bool {
    for payload in requesting.hand_over() {
        listener.socket.queue(&payload);
    }
    timeout(patience, listener.socket.flush()).await.is_ok_and(|flushed| flushed.is_ok())
}
