//! Notices a client that takes nothing of what waits for it.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

use super::Socket;

/// Why something could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotWritten {
    /// The connection is gone.
    Broken,
    /// Not one byte was taken within the limit.
    Stalled,
}

/// Flushes a socket, and gives up after a time without any progress. A slow client is no stalled one.
#[derive(Debug)]
pub(crate) struct Stall {
    limit: Duration,
    waiting: Option<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    sleep: Pin<Box<Sleep>>,
    written: u64,
}

impl Stall {
    pub(crate) fn new(limit: Duration) -> Self {
        Self { limit, waiting: None }
    }

    /// Writes what is queued on `socket`, always the same one.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>, socket: &mut Socket) -> Poll<Result<(), NotWritten>> {
        if let Poll::Ready(result) = socket.poll_flush(cx) {
            self.waiting = None;
            return Poll::Ready(result);
        }
        loop {
            let written = socket.written();
            let waiting = match &mut self.waiting {
                Some(waiting) if waiting.written == written => waiting,
                waiting => waiting.insert(Waiting { sleep: Box::pin(sleep(self.limit)), written }),
            };
            if waiting.sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            if waiting.written == socket.written() {
                return Poll::Ready(Err(NotWritten::Stalled));
            }
        }
    }
}
