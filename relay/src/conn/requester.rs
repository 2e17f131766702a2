//! A connector between its request and its pair, and what it has said so far.

use std::future::poll_fn;
use std::task::{Context, Poll};

use super::Conn;
use super::early::{ENOUGH, EarlyData, LARGEST};
use super::pair::Pair;
use crate::registry::Phase;
use crate::socket::{Data, Ended, Incoming};

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
        conn.socket.set_read_budget(Some(ENOUGH));
        let mut requester = Self { conn, early: EarlyData::default(), left: None, max_message };
        requester.enter(Phase::Handshaking);
        requester
    }

    /// It has a listener that may be the right one, or none. What may be large is not made room for without a listener.
    pub(super) fn enter(&mut self, phase: Phase) {
        self.conn.seat.enter(phase);
        let largest = if phase == Phase::Paired { self.max_message } else { self.max_message.min(LARGEST) };
        self.conn.socket.set_max_message(largest);
    }

    /// Keeps what comes, as long as there is room. Whoever polls this is woken when more comes.
    pub(super) fn poll_keep(&mut self, cx: &mut Context<'_>) {
        while !self.has_left() && self.early.has_room() {
            match self.conn.socket.poll_recv(cx) {
                Poll::Ready(Incoming::Message(data)) => self.early.push(data),
                Poll::Ready(Incoming::Ended(ended)) => self.left = Some(ended),
                Poll::Pending => return,
            }
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

    /// What it has said behind `earlier` other messages.
    pub(super) fn said(&self, earlier: usize) -> Option<&Data> {
        self.early.get(earlier)
    }

    /// Whether it may say no more before it has a listener for good.
    pub(super) fn is_full(&self) -> bool {
        !self.early.has_room() || self.conn.socket.read_budget_is_spent()
    }

    /// Whether it has ended and everything before that is kept.
    pub(super) fn has_left(&self) -> bool {
        self.left.is_some()
    }

    /// It gets no listener. How it has ended itself, if it has.
    pub(super) fn into_parts(self) -> (Conn, Option<Ended>) {
        (self.conn, self.left)
    }

    /// It has a listener for good, which has had the first `had` messages.
    pub(super) fn pair_with(self, listener: Conn, had: usize) -> Pair {
        let Self { mut conn, mut early, left, .. } = self;
        conn.socket.set_read_budget(None);
        for _ in 0..had {
            early.pop();
        }
        if let Some(ended) = left {
            conn.socket.put_back(Incoming::Ended(ended));
        }
        Pair::new(conn, listener, early)
    }
}
