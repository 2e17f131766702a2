//! A stream that gives a stranger only so many bytes of our memory.
//!
//! The WebSocket library puts a message together before anybody sees it. Until the other end has proven its key, this
//! bounds what it can make us keep, whatever length its frames announce.

use std::io::{Error, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::plugin::CHUNK_LEN;

/// Bytes that may come between two messages before the keys are proven. The largest is the message that proves them, which
/// may be as long as any that is not fragmented, and what encryption and frame add to it. A TLS handshake with a long
/// certificate chain fits as well, and so does the answer to the upgrade.
const STRANGER: u64 = CHUNK_LEN as u64 + 4096;

/// The same for a connector's peer until its first message decrypts. That may be a text that it did not fragment.
const HALF_PROVEN: u64 = 1024 * 1024;

/// Bytes that still may be read. Clones are the same budget.
#[derive(Clone, Debug)]
pub(super) struct Budget(Arc<AtomicU64>);

impl Budget {
    pub(super) fn new() -> Self {
        Self(Arc::new(AtomicU64::new(STRANGER)))
    }

    /// A message has been understood: the next one may have as much. A lifted budget stays lifted.
    pub(super) fn renew(&self) {
        self.set(STRANGER);
    }

    /// The peer has sent a key that only the owner of its long-term key, or somebody who recorded it, can have made.
    pub(super) fn widen(&self) {
        self.set(HALF_PROVEN);
    }

    fn set(&self, bytes: u64) {
        if self.0.load(Ordering::Relaxed) != u64::MAX {
            self.0.store(bytes, Ordering::Relaxed);
        }
    }

    /// The other end has proven its key.
    pub(super) fn lift(&self) {
        self.0.store(u64::MAX, Ordering::Relaxed);
    }
}

/// A stream with a budget.
#[derive(Debug)]
pub(super) struct Limited<S> {
    inner: S,
    budget: Budget,
}

impl<S> Limited<S> {
    pub(super) fn new(inner: S, budget: Budget) -> Self {
        Self { inner, budget }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Limited<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<(), Error>> {
        let left = self.budget.0.load(Ordering::Relaxed);
        if left == 0 {
            let problem = "the other end sent too much before it proved its key";
            return Poll::Ready(Err(Error::new(ErrorKind::InvalidData, problem)));
        }
        if left == u64::MAX {
            return Pin::new(&mut self.inner).poll_read(cx, buffer);
        }
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.remaining());
        let mut part = ReadBuf::new(buffer.initialize_unfilled_to(most));
        let result = Pin::new(&mut self.inner).poll_read(cx, &mut part);
        let read = part.filled().len();
        buffer.advance(read);
        self.budget.0.store(left - read as u64, Ordering::Relaxed);
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Limited<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<Result<usize, Error>> {
        Pin::new(&mut self.inner).poll_write(cx, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
