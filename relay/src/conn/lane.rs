//! One direction of a pair: what has come is written before more is read.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

use crate::metrics::Flow;
use crate::session::{Timeouts, Timer};
use crate::socket::{Ended, NotWritten, Socket, Stall};

/// Bytes that a direction may move before the other gets its turn.
const TURN: usize = 512 * 1024;

/// Moves frames from one socket to another. What was read together is written together.
#[derive(Debug)]
pub(super) struct Lane {
    stall: Stall,
    /// The receiver cannot be written to. Its own direction will soon tell why.
    broken: Option<Pin<Box<Sleep>>>,
    patience: Duration,
    flow: Flow,
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
    /// A direction in which nothing has passed.
    pub(super) fn new(flow: Flow, timeouts: &Timeouts) -> Self {
        Self { stall: Stall::new(timeouts), broken: None, patience: timeouts.of(Timer::Close), flow }
    }

    /// Moves what can be moved without waiting.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, from: &mut Socket, to: &mut Socket) -> Poll<LaneEnd> {
        let mut moved = 0;
        loop {
            if let Some(patience) = &mut self.broken {
                ready!(patience.as_mut().poll(cx));
                return Poll::Ready(LaneEnd::Broken);
            }
            if to.has_output() {
                let flushed = self.stall.poll_flush(cx, to);
                self.flow.set_blocked(flushed.is_pending());
                self.flow.set_held(to.waiting());
                match ready!(flushed) {
                    Ok(()) => {}
                    Err(NotWritten::Stalled) => return Poll::Ready(LaneEnd::Stalled),
                    Err(NotWritten::Broken) => {
                        self.give_up();
                        continue;
                    }
                }
            }
            if moved >= TURN {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let Poll::Ready(passed) = from.poll_pass(cx, to) else {
                // The traffic pauses.
                to.relax();
                return Poll::Pending;
            };
            moved += passed.payload;
            self.flow.forwarded(passed.frames as u64, passed.payload as u64);
            if let Some(ended) = passed.ended {
                return Poll::Ready(LaneEnd::Sender(ended));
            }
            if passed.sent.is_err() {
                self.give_up();
            }
        }
    }

    /// Nothing more can be written. The sender is read no more: if the receiver has closed, its reason comes on its own
    /// direction, and a close is better than an abort.
    fn give_up(&mut self) {
        self.broken = Some(Box::pin(sleep(self.patience)));
    }
}
