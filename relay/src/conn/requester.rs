//! A connector between its request and its pair, and what it has said so far.

use std::future::poll_fn;
use std::task::{Context, Poll};

use super::Conn;
use super::early::{EarlyData, LARGEST};
use super::pair::{Pair, Side};
use crate::metrics::Step;
use crate::socket::{Ended, Socket};

/// A connector that has no listener yet, or one that has not shown itself.
#[derive(Debug)]
pub(super) struct Requester {
    pub(super) conn: Conn,
    early: EarlyData,
    /// How it has ended, when everything before that is kept.
    left: Option<Ended>,
    max_message: usize,
}

impl Requester {
    /// From here on the connector is read only as far as it can be kept, however many spares are tried.
    pub(super) fn new(mut conn: Conn, max_message: usize) -> Self {
        let early = EarlyData::new(conn.seat.metrics());
        conn.socket.set_max_message(max_message.min(LARGEST));
        conn.seat.enter(Step::Requesting);
        Self { conn, early, left: None, max_message }
    }

    /// It has a listener that may be the right one.
    pub(super) fn on_told(&mut self) {
        self.conn.seat.enter(Step::PairedConnector);
        self.conn.socket.set_max_message(self.max_message);
    }

    /// That listener has vanished: the next one gets everything. A large message that was begun may be finished.
    pub(super) fn on_listener_lost(&mut self) {
        self.conn.seat.fall_back(Step::Requesting);
        self.early.take_back();
    }

    /// Keeps what comes, as long as there is room. Whoever polls this is woken when more comes.
    pub(super) fn poll_keep(&mut self, cx: &mut Context<'_>) {
        if self.left.is_none()
            && let Poll::Ready(ended) = self.early.poll_keep(cx, &mut self.conn.socket)
        {
            self.left = Some(ended);
        }
    }

    /// Keeps what comes until the connector leaves, or for ever.
    pub(super) async fn keep(&mut self) {
        poll_fn(|cx| {
            self.poll_keep(cx);
            if self.has_left() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Queues for a listener what it has not had. Gives the number of frames, and what is in them in bytes.
    pub(super) fn hand_on(&mut self, to: &mut Socket) -> (usize, usize) {
        self.early.hand_on(to)
    }

    /// Whether it may say no more before it has a listener for good.
    pub(super) fn is_full(&self) -> bool {
        self.early.is_full(&self.conn.socket)
    }

    /// Whether it has ended and everything before that is kept.
    pub(super) fn has_left(&self) -> bool {
        self.left.is_some()
    }

    /// It gets no listener. How it has ended itself, if it has.
    pub(super) fn into_parts(self) -> (Conn, Option<Ended>) {
        (self.conn, self.left)
    }

    /// It has a listener for good, which perhaps has `ended` already.
    pub(super) fn pair_with(self, listener: Conn, ended: Option<Ended>) -> Pair {
        let left = self.left.map(|left| (Side::Connector, left));
        let over = left.or(ended.map(|ended| (Side::Listener, ended)));
        Pair::new(self.conn, listener, self.early, over)
    }
}
