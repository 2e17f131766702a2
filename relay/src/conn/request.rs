//! A connector's way to a spare of its target.

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

use super::Conn;
use super::handover::{Trial, tell, trial};
use super::pair::Pair;
use super::requester::Requester;
use crate::registry::Phase;
use crate::server::Stop;
use crate::session::{Close, Requesting, Timer};
use crate::switchboard::{Answer, Claimed, Switchboard};

/// Takes spares, newest first, until one of them is told of the request and shows that it is there. `None` if the
/// connector is gone.
pub(super) async fn run(
    board: &Switchboard,
    conn: Conn,
    mut requesting: Requesting,
    deadline: Instant,
    stop: &mut Stop,
) -> Option<Pair> {
    let timeouts = &board.config().timeouts;
    let max_message = board.config().max_message_len;
    tracing::debug!(conn = conn.id, target = requesting.target().fingerprint(), "requests a listener");
    let mut requester = Requester::new(conn, max_message);
    loop {
        if let Some(ended) = requester.left().cloned() {
            requester.conn.finish(&ended, timeouts).await;
            return None;
        }
        if stop.is_draining() || Instant::now() >= deadline {
            let close = if stop.is_draining() { Close::stopping() } else { timed_out() };
            requester.conn.close(close, timeouts).await;
            return None;
        }
        let answer = match board.claim(requesting.target()) {
            Ok(answer) => answer,
            Err(none) => {
                requester.conn.close(requesting.on_no_spare(none), timeouts).await;
                return None;
            }
        };
        let claimed = match wait(&mut requester, answer, deadline, stop).await {
            Wait::Spare(claimed) => claimed,
            Wait::SpareLost => {
                requesting = requesting.on_spare_lost();
                continue;
            }
            // What it is, is said above.
            Wait::Over => continue,
        };
        let Claimed { conn: mut listener, entry } = *claimed;
        let id = requester.conn.id;
        let patience = deadline.min(Instant::now() + timeouts.of(Timer::PongTimeout));
        if !tell(&mut requester, &mut listener, &requesting, patience, stop).await {
            tracing::debug!(conn = id, listener = listener.id, "the spare is dead");
            requesting = requesting.on_spare_lost();
            continue;
        }
        drop(entry);
        listener.socket.set_max_message(max_message);
        requester.enter(Phase::Paired);
        listener.seat.enter(Phase::Paired);
        tracing::debug!(conn = id, listener = listener.id, "paired");
        match trial(&mut requester, &mut listener, deadline, stop).await {
            Trial::Passed(had) => return Some(requester.pair_with(listener, had)),
            Trial::Vanished => {
                tracing::debug!(conn = id, listener = listener.id, "the listener has vanished");
                requester.enter(Phase::Handshaking);
                requesting = requesting.on_listener_lost();
            }
        }
    }
}

/// What comes of a claim.
enum Wait {
    /// A spare, still reserved.
    Spare(Box<Claimed>),
    /// The spare died.
    SpareLost,
    /// The connector has left, its deadline has come, or the relay stops.
    Over,
}

async fn wait(
    requester: &mut Requester,
    answer: oneshot::Receiver<Answer>,
    deadline: Instant,
    stop: &mut Stop,
) -> Wait {
    // The owner of a spare answers at once. The connector is not read meanwhile: if it has left already, the listener is
    // told of its request and then of its close, as by the reference (`spec/wire.md §6`).
    let answer = tokio::select! {
        biased;
        answer = answer => answer,
        () = sleep_until(deadline) => return Wait::Over,
        () = stop.draining() => return Wait::Over,
    };
    match answer {
        Ok(Answer::Ready(claimed)) => Wait::Spare(claimed),
        Ok(Answer::Owing(promise)) => wait_for_pong(requester, promise, deadline, stop).await,
        Err(_) => Wait::SpareLost,
    }
}

/// The spare owes a pong. Until that comes, what the connector sends is kept, and if it leaves the spare is not touched.
async fn wait_for_pong(
    requester: &mut Requester,
    promise: oneshot::Receiver<Box<Claimed>>,
    deadline: Instant,
    stop: &mut Stop,
) -> Wait {
    tokio::select! {
        biased;
        claimed = promise => claimed.map_or(Wait::SpareLost, Wait::Spare),
        () = sleep_until(deadline) => Wait::Over,
        () = stop.draining() => Wait::Over,
        () = requester.keep() => Wait::Over,
    }
}

fn timed_out() -> Close {
    Close::timed_out(Timer::Handshake.reason())
}
