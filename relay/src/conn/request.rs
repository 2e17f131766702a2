//! A connector's way to a spare of its target.

use ratatosk_protocol::key::PublicKey;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

use super::Conn;
use super::handover::{Trial, tell, trial};
use super::pair::Pair;
use super::requester::Requester;
use super::spare;
use crate::admission;
use crate::directory::{Answer, Claimed, Found, Place};
use crate::metrics::Step;
use crate::registry::{Limit, NoSpare};
use crate::server::Stop;
use crate::session::{Cause, Close, HANDSHAKE_TIMED_OUT, Requesting, Timer};
use crate::switchboard::Switchboard;

/// Takes spares, newest first, until one of them is told of the request and shows that it is there. `None` if the
/// connector is gone.
pub(super) async fn run(
    board: &Switchboard,
    conn: Conn,
    mut requesting: Requesting,
    deadline: Instant,
    stop: &mut Stop,
) -> Option<Pair> {
    let config = board.config();
    let (timeouts, max_message) = (&config.timeouts, config.max_message_len);
    tracing::debug!(conn = conn.id, target = requesting.target().fingerprint(), "requests a listener");
    let mut requester = Requester::new(conn, max_message);
    if let Err(limit) = board.may_request(&requester.conn.seat, requesting.target()) {
        requester.conn.close(requesting.on_limit(limit), timeouts).await;
        return None;
    }
    match admit(board, &mut requester, &requesting, deadline, stop).await {
        Some(true) => {}
        Some(false) => {
            requester.conn.close(requesting.on_denied(), timeouts).await;
            return None;
        }
        None => {
            end(board, requester, None, stop).await;
            return None;
        }
    }
    let until = deadline.min(Instant::now() + timeouts.of(Timer::SpareWait));
    loop {
        if requester.has_left() || stop.is_draining() || Instant::now() >= deadline {
            end(board, requester, None, stop).await;
            return None;
        }
        let answer = match ask(board, &mut requester, requesting.target(), until, stop).await {
            Asked::Owner(answer) => answer,
            Asked::Nobody(none) => {
                requester.conn.close(requesting.on_no_spare(none), timeouts).await;
                return None;
            }
            Asked::Refused(limit) => {
                requester.conn.close(requesting.on_limit(limit), timeouts).await;
                return None;
            }
            Asked::Over(unused) => {
                end(board, requester, unused, stop).await;
                return None;
            }
        };
        let claimed = match wait(&mut requester, answer, deadline, stop).await {
            Wait::Spare(claimed) => claimed,
            Wait::SpareLost => {
                board.metrics().stale_spare();
                requesting = requesting.on_spare_lost();
                continue;
            }
            Wait::Over(unused) => {
                end(board, requester, unused, stop).await;
                return None;
            }
        };
        let Claimed { conn, entry, .. } = *claimed;
        let mut listener = *conn;
        let id = requester.conn.id;
        let patience = deadline.min(Instant::now() + timeouts.of(Timer::PongTimeout));
        if !tell(&mut requester, &mut listener, &requesting, patience, stop).await {
            tracing::debug!(conn = id, listener = listener.id, "the spare is dead");
            board.metrics().stale_spare();
            listener.abandon(Cause::Aborted);
            requesting = requesting.on_spare_lost();
            continue;
        }
        board.metrics().spare_used(entry.age());
        drop(entry);
        listener.socket.set_max_message(max_message);
        requester.on_told();
        listener.seat.enter(Step::PairedListener);
        tracing::debug!(conn = id, listener = listener.id, "paired");
        match trial(&mut requester, &mut listener, deadline, stop).await {
            Trial::Passed(ended) => return Some(requester.pair_with(listener, ended)),
            Trial::Vanished => {
                tracing::debug!(conn = id, listener = listener.id, "the listener has vanished");
                listener.abandon(Cause::Aborted);
                requester.on_listener_lost();
                requesting = requesting.on_listener_lost();
            }
        }
    }
}

/// Whether the relay wants this request. `None` if there is no time to find out, or nobody to tell.
async fn admit(
    board: &Switchboard,
    requester: &mut Requester,
    requesting: &Requesting,
    deadline: Instant,
    stop: &mut Stop,
) -> Option<bool> {
    let (source, target) = (requesting.source(), requesting.target());
    let address = requester.conn.seat.address();
    tokio::select! {
        biased;
        allowed = admission::may_request(board, address, source, target) => Some(allowed),
        () = sleep_until(deadline) => None,
        () = stop.draining() => None,
        () = requester.keep() => None,
    }
}

/// What comes of asking for a spare.
enum Asked {
    /// Its owner was told.
    Owner(oneshot::Receiver<Answer>),
    /// There is none, and perhaps none has come in time.
    Nobody(NoSpare),
    /// A limit is reached.
    Refused(Limit),
    /// As [`Wait::Over`].
    Over(Option<Box<Claimed>>),
}

/// Asks for a spare. If the target had one a moment ago, its next one is waited for, first come first served.
async fn ask(
    board: &Switchboard,
    requester: &mut Requester,
    target: &PublicKey,
    until: Instant,
    stop: &mut Stop,
) -> Asked {
    let (place, mut turn): (Place, oneshot::Receiver<oneshot::Receiver<Answer>>) =
        match board.claim(target, Instant::now() < until) {
            Found::Asked(answer) => return Asked::Owner(answer),
            Found::Nobody(none) => return Asked::Nobody(none),
            Found::Refused(limit) => return Asked::Refused(limit),
            Found::Queued(place, turn) => (place, turn),
        };
    tracing::debug!(conn = requester.conn.id, "waits for the next spare");
    let over = tokio::select! {
        biased;
        answer = &mut turn => match answer {
            Ok(answer) => return Asked::Owner(answer),
            // Only the directory holds the other end, and it drops it with the relay.
            Err(_) => true,
        },
        () = sleep_until(until) => false,
        () = stop.draining() => true,
        () = requester.keep() => true,
    };
    place.leave();
    match take_back(turn) {
        // Its turn came at the last moment.
        Some(answer) if over => Asked::Over(withdraw(answer)),
        Some(answer) => Asked::Owner(answer),
        None if over => Asked::Over(None),
        None => Asked::Nobody(board.refuse(target)),
    }
}

/// What comes of a claim.
enum Wait {
    /// A spare, still reserved.
    Spare(Box<Claimed>),
    /// The spare died.
    SpareLost,
    /// The connector has left, its deadline has come, or the relay stops. Perhaps a spare came at the same time.
    Over(Option<Box<Claimed>>),
}

async fn wait(
    requester: &mut Requester,
    mut answer: oneshot::Receiver<Answer>,
    deadline: Instant,
    stop: &mut Stop,
) -> Wait {
    // The owner of a spare answers at once. The connector is not read meanwhile: if it has left already, the listener is
    // told of its request and then of its close, as by the reference (`spec/wire.md §6`).
    let answered = tokio::select! {
        biased;
        answered = &mut answer => answered.ok(),
        () = sleep_until(deadline) => return Wait::Over(withdraw(answer)),
        () = stop.draining() => return Wait::Over(withdraw(answer)),
    };
    let mut promise = match answered {
        Some(Answer::Ready(claimed)) => return Wait::Spare(claimed),
        Some(Answer::Owing(promise)) => promise,
        None => return Wait::SpareLost,
    };
    // Until the pong comes, what the connector sends is kept, and if it leaves the spare is not touched.
    tokio::select! {
        biased;
        claimed = &mut promise => claimed.map_or(Wait::SpareLost, Wait::Spare),
        () = sleep_until(deadline) => Wait::Over(take_back(promise)),
        () = stop.draining() => Wait::Over(take_back(promise)),
        () = requester.keep() => Wait::Over(take_back(promise)),
    }
}

/// Nobody waits for an answer any more. What it would have brought, if it is here already.
fn withdraw(answer: oneshot::Receiver<Answer>) -> Option<Box<Claimed>> {
    match take_back(answer)? {
        Answer::Ready(claimed) => Some(claimed),
        Answer::Owing(promise) => take_back(promise),
    }
}

/// Closes the channel, so that nothing can come any more, and takes what has come.
fn take_back<T>(mut receiver: oneshot::Receiver<T>) -> Option<T> {
    receiver.close();
    receiver.try_recv().ok()
}

/// Ends the connector that has left or may wait no longer. A spare that came too late for it is held for the next.
async fn end(board: &Switchboard, requester: Requester, unused: Option<Box<Claimed>>, stop: &mut Stop) {
    let config = board.config();
    let timeouts = &config.timeouts;
    let (conn, left) = requester.into_parts();
    let draining = stop.is_draining();
    let end = async {
        match left {
            Some(ended) => conn.finish(&ended, timeouts).await,
            None if draining => conn.close(Close::stopping(), timeouts).await,
            None => conn.close(Close::timed_out(HANDSHAKE_TIMED_OUT), timeouts).await,
        }
    };
    match unused {
        Some(unused) => {
            tokio::join!(end, Box::pin(spare::resume(board, *unused, stop)));
        }
        None => end.await,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use ratatosk_protocol::key::SecretKey;
    use tokio::net::TcpStream;

    use super::super::testing::conn;
    use super::*;
    use crate::Config;
    use crate::session::{Claimed as Debts, Spare};

    /// A spare without debts in the hands of a requester, and its client.
    async fn claimed(board: &Arc<Switchboard>, key: &SecretKey) -> (Box<Claimed>, TcpStream) {
        let (mut conn, client) = conn(board).await;
        let (entry, claims) = board.register(&mut conn.seat, key.public_key()).unwrap();
        let Found::Asked(_answer) = board.claim(&key.public_key(), false) else { panic!("it has a spare") };
        claims.await.unwrap();
        let minute = Duration::from_secs(60);
        let Debts::Free(state) = Spare::new(std::time::Instant::now(), minute, minute).on_claim() else {
            panic!("it owes nothing");
        };
        (Box::new(Claimed { conn: Box::new(conn), entry, state }), client)
    }

    #[tokio::test]
    async fn a_spare_that_comes_too_late_is_held_for_the_next() {
        let key = SecretKey::from_bytes([5; 32]);
        for owing in [false, true] {
            let board = Switchboard::new(Config::default());
            let (_stage, mut stop) = Stop::new();
            let (spare, _client) = claimed(&board, &key).await;
            // The owner sends the spare just before the requester goes.
            let (claim, answer) = oneshot::channel();
            if owing {
                let (requester, promise) = oneshot::channel();
                claim.send(Answer::Owing(promise)).unwrap();
                requester.send(spare).unwrap();
            } else {
                claim.send(Answer::Ready(spare)).unwrap();
            }
            let unused = withdraw(answer).unwrap();
            let holder = Arc::clone(&board);
            let holding = tokio::spawn(async move { spare::resume(&holder, *unused, &mut stop).await });
            while board.snapshot().reserved > 0 {
                tokio::task::yield_now().await;
            }
            let Found::Asked(next) = board.claim(&key.public_key(), false) else { panic!("it is ready again") };
            assert!(matches!(next.await, Ok(Answer::Ready(_))));
            holding.await.unwrap();
        }
    }

    #[test]
    fn who_has_withdrawn_gets_nothing() {
        let (claim, answer) = oneshot::channel::<Answer>();
        assert!(withdraw(answer).is_none());
        assert!(claim.is_closed());
    }
}
