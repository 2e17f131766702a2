//! A connector and a listener that are connected: a pipe in both directions until one of them ends (`spec/wire.md §3`).

use std::future::poll_fn;
use std::task::Poll;

use super::Conn;
use super::early::EarlyData;
use super::lane::{Lane, LaneEnd};
use crate::metrics::{Direction, Flow};
use crate::server::Stop;
use crate::session::{Cause, Close, NOT_READ, Timeouts};
use crate::socket::Ended;

/// Two connections, driven by one task.
#[derive(Debug)]
pub(super) struct Pair {
    connector: Conn,
    listener: Conn,
    early: EarlyData,
    over: Option<(Side, Ended)>,
}

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Connector,
    Listener,
}

/// How a pair ends.
#[derive(Debug)]
enum End {
    /// One side has ended, the other is to be closed.
    Ended(Side, Ended),
    /// One side reads nothing.
    Stalled(Side),
    /// The relay stops.
    Stop,
}

impl Pair {
    /// Connects the two; `early` is what the connector has sent already, and `over` tells which of them has ended already.
    pub(super) fn new(connector: Conn, listener: Conn, early: EarlyData, over: Option<(Side, Ended)>) -> Self {
        Self { connector, listener, early, over }
    }

    /// Relays until the end, and closes both.
    pub(super) async fn run(self, timeouts: &Timeouts, stop: &mut Stop) {
        let Self { mut connector, mut listener, mut early, over } = self;
        let metrics = connector.seat.metrics();
        let (to_listener, to_connector) =
            (Flow::new(metrics, Direction::ToListener), Flow::new(metrics, Direction::ToConnector));
        // Nothing may come behind the answer to a close.
        if !matches!(over, Some((Side::Listener, _))) {
            let (frames, payload) = early.hand_on(&mut listener.socket);
            to_listener.forwarded(frames as u64, payload as u64);
        }
        drop(early);
        let mut up = Lane::new(to_listener, timeouts);
        let mut down = Lane::new(to_connector, timeouts);
        let mut down_first = false;
        let relay = poll_fn(|cx| {
            // Neither direction may live at the cost of the other: they take turns in being first.
            down_first = !down_first;
            let (first, second) =
                if down_first { (Side::Listener, Side::Connector) } else { (Side::Connector, Side::Listener) };
            for (turn, side) in [first, second, first].into_iter().enumerate() {
                let (c, l) = (&mut connector.socket, &mut listener.socket);
                let (lane, from, to) = match side {
                    Side::Connector => (&mut up, c, l),
                    Side::Listener => (&mut down, l, c),
                };
                // The second may have left the answer to a ping for the receiver of the first.
                if turn == 2 && !to.has_output() {
                    break;
                }
                let end = lane.poll(cx, from, to);
                if let Poll::Ready(end) = end {
                    return Poll::Ready(End::of(side, end));
                }
            }
            Poll::Pending
        });
        let end = match over {
            Some((side, ended)) => End::Ended(side, ended),
            None => tokio::select! {
                biased;
                end = relay => end,
                () = stop.stopping() => End::Stop,
            },
        };
        // Seconds at the end of what may be days: not a part of what a pair keeps all the time.
        Box::pin(end.close(connector, listener, timeouts)).await;
    }
}

impl End {
    /// What the end of the direction that comes from `sender` means for the pair.
    fn of(sender: Side, end: LaneEnd) -> Self {
        let receiver = match sender {
            Side::Connector => Side::Listener,
            Side::Listener => Side::Connector,
        };
        match end {
            LaneEnd::Sender(ended) => Self::Ended(sender, ended),
            LaneEnd::Stalled => Self::Stalled(receiver),
            LaneEnd::Broken => Self::Ended(receiver, Ended::Aborted),
        }
    }

    /// Closes both.
    async fn close(self, connector: Conn, listener: Conn, timeouts: &Timeouts) {
        match self {
            Self::Ended(Side::Connector, ended) => end_with(connector, &ended, listener, timeouts).await,
            Self::Ended(Side::Listener, ended) => end_with(listener, &ended, connector, timeouts).await,
            Self::Stalled(Side::Connector) => stalled(connector, listener, timeouts).await,
            Self::Stalled(Side::Listener) => stalled(listener, connector, timeouts).await,
            Self::Stop => {
                tokio::join!(connector.close_behind_data(None, timeouts), listener.close_behind_data(None, timeouts));
            }
        }
    }
}

/// One side has ended: the other gets the same reason, behind everything that was sent before it.
async fn end_with(ended: Conn, how: &Ended, other: Conn, timeouts: &Timeouts) {
    let close = Close::relayed(how.relayed_reason());
    tokio::join!(ended.finish(how, timeouts), other.close_behind_data(Some(close), timeouts));
}

/// One side reads nothing, so there is no telling it; the other hears why.
async fn stalled(side: Conn, other: Conn, timeouts: &Timeouts) {
    side.abandon(Cause::Stalled);
    let close = Close::timed_out(NOT_READ).caused_by(Cause::Partner);
    other.close_behind_data(Some(close), timeouts).await;
}
