//! One direction of a pair: read a message, write it, and only then read the next.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

use super::early::EarlyData;
use crate::session::{Timeouts, Timer};
use crate::socket::{Ended, Incoming, NotWritten, Socket, Stall, WRITE_BATCH};

/// Bytes that a direction may move before the other gets its turn.
const TURN: usize = 256 * 1024;

/// What handling a message costs beside its content, counted like bytes.
const OVERHEAD: usize = 64;

/// Moves messages from one socket to another. Small messages that are here together are written together.
#[derive(Debug)]
pub(super) struct Lane {
    early: EarlyData,
    /// Bytes handed to the receiver and not written yet.
    queued: usize,
    flushing: bool,
    stall: Stall,
    /// The receiver cannot be written to. Its own direction will soon tell why.
    broken: Option<Pin<Box<Sleep>>>,
    patience: Duration,
}

/// How a direction ends.
#[derive(Debug)]
pub(super) enum LaneEnd {
    /// The sender has ended. Everything before that is handed to the receiver.
    Sender(Ended),
    /// The receiver takes nothing.
    Stalled,
    /// The receiver is gone and has not even said so.
    Broken,
}

impl Lane {
    /// A direction in which `early` goes first.
    pub(super) fn new(early: EarlyData, timeouts: &Timeouts) -> Self {
        Self {
            early,
            queued: 0,
            // What went to the receiver before is written first.
            flushing: true,
            stall: Stall::new(timeouts),
            broken: None,
            patience: timeouts.of(Timer::Close),
        }
    }

    /// Moves what can be moved without waiting.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, from: &mut Socket, to: &mut Socket) -> Poll<LaneEnd> {
        let mut moved = 0;
        loop {
            if let Some(patience) = &mut self.broken {
                ready!(patience.as_mut().poll(cx));
                return Poll::Ready(LaneEnd::Broken);
            }
            if self.flushing {
                match ready!(self.stall.poll_flush(cx, to)) {
                    Ok(()) => (self.flushing, self.queued) = (false, 0),
                    Err(NotWritten::Stalled) => return Poll::Ready(LaneEnd::Stalled),
                    Err(NotWritten::Broken) => {
                        self.give_up();
                        continue;
                    }
                }
            }
            let turn_is_over = moved >= TURN;
            let next = if turn_is_over { Poll::Pending } else { self.next(cx, from) };
            match next {
                Poll::Ready(Incoming::Message(data)) => {
                    moved += data.len() + OVERHEAD;
                    self.queued += data.len() + OVERHEAD;
                    self.flushing = self.queued >= WRITE_BATCH;
                    if to.queue(data).is_err() {
                        self.give_up();
                    }
                }
                Poll::Ready(Incoming::Ended(ended)) => return Poll::Ready(LaneEnd::Sender(ended)),
                Poll::Pending if self.queued > 0 => self.flushing = true,
                Poll::Pending => {
                    if turn_is_over {
                        cx.waker().wake_by_ref();
                    }
                    return Poll::Pending;
                }
            }
        }
    }

    fn next(&mut self, cx: &mut Context<'_>, from: &mut Socket) -> Poll<Incoming> {
        match self.early.pop() {
            Some(data) => Poll::Ready(Incoming::Message(data)),
            None => from.poll_recv(cx),
        }
    }

    /// Nothing more can be written. The sender is read no more: if the receiver has closed, its reason comes on its own
    /// direction, and a close is better than an abort.
    fn give_up(&mut self) {
        self.broken = Some(Box::pin(sleep(self.patience)));
    }
}
