//! What a requester sends before it has a partner for good (`spec/wire.md §3`, §10: kept, bounded, delivered in order).

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use crate::metrics::{Held, Metrics};
use crate::socket::{Ended, Socket};

/// From here on the requester is not read until it has a partner for good, however many spares are tried. In bytes.
const ENOUGH: usize = 64 * 1024;

/// The largest message that may be begun before there is a partner, in bytes. More than [`ENOUGH`], so that what just
/// fits is not refused for its header: the rest of it waits in the network.
pub(super) const LARGEST: usize = 2 * ENOUGH;

/// Frames that wait, in order. They are kept until they are given up, so that another listener can have them too.
#[derive(Debug)]
pub(super) struct EarlyData {
    frames: Vec<u8>,
    /// Where `frames` end.
    end: Place,
    /// What the listener of the moment has had.
    had: Place,
    held: Held,
}

/// A place among the frames: what is before it.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    bytes: usize,
    frames: usize,
    payload: usize,
}

impl EarlyData {
    pub(super) fn new(metrics: &Arc<Metrics>) -> Self {
        Self { frames: Vec::new(), end: Place::default(), had: Place::default(), held: Held::new(metrics) }
    }

    /// Keeps what `socket` brings, always the same one, as long as there is room. Ready when the client ends. Whoever
    /// polls this is woken when more comes that can be kept.
    pub(super) fn poll_keep(&mut self, cx: &mut Context<'_>, socket: &mut Socket) -> Poll<Ended> {
        loop {
            if socket.has_output() {
                // Whether that works does not matter here: reading tells if the connection is gone.
                let _ = socket.poll_flush(cx);
            }
            let room = ENOUGH.saturating_sub(self.frames.len());
            let passed = ready!(socket.poll_frames(cx, room, |_, frames| self.frames.extend_from_slice(frames)));
            self.end.bytes = self.frames.len();
            self.end.frames += passed.frames;
            self.end.payload += passed.payload;
            self.held.set(self.end.bytes - self.had.bytes);
            if let Some(ended) = passed.ended {
                return Poll::Ready(ended);
            }
        }
    }

    /// Whether nothing more of `socket` is kept.
    pub(super) fn is_full(&self, socket: &Socket) -> bool {
        self.frames.len() + socket.unread() >= ENOUGH
    }

    /// Queues for a listener what it has not had. Gives the number of frames, and what is in them in bytes.
    pub(super) fn hand_on(&mut self, to: &mut Socket) -> (usize, usize) {
        let had = std::mem::replace(&mut self.had, self.end);
        to.queue_frames(&self.frames[had.bytes..]);
        self.held.set(0);
        (self.end.frames - had.frames, self.end.payload - had.payload)
    }

    /// The listener is lost: the next one has had nothing.
    pub(super) fn take_back(&mut self) {
        self.had = Place::default();
        self.held.set(self.end.bytes);
    }
}
