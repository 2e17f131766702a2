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
use crate::metrics::{Direction, Flow};
use crate::server::Stop;
use crate::session::Requesting;
use crate::socket::Ended;

/// Tells the spare, until `patience` ends. It is a few hundred bytes, so a spare that does not take them soon has not
/// read for long. What the connector does meanwhile is kept.
pub(super) async fn tell(
    requester: &mut Requester,
    listener: &mut Conn,
    requesting: &Requesting,
    patience: Instant,
    stop: &mut Stop,
) -> bool {
    for payload in requesting.hand_over() {
        listener.socket.queue(&payload);
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
#[derive(Debug)]
pub(super) enum Trial {
    /// The connector's partner. Perhaps it has ended already; then the connector has not.
    Passed(Option<Ended>),
    /// Gone without a word.
    Vanished,
}

/// Relays until the listener has said or closed something; until `deadline`, a stop, or the connector's end at the
/// latest, and no longer than what the connector says can be kept.
pub(super) async fn trial(requester: &mut Requester, listener: &mut Conn, deadline: Instant, stop: &mut Stop) -> Trial {
    let metrics = listener.seat.metrics();
    let (mut up, down) = (Flow::new(metrics, Direction::ToListener), Flow::new(metrics, Direction::ToConnector));
    let relay = poll_fn(|cx| {
        while !requester.has_left() {
            if listener.socket.has_output() {
                // Whether that works does not matter here: reading tells if the connection is gone.
                let _ = listener.socket.poll_flush(cx);
            }
            up.set_blocked(listener.socket.has_output());
            up.set_held(listener.socket.waiting());
            if let Poll::Ready(passed) = listener.socket.poll_pass(cx, &mut requester.conn.socket) {
                down.forwarded(passed.frames as u64, passed.payload as u64);
                match passed.ended {
                    // WebSocket's own pings show nothing: they may have been sent long ago.
                    None if passed.frames == 0 => continue,
                    Some(Ended::Aborted) if passed.frames == 0 => {
                        // Who has left is done, whatever became of the listener.
                        requester.poll_keep(cx);
                        let left = requester.has_left();
                        return Poll::Ready(if left { Trial::Passed(None) } else { Trial::Vanished });
                    }
                    ended => return Poll::Ready(Trial::Passed(ended)),
                }
            }
            requester.poll_keep(cx);
            if requester.is_full() {
                break;
            }
            if listener.socket.has_output() {
                return Poll::Pending;
            }
            let (frames, payload) = requester.hand_on(&mut listener.socket);
            if frames == 0 && !requester.has_left() {
                return Poll::Pending;
            }
            up.forwarded(frames as u64, payload as u64);
        }
        Poll::Ready(Trial::Passed(None))
    });
    tokio::select! {
        biased;
        () = sleep_until(deadline) => Trial::Passed(None),
        () = stop.draining() => Trial::Passed(None),
        trial = relay => trial,
    }
}
