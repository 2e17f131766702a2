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
    /// When all that waits now must be written.
    deadline: Option<Instant>,
    waiting: Option<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    sleep: Pin<Box<Sleep>>,
    written: u64,
}

impl Stall {
    pub(crate) fn new(timeouts: &Timeouts) -> Self {
        let (limit, delivery) = (timeouts.of(Timer::Stall), timeouts.of(Timer::Delivery));
        Self { limit, delivery, deadline: None, waiting: None }
    }

    /// Writes what is queued on `socket`, always the same one.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>, socket: &mut Socket) -> Poll<Result<(), NotWritten>> {
        if let Poll::Ready(result) = socket.poll_flush(cx) {
            (self.waiting, self.deadline) = (None, None);
            return Poll::Ready(result);
        }
        let deadline = *self.deadline.get_or_insert_with(|| Instant::now() + self.delivery);
        loop {
            let written = socket.written();
            let waiting = match &mut self.waiting {
                Some(waiting) if waiting.written == written => waiting,
                waiting => {
                    let sleep = sleep_until(deadline.min(Instant::now() + self.limit));
                    waiting.insert(Waiting { sleep: Box::pin(sleep), written })
                }
            };
            if waiting.sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            if waiting.written == socket.written() || Instant::now() >= deadline {
                return Poll::Ready(Err(NotWritten::Stalled));
            }
        }
    }
}
