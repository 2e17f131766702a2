//! Frames from one socket to another, as they arrive.

use std::future::poll_fn;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Ended, NotWritten, Socket, scratch};
use crate::frame::{Closing, End, Forwarded, HEADROOM, Opcode};

/// What one read brought.
#[derive(Debug)]
pub(crate) struct Passed {
    /// Frames that were passed on.
    pub(crate) frames: usize,
    /// What was in them, in bytes.
    pub(crate) payload: usize,
    /// The client has ended.
    pub(crate) ended: Option<Ended>,
    /// Whether the receiver is still there.
    pub(crate) sent: Result<(), NotWritten>,
}

impl Socket {
    /// Reads once and writes to `to`, in whose way nothing may wait, what can be passed on. What `to` does not take at
    /// once waits there.
    pub(crate) fn poll_pass(&mut self, cx: &mut Context<'_>, to: &mut Self) -> Poll<Passed> {
        let mut sent = Ok(());
        let passed = self.poll_frames(cx, scratch::SCRATCH, |cx, frames| {
            if sent.is_ok() {
                sent = to.send(cx, frames);
            }
        });
        passed.map(|passed| Passed { sent, ..passed })
    }

    /// Swallows what the client sends, until it ends.
    pub(super) async fn swallow(&mut self) {
        poll_fn(|cx| {
            loop {
                let passed = ready!(self.poll_frames(cx, scratch::SCRATCH, |_, _| {}));
                self.pong.clear();
                if passed.ended.is_some() {
                    return Poll::Ready(());
                }
            }
        })
        .await;
    }

    /// Queues frames that are for this client.
    pub(crate) fn queue_frames(&mut self, frames: &[u8]) {
        self.out.extend_from_slice(frames);
        self.dirty |= !frames.is_empty();
    }

    /// Answers a client's close with the same.
    pub(super) fn echo(&mut self, closing: Closing) -> Ended {
        self.queue_frame(Opcode::Close, &closing.payload());
        Ended::Closed { reason: closing.reason }
    }

    /// Reads once and hands `sink` what can be passed on. Nothing is read, and nobody woken, while `most` bytes or more
    /// are here that cannot be.
    pub(crate) fn poll_frames(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
        mut sink: impl FnMut(&mut Context<'_>, &[u8]),
    ) -> Poll<Passed> {
        let mut handed_on = 0;
        let nothing = Passed { frames: 0, payload: 0, ended: None, sent: Ok(()) };
        scratch::with(|buffer| {
            let held = HEADROOM + self.unread.len();
            buffer[HEADROOM..held].copy_from_slice(&self.unread);
            let mut filled = held;
            if mem::replace(&mut self.relaying, true) {
                let end = buffer.len().min(HEADROOM + most);
                if end <= held {
                    return Poll::Pending;
                }
                let mut part = ReadBuf::new(&mut buffer[held..end]);
                let read = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut part));
                filled += part.filled().len();
                if read.is_err() || filled == held {
                    return Poll::Ready(Passed { ended: Some(Ended::Aborted), ..nothing });
                }
            } else {
                // What was read with the last message to the relay may hold whole frames already.
                let mut frame = Vec::new();
                handed_on = self.client.hand_on(&mut frame);
                sink(cx, &frame);
            }
            let Forwarded { frames, rest, payload, count, end } =
                self.client.forward(buffer, HEADROOM..filled, &mut self.pong);
            sink(cx, &buffer[frames]);
            self.unread.clear();
            self.unread.extend_from_slice(&buffer[rest]);
            let ended = end.map(|end| match end {
                End::Closed(closing) => self.echo(closing),
                End::Fault(fault) => fault.into(),
            });
            let (frames, payload) = (count + usize::from(handed_on > 0), payload + handed_on);
            Poll::Ready(Passed { frames, payload, ended, ..nothing })
        })
    }

    /// Writes frames if nothing is in their way, and queues what is not taken.
    fn send(&mut self, cx: &mut Context<'_>, mut frames: &[u8]) -> Result<(), NotWritten> {
        while self.waiting() == 0 && !frames.is_empty() {
            match Pin::new(&mut self.stream).poll_write(cx, frames) {
                Poll::Ready(Ok(length @ 1..)) => {
                    frames = &frames[length..];
                    self.dirty = true;
                }
                Poll::Ready(_) => return Err(NotWritten::Broken),
                Poll::Pending => break,
            }
        }
        self.queue_frames(frames);
        Ok(())
    }
}
