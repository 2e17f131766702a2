//! Handing a spare over, until its listener has shown that it is there (`spec/wire.md §10`).
//!
//! A connection whose other end has vanished takes what is written to it all the same; that it is dead comes back a
//! round trip later. So what the connector says is passed on and kept as well until the listener's first message: should
//! the listener vanish before that, the next spare gets it all.

use std::future::poll_fn;
use std::task::Poll;

use tokio::time::{Instant, sleep_until};

use super::Conn;
use super::requester::Requester;
use crate::server::Stop;
use crate::session::Requesting;
use crate::socket::{Ended, Incoming};

/// Tells the spare, until `patience` ends. It is a few hundred bytes, so a spare that does not take them soon has not
/// read for long. What the connector does meanwhile is kept.
pub(super) async fn tell(
    requester: &mut Requester,
    listener: &mut Conn,
    requesting: &Requesting,
    patience: Instant,
    stop: &mut Stop,
) -> bool {
    if !requesting.hand_over().into_iter().all(|payload| listener.queue(payload)) {
        return false;
    }
    let flush = poll_fn(|cx| {
        let flushed = listener.socket.poll_flush(cx);
        if flushed.is_pending() {
            // Should it leave: a spare that is half told is told the rest.
            requester.poll_keep(cx);
        }
        flushed
    });
    tokio::select! {
        biased;
        flushed = flush => flushed.is_ok(),
        () = sleep_until(patience) => false,
        () = stop.draining() => false,
    }
}

/// What a listener that was told turns out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trial {
    /// The connector's partner, which has had so many of its messages.
    Passed(usize),
    /// Gone without a word.
    Vanished,
}

/// Relays what the connector says until the listener says or closes something; until `deadline`, a stop, or the
/// connector's end at the latest, and no longer than what it says can be kept.
pub(super) async fn trial(requester: &mut Requester, listener: &mut Conn, deadline: Instant, stop: &mut Stop) -> Trial {
    let mut had = 0;
    let relay = poll_fn(|cx| {
        loop {
            match listener.socket.poll_recv(cx) {
                Poll::Ready(Incoming::Ended(Ended::Aborted)) => return Poll::Ready(false),
                Poll::Ready(incoming) => {
                    listener.socket.put_back(incoming);
                    return Poll::Ready(true);
                }
                Poll::Pending => {}
            }
            requester.poll_keep(cx);
            if requester.is_full() || requester.has_left() {
                return Poll::Ready(true);
            }
            let Some(data) = requester.said(had).filter(|_| listener.socket.is_flushed()) else {
                return Poll::Pending;
            };
            if listener.socket.queue(data.clone()).is_err() {
                return Poll::Ready(false);
            }
            had += 1;
        }
    });
    let passed = tokio::select! {
        biased;
        () = sleep_until(deadline) => true,
        () = stop.draining() => true,
        passed = relay => passed,
    };
    if passed { Trial::Passed(had) } else { Trial::Vanished }
}
