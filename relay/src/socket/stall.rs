//! Notices a client that takes nothing of what waits for it.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use super::Socket;
use crate::session::{Timeouts, Timer};

/// Why something could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotWritten {
    /// The connection is gone.
    Broken,
    /// Not one byte was taken within [`Timer::Stall`], or not all within [`Timer::Delivery`].
    Stalled,
}

/// Flushes a socket, and gives up after a time without any progress. A slow client is no stalled one, but for ever is too
/// long.
#[derive(Debug)]
pub(crate) struct Stall {
    limit: Duration,
    delivery: Duration,
    /// When all that waits now must be written. `None` while nothing waits.
    deadline: Option<Instant>,
    /// Since when nothing was taken, and how much had been taken by then. `None` while nothing waits.
    still: Option<(Instant, u64)>,
    /// Made when it is first needed. It may go off too early, which does no harm: to set it anew each time that a byte
    /// is taken would cost more than the byte.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Stall {
    pub(crate) fn new(timeouts: &Timeouts) -> Self {
        let (limit, delivery) = (timeouts.of(Timer::Stall), timeouts.of(Timer::Delivery));
        Self { limit, delivery, deadline: None, still: None, sleep: None }
    }

    /// Writes what is queued on `socket`, always the same one.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>, socket: &mut Socket) -> Poll<Result<(), NotWritten>> {
        if let Poll::Ready(result) = socket.poll_flush(cx) {
            (self.still, self.deadline) = (None, None);
            return Poll::Ready(result);
        }
        let now = Instant::now();
        let since = match self.still {
            Some((since, written)) if written == socket.written() => since,
            _ => now,
        };
        self.still = Some((since, socket.written()));
        let deadline = (since + self.limit).min(*self.deadline.get_or_insert_with(|| now + self.delivery));
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        while sleep.as_mut().poll(cx).is_ready() {
            if deadline <= now {
                return Poll::Ready(Err(NotWritten::Stalled));
            }
            sleep.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}
