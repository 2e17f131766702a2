//! What a requester sends before it has a partner (`spec/wire.md §3`, §10: kept, bounded, delivered in order).

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, ready};

use crate::metrics::{Held, Metrics};
use crate::socket::{Ended, Socket};

/// From here on the requester is not read until it has a partner. In bytes.
const ENOUGH: usize = 64 * 1024;

/// Frames that wait, in order.
#[derive(Debug)]
pub(super) struct EarlyData {
    frames: Vec<u8>,
    count: usize,
    payload: usize,
    held: Held,
}

impl EarlyData {
    pub(super) fn new(metrics: &Arc<Metrics>) -> Self {
        Self { frames: Vec::new(), count: 0, payload: 0, held: Held::new(metrics) }
    }

    /// Keeps what `socket` brings, until the client ends. Nothing is lost when the future is dropped.
    pub(super) async fn keep(&mut self, socket: &mut Socket) -> Ended {
        poll_fn(|cx| {
            loop {
                if socket.has_output() {
                    // Whether that works does not matter here: reading tells if the connection is gone.
                    let _ = socket.poll_flush(cx);
                }
                let room = ENOUGH.saturating_sub(self.frames.len());
                let passed = ready!(socket.poll_frames(cx, room, |_, frames| self.frames.extend_from_slice(frames)));
                self.count += passed.frames;
                self.payload += passed.payload;
                self.held.set(self.frames.len());
                if let Some(ended) = passed.ended {
                    return Poll::Ready(ended);
                }
            }
        })
        .await
    }

    /// Hands everything on. Gives the number of frames, and what was in them in bytes.
    pub(super) fn deliver(self, to: &mut Socket) -> (usize, usize) {
        to.queue_frames(&self.frames);
        (self.count, self.payload)
    }
}
