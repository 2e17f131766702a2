//! A connector and a listener that are connected: a pipe in both directions until one of them ends (`spec/wire.md §3`).

use std::future::poll_fn;
use std::task::Poll;

use super::Conn;
use super::early::EarlyData;
use super::lane::{Lane, LaneEnd};
use crate::server::Stop;
use crate::session::{Close, NOT_READ, Timeouts};
use crate::socket::Ended;

/// Two connections, driven by one task.
#[derive(Debug)]
pub(super) struct Pair {
    connector: Conn,
    listener: Conn,
    early: EarlyData,
}

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
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
    /// Connects the two; `early` is what the connector has sent already and the listener has not had.
    pub(super) fn new(connector: Conn, listener: Conn, early: EarlyData) -> Self {
        Self { connector, listener, early }
    }

    /// Relays until the end, and closes both.
    pub(super) async fn run(self, timeouts: &Timeouts, stop: &mut Stop) {
        let Self { mut connector, mut listener, early } = self;
        let mut up = Lane::new(early, timeouts);
        let mut down = Lane::new(EarlyData::default(), timeouts);
        let mut down_first = false;
        let relay = poll_fn(|cx| {
            // Neither direction may live at the cost of the other: they take turns in being first.
            down_first = !down_first;
            for side in if down_first { [Side::Listener, Side::Connector] } else { [Side::Connector, Side::Listener] } {
                let (c, l) = (&mut connector.socket, &mut listener.socket);
                let end = match side {
                    Side::Connector => up.poll(cx, c, l),
                    Side::Listener => down.poll(cx, l, c),
                };
                if let Poll::Ready(end) = end {
                    return Poll::Ready(End::of(side, end));
                }
            }
            Poll::Pending
        });
        let end = tokio::select! {
            end = relay => end,
            () = stop.stopping() => End::Stop,
        };
        match end {
            End::Ended(Side::Connector, ended) => end_with(connector, &ended, listener, timeouts).await,
            End::Ended(Side::Listener, ended) => end_with(listener, &ended, connector, timeouts).await,
            End::Stalled(Side::Connector) => stalled(connector, listener, timeouts).await,
            End::Stalled(Side::Listener) => stalled(listener, connector, timeouts).await,
            End::Stop => {
                tokio::join!(connector.close_behind_data(None, timeouts), listener.close_behind_data(None, timeouts));
            }
        }
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
}

/// One side has ended: the other gets the same reason, behind everything that was sent before it.
async fn end_with(ended: Conn, how: &Ended, other: Conn, timeouts: &Timeouts) {
    let close = Close::relayed(how.relayed_reason());
    tokio::join!(ended.finish(how, timeouts), other.close_behind_data(Some(close), timeouts));
}

/// One side reads nothing, so there is no telling it; the other hears why.
async fn stalled(side: Conn, other: Conn, timeouts: &Timeouts) {
    tracing::debug!(conn = side.id, "reads nothing");
    drop(side);
    other.close_behind_data(Some(Close::timed_out(NOT_READ)), timeouts).await;
}
